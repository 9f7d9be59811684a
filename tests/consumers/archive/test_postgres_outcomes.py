"""What Postgres refuses for now, cuts off or leaves unanswered is written again, once."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import numpy as np
import psycopg2
import pytest
from psycopg2 import extensions

from consumers.archive.postgres.errors import PostgresUnavailable
from consumers.archive.postgres.frame_writer import FrameWriter
from consumers.archive.postgres.rewriting import RewritingFrameWriter
from consumers.archive.postgres.topic_refs import TopicRefs
from keypoints.frame import FrameBatch
from tests.consumers.archive.made_frames import NOON_US, make_batch
from tests.consumers.archive.postgres_proxy import Moment, OfWriting, proxy_postgres
from tests.consumers.archive.postgres_under_test import (
    TEST,
    ask,
    open_sink,
    repeat,
    run_alone,
    store,
    stored_offsets,
    wait_until,
)

pytestmark = pytest.mark.servers

KEY = '(topic_ref, "partition", "offset", captured_at)'
WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'holistic-archive' "
    "AND datname = current_database() AND wait_event_type = 'Lock'"
)


@contextmanager
def holding(database_url: str, batch: FrameBatch) -> Iterator[extensions.connection]:
    """A transaction of somebody else's that has written these rows and not ended."""
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        for row in range(len(batch)):
            cursor.execute(
                "INSERT INTO frames_by_day SELECT (jsonb_populate_record(f, jsonb_build_object('offset', %s::bigint, "
                "'captured_at', to_timestamp(0) + make_interval(secs => %s::numeric / 1000000)))).* "
                "FROM frames_by_day f LIMIT 1",
                (int(batch.offset[row]), int(batch.captured_at_us[row])),
            )
        yield connection


def in_order(batch: FrameBatch, offsets: list[int]) -> FrameBatch:
    return batch.take([batch.offset.tolist().index(offset) for offset in offsets])


def test_two_connections_that_lock_each_other_out_both_write_in_the_end(database_url: str) -> None:
    store(database_url, make_batch(1))
    batch = make_batch(6, first_offset=1)
    # Each connection writes what the other wants next, and then wants what the other wrote. The gate lets both begin.
    first, second = in_order(batch, [1, 5, 2]), in_order(batch, [2, 6, 1])
    with open_sink(database_url, chunk_rows=3) as sink:
        with holding(database_url, in_order(batch, [5, 6])) as gate:
            sink.put(first)
            sink.put(second)
            wait_until(lambda: ask(database_url, WAITING) == [(2,)])
            gate.rollback()
        assert repeat(sink.flush) >= 1, "nobody was the victim"
    assert stored_offsets(database_url) == [0, 1, 2, 5, 6]


def test_a_transaction_that_cannot_be_serialized_is_done_again(database_url: str) -> None:
    store(database_url, make_batch(2))
    name = database_url.rpartition("/")[2]
    run_alone(database_url, f"ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'")
    # Row 0 sends the batch through the staging table; row 2 is committed by another after its snapshot was taken.
    batch = in_order(make_batch(4), [0, 2, 3])
    with open_sink(database_url) as sink:
        with holding(database_url, in_order(batch, [2])) as other:
            sink.put(batch)
            wait_until(lambda: ask(database_url, WAITING) == [(1,)])
            other.commit()
        with pytest.raises(PostgresUnavailable) as refused:
            sink.flush()
        assert refused.value.fields["sqlstate"] == "40001"
        repeat(sink.flush)
    assert stored_offsets(database_url) == [0, 1, 2, 3]


def test_a_statement_that_takes_too_long_is_given_up_and_done_again(database_url: str) -> None:
    store(database_url, make_batch(1))
    batch = make_batch(5, first_offset=1)
    with open_sink(database_url) as sink:
        with holding(database_url, in_order(batch, [3])):
            sink.put(batch)
            wait_until(lambda: ask(database_url, WAITING) == [(1,)])
            # What the server does when statement_timeout has passed.
            ask(database_url, WAITING.replace("count(*)", "pg_cancel_backend(pid)"))
            with pytest.raises(PostgresUnavailable) as refused:
                sink.flush()
            assert refused.value.fields["sqlstate"] == "57014"
        repeat(sink.flush)
        assert sink.durable_offsets() == {TEST: 6}
    assert stored_offsets(database_url) == list(range(6))


@pytest.mark.parametrize(
    ("moment", "committed"),
    [(Moment.ASKED, 0), (Moment.ANSWERED, 100)],
    ids=["before the server had it", "after the server did it"],
)
def test_a_connection_lost_during_commit_leaves_each_row_once(
    database_url: str, moment: Moment, committed: int
) -> None:
    seen_by_then: list[int] = []
    watch = OfWriting(moment, "COMMIT", 1, lambda: seen_by_then.append(len(stored_offsets(database_url))))
    with proxy_postgres(database_url, watch) as proxied, open_sink(proxied, connections=1) as sink:
        sink.put(make_batch(100))
        assert repeat(sink.flush) == 1
        sink.put(make_batch(50, first_offset=100))
        repeat(sink.flush)
        assert sink.durable_offsets() == {TEST: 150}
    assert seen_by_then == [committed]
    assert stored_offsets(database_url) == list(range(150))


@pytest.mark.parametrize("moment", list(Moment), ids=lambda moment: moment.name.lower())
def test_a_connection_lost_during_copy_leaves_each_row_once(database_url: str, moment: Moment) -> None:
    watch = OfWriting(moment, "COPY", 1, lambda: None)
    with proxy_postgres(database_url, watch) as proxied, open_sink(proxied, connections=1) as sink:
        sink.put(make_batch(100))
        assert repeat(sink.flush) == 1
    assert stored_offsets(database_url) == list(range(100))


def test_writers_that_redeliver_the_same_rows_at_once_leave_each_once(database_url: str) -> None:
    batch = make_batch(2000)
    random = np.random.default_rng(0)

    def write() -> None:
        writer = FrameWriter(database_url, TopicRefs(lambda topic: f"id-of-{topic}"))
        for rows in np.array_split(np.arange(2000), 10):
            repeat(lambda rows=rows: writer.write(batch.take(random.permutation(rows))))  # type: ignore[misc]
        writer.close()

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stored_offsets(database_url) == list(range(2000))


@pytest.mark.parametrize("writer_class", [FrameWriter, RewritingFrameWriter])
def test_a_connection_that_is_lost_before_its_first_days_table_is_made_anew(
    database_url: str, writer_class: type[FrameWriter]
) -> None:
    # Another connection has found the topic's number already, so that the day's table is the first that is asked for.
    topic_refs = TopicRefs(lambda topic: f"id-of-{topic}")
    with open_sink(database_url), closing(writer_class(database_url, topic_refs, now_us=lambda: NOON_US)) as first:
        first.write(make_batch(1))
    with closing(writer_class(database_url, topic_refs, now_us=lambda: NOON_US)) as second:
        ask(database_url, "SELECT pg_terminate_backend(%s)", (second.connect().get_backend_pid(),))
        with pytest.raises(PostgresUnavailable):
            second.write(make_batch(1, first_offset=1))
        second.write(make_batch(1, first_offset=1))
    assert stored_offsets(database_url) == [0, 1]
