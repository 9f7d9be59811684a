"""What the tests of the Postgres store do over and over: write through the sink, and look at what is there."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, Final

import psycopg2

from connect_runtime.sink import Assignment, TopicPartition
from consumers.archive.postgres.days import DayWindow
from consumers.archive.postgres.lanes import LaneOptions
from consumers.archive.postgres.sink import PostgresSink
from keypoints.errors import Transient
from keypoints.frame import FrameBatch
from observability.metrics import Metrics
from tests.consumers.archive.made_frames import NOON_US

TEST: Final = TopicPartition("test", 0)
DAY_US: Final = 86_400_000_000


@contextmanager
def open_sink(
    database_url: str,
    now_us: Callable[[], int] = lambda: NOON_US,
    topic_ids: Callable[[str], str] = lambda topic: f"id-of-{topic}",
    connections: int = 2,
    chunk_rows: int = 500,
    window: DayWindow | None = None,
    metrics: Metrics | None = None,
) -> Iterator[PostgresSink]:
    """The sink, open for partition 0 of `test`, at noon of a day in 2026 unless told otherwise."""
    sink = PostgresSink(database_url, topic_ids, now_us, window, LaneOptions(connections, chunk_rows), metrics)
    try:
        sink.open(Assignment((TEST,), 1, "member", 0))
        yield sink
    finally:
        sink.stop()


def ask(database_url: str, sql: str, values: tuple[object, ...] | None = None) -> list[tuple[Any, ...]]:
    """The rows of an answer."""
    with closing(psycopg2.connect(database_url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


def run(database_url: str, sql: str) -> None:
    """Run statements in one transaction."""
    with closing(psycopg2.connect(database_url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(sql)


def run_alone(database_url: str, sql: str) -> None:
    """Run a statement that can be no part of a transaction."""
    with closing(psycopg2.connect(database_url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql)


def store(database_url: str, *batches: FrameBatch) -> None:
    """Write the batches."""
    with open_sink(database_url) as sink:
        for batch in batches:
            sink.put(batch)
        sink.flush()


def stored_offsets(database_url: str, view: str = "frames") -> list[int]:
    """Offsets of the rows, with repetitions."""
    return [offset for (offset,) in ask(database_url, f'SELECT "offset" FROM {view} ORDER BY 1')]


def repeat(call: Callable[[], None]) -> int:
    """Call as the runtime does until it succeeds. Returns how often it failed."""
    deadline = time.monotonic() + 60
    failures = 0
    while True:
        try:
            call()
        except Transient:
            failures += 1
            assert time.monotonic() < deadline
            time.sleep(0.02)
        else:
            return failures


def wait_until(reached: Callable[[], bool], timeout_s: float = 30) -> None:
    """Wait for something that happens in the background."""
    deadline = time.monotonic() + timeout_s
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.02)
