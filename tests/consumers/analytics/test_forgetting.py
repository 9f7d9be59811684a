"""A stream leaves the tables of analytics, and a service that is in the middle of it lets go of it."""

from collections.abc import Callable

import pytest

from connect_runtime.forgetting.places import Subject
from connect_runtime.forgetting.streams import ForgottenStream, ForgottenStreams, digest_name
from connect_runtime.sink import TopicPartition
from consumers.analytics.forgetting import AnalyticsTables
from keypoints.frame import FrameBatch
from keypoints.topics import TRACKING_TOPIC
from tests.consumers.analytics.conftest import Bench
from tests.consumers.analytics.made_hands import make_frames, make_hand
from tests.consumers.analytics.made_streams import busy_minute, interleave

pytestmark = pytest.mark.servers

PARTITION = TopicPartition(TRACKING_TOPIC, 0)
FORGOTTEN = "performer-1"
SUBJECT = Subject(FORGOTTEN, 2**60)


def ledger_of(subject: Subject) -> ForgottenStreams:
    return ForgottenStreams([ForgottenStream("00", digest_name("00", subject.stream_id), subject.until_us, 0)])


def rows_naming(bench: Bench, name: str) -> int:
    tables = bench.query(
        "SELECT table_schema, table_name FROM information_schema.columns "
        "WHERE column_name = 'stream_id' AND table_schema <> 'pg_catalog'"
    )
    assert len(tables) >= 3
    return sum(
        bench.query(f"SELECT count(*) FROM {schema}.{table} WHERE stream_id = '{name}'")[0][0]
        for schema, table in tables
    )


def test_nothing_is_found_where_analytics_never_ran(make_database: Callable[[], str]) -> None:
    tables = AnalyticsTables(make_database())
    assert tables.find(SUBJECT).records == tables.erase(SUBJECT).records == 0


def test_a_streams_results_and_state_go_and_the_others_stay(bench: Bench) -> None:
    sink = bench.make_sink([PARTITION])
    sink.put(busy_minute(streams=3, frames=150))
    sink.flush()
    before = bench.results()
    tables = AnalyticsTables(bench.database_url)
    found = tables.find(SUBJECT)
    assert found.records > 5
    assert {"analytics.results", "analytics.streams"} <= tables.erase(SUBJECT).details["tables"].keys()
    assert tables.find(SUBJECT).records == rows_naming(bench, FORGOTTEN) == 0
    for name, rows in bench.results().items():
        assert rows == [row for row in before[name] if FORGOTTEN not in row]


def test_a_gesture_that_is_open_does_not_end_later(bench: Bench) -> None:
    sink = bench.make_sink([PARTITION])
    held = [make_frames([make_hand("open")] * 30, stream_id=f"performer-{number}") for number in range(2)]
    sink.put(interleave(*held))
    sink.flush()
    assert rows_naming(bench, FORGOTTEN) >= 2
    # As the ledger tells it, and as the eraser comes after it.
    sink.forget(ledger_of(SUBJECT))
    AnalyticsTables(bench.database_url).erase(SUBJECT)
    long_after = make_frames([make_hand("closed")] * 3_000, stream_id="performer-0")[30:]
    sink.put(FrameBatch.from_frames(long_after, first_offset=60))
    sink.flush()
    assert rows_naming(bench, FORGOTTEN) == 0
    assert rows_naming(bench, "performer-0") >= 3
    # A successor finds nothing of it either.
    assert bench.make_sink([PARTITION]).durable_offsets() == {PARTITION: 60 + len(long_after)}


def test_what_a_stream_did_after_the_moment_stays(bench: Bench) -> None:
    sink = bench.make_sink([PARTITION])
    frames = make_frames([make_hand("open")] * 30 + [None] * 60 + [make_hand("closed")] * 30, stream_id=FORGOTTEN)
    sink.put(FrameBatch.from_frames(frames))
    sink.flush()
    [(gestures,)] = bench.query("SELECT count(*) FROM analytics.results")
    moment = Subject(FORGOTTEN, frames[60].captured_at_us)
    sink.forget(ledger_of(moment))
    tables = AnalyticsTables(bench.database_url)
    tables.erase(moment)
    assert tables.find(moment).records == 0
    [(left,)] = bench.query("SELECT count(*) FROM analytics.results")
    assert (gestures, left) == (2, 1)
    [(state,)] = bench.query("SELECT state IS NOT NULL FROM analytics.streams")
    assert state
