"""`holistic compact` and `holistic files` on a folder, no servers needed."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from consumers.archive.parquet.chain import list_chains
from consumers.archive.parquet.local_storage import LocalStorage
from consumers.archive.parquet.restoring import RESTORE_MARK
from tests.consumers.archive.made_frames import make_batch
from tests.consumers.archive.test_parquet_sink import open_sink
from tests.holistic_cli.test_main import run_holistic

EVERYTHING = ("--older-than", "0", "--grace", "0")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three files of ten frames of one hour."""
    root = tmp_path / "archive"
    sink = open_sink(root)
    for first in (0, 10, 20):
        sink.put(make_batch(10, first_offset=first))
        sink.flush()
    return root


def run(root: Path, *arguments: str, code: int = 0) -> str:
    verb, *others = arguments
    done = run_holistic(verb, "--dir", str(root), *others, **environment(root))
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + (done.stderr if code else "")


def environment(root: Path) -> dict[str, str]:
    return {"KAFKA_BOOTSTRAP_SERVERS": "", "DATABASE_URL": "", "HOLISTIC_HOME": str(root.parent / "home")}


def as_json(text: str) -> Any:
    return orjson.loads(text)


def listed(root: Path) -> list[str]:
    return sorted(file.path for chain in list_chains(LocalStorage(root)) for file in chain.files)


def test_what_would_be_joined_is_shown_and_then_is(root: Path) -> None:
    before = listed(root)
    assert "nothing to join" in run(root, "compact"), "it came within the last ten minutes"
    shown = run(root, "compact", *EVERYTHING, "--dry-run")
    assert "Nothing was changed" in shown
    assert "2026-09-21T14" in shown
    planned = as_json(run(root, "compact", *EVERYTHING, "--dry-run", "--json"))
    assert (planned["executed"], planned["files"], planned["merges"][0]["rows"]) == (False, 3, 30)
    assert listed(root) == before
    assert "3 files" in run(root, "compact", "--older-than", "0")
    assert len(listed(root)) == 1
    assert len(list(root.rglob("*.parquet"))) == 4, "those replaced are kept for a while"
    assert "3 files were deleted" in run(root, "compact", *EVERYTHING)
    assert as_json(run(root, "compact", *EVERYTHING, "--json"))["merges"] == 0


def test_it_goes_on_until_it_is_told_to_stop(root: Path) -> None:
    arguments = ["compact", "--dir", str(root), *EVERYTHING, "--every", "1s", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "holistic_cli", *arguments], env=environment(root), stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    reports = [as_json(process.stdout.readline().decode()) for _ in range(2)]
    process.send_signal(signal.SIGTERM)
    process.stdout.read()
    process.stdout.close()
    assert process.wait(30) == 0
    assert [report["files_before"] for report in reports] == [3, 0]


def test_wrong_sizes_and_durations_and_damaged_files_end_with_their_exit_codes(root: Path) -> None:
    assert "--target-size" in run(root, "compact", "--target-size", "large", code=2)
    assert "at least" in run(root, "compact", "--target-size", "10kB", code=2)
    assert "--every" in run(root, "compact", "--every", "often", code=2)
    assert "never rest" in run(root, "compact", "--every", "0s", code=2)
    damaged = listed(root)[0]
    (root / damaged).write_bytes(b"no Parquet")
    assert damaged in run(root, "compact", *EVERYTHING, code=1)


def test_an_archive_that_is_being_restored_is_left_alone_and_what_to_do_is_said(root: Path) -> None:
    (root / RESTORE_MARK).touch()
    question = ("sql", "--on", "parquet", "SELECT count(*) FROM frames")
    for words in (("compact",), ("compact", "--dry-run"), ("files",), question):
        said = run(root, *words, code=1)
        assert "is being restored from a backup" in said
        assert "holistic backup restore" in said


def test_the_files_that_exist_are_listed_with_what_is_in_them(root: Path) -> None:
    (root / "frames" / "orphan.parquet").write_bytes(b"nobody lists it")
    files = as_json(run(root, "files", "--footers", "--json"))["files"]
    assert [file["path"] for file in files] == listed(root)
    assert [file["offsets"] for file in files] == [[[0, 9]], [[10, 19]], [[20, 29]]]
    assert all(Path(file["url"]).is_file() for file in files)
    assert files[0]["footer"]["streams"] == {f"performer-{number}": 2 for number in range(5)}
    shown = run(root, "files")
    assert "3 files, 30 rows" in shown
    assert "as it came" in shown
    assert "orphan" not in shown
    empty = root.parent / "empty"
    assert "0 files" in run(empty, "files")
    assert f"no folder {empty}" in run_holistic("files", "--dir", str(empty), "--json", **environment(empty)).stderr
    assert "nothing to join" in run(empty, "compact")
