"""A live writer, compactors, a rewriting replay and readers at work on one archive at the same time."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from connect_runtime.sink import Assignment, TopicPartition
from consumers.archive.parquet.chain import SweptUp, list_chains
from consumers.archive.parquet.compaction import Compactor
from consumers.archive.parquet.compaction_plan import CompactionLimits
from consumers.archive.parquet.local_storage import LocalStorage
from consumers.archive.parquet.reading import open_archive, query
from consumers.archive.parquet.rewriting import ParquetRewriteSink
from consumers.archive.parquet.sink import ParquetSink
from keypoints.errors import HolisticError
from tests.consumers.archive.made_frames import make_batch

pytestmark = [pytest.mark.long]

TEST: Final = TopicPartition("test", 0)
ROWS_A_FILE: Final = 20
SECONDS: Final = 12.0
GRACE_US: Final = 5_000_000


def now_us() -> int:
    return time.time_ns() // 1000


class Worker:
    """Does something again and again on a thread of its own until the block ends, which fails when it did."""

    def __init__(self) -> None:
        self.rounds = 0
        self._stop = threading.Event()
        self._failures: list[BaseException] = []

    @contextmanager
    def doing(self, work: Callable[[], object]) -> Iterator[None]:
        def run() -> None:
            try:
                while not self._stop.is_set():
                    work()
                    self.rounds += 1
            except BaseException as error:  # noqa: BLE001 - shown below
                self._failures.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join(60)
        if self._failures:
            raise self._failures[0]


def flush_until_listed(sink: ParquetSink) -> None:
    """As the runtime does: somebody who swept up meanwhile may have taken the files for leftovers."""
    while True:
        try:
            sink.flush()
        except SweptUp:
            continue
        return


def test_each_record_is_there_once_whoever_is_at_work(tmp_path: Path) -> None:
    live = ParquetSink(LocalStorage(tmp_path), "group", lambda topic: f"id-of-{topic}", now_us)
    live.open(Assignment((TEST,), 1, "live", 0))
    limits = CompactionLimits(settled_us=0, grace_us=GRACE_US, abandoned_us=GRACE_US)
    written = 0

    def write() -> None:
        nonlocal written
        live.put(make_batch(ROWS_A_FILE, first_offset=written))
        flush_until_listed(live)
        written += ROWS_A_FILE

    def compact() -> None:
        began_us = now_us()
        report = Compactor(LocalStorage(tmp_path), now_us, limits).run()
        # Who takes longer than the grace may find what others have put in order gone.
        assert report.failures == [] or now_us() - began_us > GRACE_US

    def rewrite() -> None:
        end = written
        sink = ParquetRewriteSink(LocalStorage(tmp_path), "replay", lambda topic: f"id-of-{topic}", now_us)
        sink.open(Assignment((TEST,), 1, "replay", 0))
        batch = make_batch(end)
        batch.model[:] = "rewritten"
        sink.put(batch)
        sink.flush()
        assert sink.durable_offsets() == {TEST: end}

    def read() -> None:
        at_least, began_us = written, now_us()
        try:
            count, offsets, last = count_rows(tmp_path)
        except HolisticError:
            assert now_us() - began_us > GRACE_US
            return
        assert (count, offsets) == (last + 1, last + 1)
        assert count >= at_least

    write()
    workers = [Worker() for _ in range(5)]
    with (
        workers[0].doing(write),
        workers[1].doing(compact),
        workers[2].doing(compact),
        workers[3].doing(rewrite),
        workers[4].doing(read),
    ):
        threading.Event().wait(SECONDS)
    assert all(worker.rounds for worker in workers), [worker.rounds for worker in workers]
    live.flush()
    rewrite()
    compact()
    count, offsets, last = count_rows(tmp_path)
    assert (count, offsets, last) == (written, written, written - 1)
    with open_archive(tmp_path, only_for="frames") as connection:
        assert query(connection, "SELECT DISTINCT model FROM frames")[1] == [("rewritten",)]
    assert sum(len(chain.files) for chain in list_chains(LocalStorage(tmp_path))) < 10


def count_rows(root: Path) -> tuple[int, int, int]:
    with open_archive(root, only_for="frames") as connection:
        [row] = query(connection, 'SELECT count(*), count(DISTINCT "offset"), max("offset") FROM frames')[1]
    return row
