"""The process that looks after the archive's files: again and again, whatever happens, until it is told to stop."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connect_runtime.sink import Assignment, TopicPartition
from consumers.archive.parquet.chain import list_chains
from consumers.archive.parquet.local_storage import LocalStorage
from consumers.archive.parquet.sink import ParquetSink
from tests.consumers.archive.made_frames import NOON_US, make_batch

QUICK = {"HOLISTIC_ARCHIVE_COMPACT_INTERVAL_S": "0.2"}
TEST = TopicPartition("test", 0)


def write_small_files(root: Path, files: int, first: int = 0) -> None:
    """Files of hours ago, as their times say, which nobody adds to any more."""
    sink = ParquetSink(LocalStorage(root), "archive-parquet", lambda _: "id", lambda: NOON_US)
    sink.open(Assignment((TEST,), 1, "member-1", 0))
    for number in range(first, first + files):
        sink.put(make_batch(10, first_offset=number * 10))
        sink.flush()
    hour_ago_s = time.time() - 3600
    for path in (root / "frames").rglob("*.parquet"):
        os.utime(path, (hour_ago_s, hour_ago_s))


def count_files(root: Path) -> int:
    return sum(len(chain.files) for chain in list_chains(LocalStorage(root)))


def wait_until(reached: Callable[[], bool], process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 30
    while not reached():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        threading.Event().wait(0.05)


@pytest.fixture
def compactor(tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    environment = {**os.environ, **QUICK, "HOLISTIC_ARCHIVE_DIR": str(tmp_path / "archive")}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "consumers.archive", "compact"], env=environment, stderr=log)
    yield process
    process.kill()
    process.wait()


def test_files_that_come_later_are_joined_too_and_sigterm_ends_it_well(
    tmp_path: Path, compactor: "subprocess.Popen[bytes]"
) -> None:
    root, log = tmp_path / "archive", tmp_path / "log"
    write_small_files(root, 4)
    wait_until(lambda: count_files(root) == 1, compactor, log)
    write_small_files(root, 4, first=4)
    wait_until(lambda: count_files(root) == 1, compactor, log)
    compactor.send_signal(signal.SIGTERM)
    assert compactor.wait(30) == 0


def test_files_that_cannot_be_read_are_said_and_the_others_joined(
    tmp_path: Path, compactor: "subprocess.Popen[bytes]"
) -> None:
    root, log = tmp_path / "archive", tmp_path / "log"
    write_small_files(root, 2)
    wait_until(lambda: count_files(root) == 1, compactor, log)
    [whole] = list_chains(LocalStorage(root))[0].files
    damaged = root / whole.path
    damaged.write_bytes(damaged.read_bytes()[: damaged.stat().st_size // 2])
    write_small_files(root, 2, first=2)
    wait_until(lambda: "files were left as they are" in log.read_text(), compactor, log)
    assert compactor.poll() is None
