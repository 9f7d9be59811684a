"""The Parquet archive on a small disk that is full: nothing torn, nothing lost, and it goes on by itself."""

import hashlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from connect_runtime.sink import Assignment, TopicPartition
from consumers.archive.audit import audit_archive
from consumers.archive.parquet.chain import list_chains
from consumers.archive.parquet.local_storage import LocalStorage
from consumers.archive.parquet.reading import open_archive, query
from consumers.archive.parquet.sink import ParquetSink
from consumers.archive.parquet.storage import StorageUnavailable
from kafka_io.admin import group_offsets
from tests.conftest import in_ci
from tests.consumers.archive.conftest import Archive
from tests.consumers.archive.made_frames import NOON_US, make_batch, publish

DISK_BYTES = 8 * 1024 * 1024
PAGE = 4096
TEST = TopicPartition("test", 0)


@pytest.fixture
def small_disk(tmp_path: Path, require_tool: Callable[[str], str]) -> Iterator[Path]:
    """A file system of its own, with room for about 1,600 frames."""
    mount, umount = require_tool("mount"), require_tool("umount")
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(
        [mount, "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(disk)],
        check=False,
        capture_output=True,
        text=True,
    )
    if made.returncode:
        missing = f"needs to mount a tmpfs, which is not allowed here: {made.stderr.strip()}"
        if in_ci():
            pytest.fail(missing)
        pytest.skip(missing)
    yield disk
    subprocess.run([umount, "--lazy", str(disk)], check=True)


def free_bytes(disk: Path) -> int:
    found = os.statvfs(disk)
    return found.f_bavail * found.f_frsize


def fill(disk: Path, leave: int) -> Path:
    """Put a file on the disk that leaves room for so many bytes."""
    ballast = disk / "ballast"
    ballast.write_bytes(b"\0" * (free_bytes(disk) - leave))
    return ballast


def digest_files(root: Path) -> Mapping[str, str]:
    """Path → digest of each file of frames there is, listed or not."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((root / "frames").rglob("*"))
        if path.is_file()
    }


def check_nothing_is_torn(root: Path) -> None:
    """Whoever looks at the folder, with or without the manifest, finds whole files."""
    storage = LocalStorage(root)
    for chain in list_chains(storage):
        for file in chain.files:
            assert pq.read_table(root / file.path, columns=["offset"]).num_rows == file.rows
    for path in digest_files(root):
        assert pq.read_table(root / path).num_rows > 0


def stored_offsets(root: Path) -> list[int]:
    with open_archive(root, only_for="frames") as connection:
        return [offset for (offset,) in query(connection, 'SELECT "offset" FROM frames ORDER BY ALL')[1]]


def open_sink(root: Path) -> ParquetSink:
    sink = ParquetSink(LocalStorage(root), "archive-parquet", lambda topic: f"id-of-{topic}", lambda: NOON_US)
    sink.open(Assignment((TEST,), 1, "member", 0))
    return sink


@pytest.mark.parametrize("missing", ["everything", "half a file", "the entry"])
def test_wherever_the_space_ends_the_rows_wait_and_old_files_stay(
    small_disk: Path, tmp_path: Path, missing: str
) -> None:
    root = small_disk / "archive"
    sink = open_sink(root)
    sink.put(make_batch(200))
    sink.flush()
    old = digest_files(root)
    # The same rows where there is space: how large their file is.
    rehearsal = tmp_path / "rehearsal"
    rehearsed = open_sink(rehearsal)
    rehearsed.put(make_batch(200, first_offset=200))
    rehearsed.flush()
    [pages] = [-(-(rehearsal / path).stat().st_size // PAGE) for path in digest_files(rehearsal)]
    sink.put(make_batch(200, first_offset=200))
    ballast = fill(small_disk, PAGE * {"everything": 0, "half a file": pages // 2, "the entry": pages}[missing])
    for _ in range(3):
        with pytest.raises(StorageUnavailable, match="No space left"):
            sink.flush()
        assert sink.durable_offsets() == {TEST: 200}
        assert stored_offsets(root) == list(range(200))
        assert old.items() <= digest_files(root).items()
        check_nothing_is_torn(root)
        assert len(digest_files(root)) == (2 if missing == "the entry" else 1)
    ballast.unlink()
    sink.flush()
    assert sink.durable_offsets() == {TEST: 400}
    assert stored_offsets(root) == list(range(400))
    assert len(digest_files(root)) == 2
    assert LocalStorage(root).list_files("staging") == []


@pytest.mark.servers
@pytest.mark.long
def test_the_service_pauses_on_a_full_disk_and_resumes_by_itself(archive: Archive, small_disk: Path) -> None:
    archive = replace(archive, root=small_disk / "archive", replicas=archive.replicas)
    replica = archive.start("parquet")
    publish(archive.kafka, archive.topic, make_batch(200, starts_at_us=now_us()))
    archive.wait_until(lambda: archive.lag("parquet") == 0 and archive.rows("parquet") == 200)
    old = digest_files(archive.root)
    ballast = fill(small_disk, leave=300_000)
    publish(archive.kafka, archive.topic, make_batch(1_000, first_offset=200, starts_at_us=now_us()))
    archive.wait_until(lambda: "No space left on device" in archive.log.read_text())
    tries = archive.log.read_text().count("No space left on device")
    archive.wait_until(lambda: archive.log.read_text().count("No space left on device") > tries)
    check_committed_only_what_is_listed(archive)
    check_nothing_is_torn(archive.root)
    assert old.items() <= digest_files(archive.root).items()
    assert archive.lag("parquet") > 0
    assert replica.partitions(), "the task is gone instead of waiting"
    ballast.unlink()
    archive.wait_until(lambda: archive.lag("parquet") == 0)
    replica.send_signal(signal.SIGTERM)
    assert replica.wait() == 0
    check_committed_only_what_is_listed(archive)
    check_nothing_is_torn(archive.root)
    audited = audit_archive(archive.kafka, archive.topic, archive_root=archive.root)
    assert audited.clean, audited
    assert archive.rows("parquet") == 1_200
    storage = LocalStorage(archive.root)
    assert storage.list_files("staging") == []
    assert storage.list_files("frames") == sorted(file.path for chain in list_chains(storage) for file in chain.files)


def check_committed_only_what_is_listed(archive: Archive) -> None:
    listed = {
        chain.identity.partition: chain.next_offset or 0
        for chain in list_chains(LocalStorage(archive.root))
        if chain.identity.topic == archive.topic
    }
    committed = group_offsets(archive.kafka, archive.group("parquet"), archive.topic)
    assert all(offset <= listed[partition] for partition, offset in committed.items()), (committed, listed)


def now_us() -> int:
    return time.time_ns() // 1000
