"""What is in Postgres, after anything: cuts, restarts, zombies, commits of unknown outcome, moved offsets."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import orjson
import pytest
from sqlalchemy import Engine, event

from connect_runtime.sink import TopicPartition
from consumers.analytics.claiming import Fenced
from consumers.analytics.database import StoreRefused, StoreUnavailable, connect, migrate
from consumers.analytics.finding import Category, Finding
from consumers.analytics.results import Performance, Result
from consumers.analytics.save_pacer import SavePacer
from consumers.analytics.saved_results import save_results
from consumers.analytics.sink import AnalyticsSink
from keypoints.frame import FrameBatch
from keypoints.topics import TRACKING_TOPIC
from tests.consumers.analytics.busy_stage import busy_stage
from tests.consumers.analytics.conftest import EVER_IN_OUTBOX, Bench
from tests.consumers.analytics.feeding import feed, feed_and_save, held_hand
from tests.consumers.analytics.made_hands import START_US, make_frames, make_hand
from tests.consumers.analytics.made_streams import busy_minute, cut, interleave

pytestmark = pytest.mark.servers

PARTITION = TopicPartition(TRACKING_TOPIC, 0)
TOLD = "SELECT quiet_until FROM analytics.sources"


def test_the_tables_are_the_same_row_for_row_however_polls_cut_the_records(make_bench: Callable[[], Bench]) -> None:
    batch = busy_minute(streams=3, frames=150)
    found = []
    for rows in (1, 7, 500):
        bench = make_bench()
        sink = bench.make_sink([PARTITION])
        feed(sink, *cut(batch, rows))
        sink.flush()
        found.append(bench.results())
    assert len(found[0]["results"]) > 10
    assert found[0] == found[1] == found[2]


def brief_visit(captured_at_us: int | None = None) -> FrameBatch:
    """One that is there for a second, with other streams going on for long enough that it has ended."""
    visitor = make_frames([make_hand("open")] * 30, stream_id="visitor")
    if captured_at_us is not None:
        visitor = [replace(frame, captured_at_us=captured_at_us) for frame in visitor]
    return interleave(visitor, make_frames([None] * 400, stream_id="resident"))


def test_a_stream_that_comes_and_goes_within_one_poll_is_saved_as_if_it_had_taken_many(
    make_bench: Callable[[], Bench],
) -> None:
    batch = brief_visit()
    found = []
    for rows in (7, 500):
        bench = make_bench()
        sink = bench.make_sink([PARTITION])
        feed(sink, *cut(batch, rows))
        sink.flush()
        found.append(bench.results())
    assert len(found[0]["streams"]) == 2
    assert found[0] == found[1]


def test_a_stream_with_impossible_times_that_comes_and_goes_within_one_poll_stops_nothing(bench: Bench) -> None:
    sink = bench.make_sink([PARTITION])
    feed(sink, brief_visit(captured_at_us=2**62))
    sink.flush()
    assert bench.query("SELECT late_frames FROM analytics.streams WHERE stream_id = 'visitor'") == [(30,)]


def test_a_successor_goes_on_in_the_middle_of_a_gesture(bench: Bench, make_bench: Callable[[], Bench]) -> None:
    batch = busy_minute(streams=3, frames=150)
    for number, part in enumerate(cut(batch, 40)):
        sink = bench.make_sink([PARTITION])
        assert sink.durable_offsets() == ({PARTITION: number * 40} if number else {})
        feed(sink, *cut(part, 9))
        sink.flush()
    undisturbed = make_bench()
    sink = undisturbed.make_sink([PARTITION])
    feed(sink, batch)
    sink.flush()
    assert bench.results() == undisturbed.results()


def test_what_was_not_saved_when_a_member_vanished_is_worked_out_again(bench: Bench) -> None:
    vanished = bench.make_sink([PARTITION])
    feed(vanished, held_hand(4))
    successor = bench.make_sink([PARTITION])
    assert successor.durable_offsets() == {}
    feed(successor, held_hand(10))
    assert bench.query("SELECT kind, hand, first_offset, provisional FROM gesture_events") == [
        ("open", "right", 0, True)
    ]


def test_records_seen_before_have_no_second_effect(bench: Bench) -> None:
    sink = bench.make_sink([PARTITION])
    batch = busy_minute(streams=2, frames=100)
    feed(sink, batch)
    sink.flush()
    before = bench.results()
    feed(sink, batch, batch)
    sink.flush()
    assert bench.results() == before


def test_a_zombies_save_changes_nothing(bench: Bench) -> None:
    zombie = bench.make_sink([PARTITION])
    feed(zombie, held_hand(3))
    zombie.flush()
    successor = bench.make_sink([PARTITION])
    feed(successor, held_hand(20, first_offset=3))
    successor.flush()
    before = bench.results(), bench.query("SELECT * FROM analytics.sources")
    with pytest.raises(Fenced):
        feed(zombie, held_hand(30, first_offset=3))
    assert (bench.results(), bench.query("SELECT * FROM analytics.sources")) == before


def test_two_members_that_both_begin_do_not_both_save(bench: Bench) -> None:
    one, other = bench.make_sink([PARTITION]), bench.make_sink([PARTITION])
    feed(one, held_hand(10))
    with pytest.raises(Fenced):
        feed(other, held_hand(20))
    assert one.durable_offsets() == {PARTITION: 10}
    assert other.durable_offsets() == {}


def lose_an_answer(engine: Engine) -> list[bool]:
    """The next commit goes through, and nobody hears of it. Returns a list that is empty until then."""
    lost: list[bool] = []

    def lose_it(connection: object) -> None:
        if not lost:
            lost.append(True)
            connection.connection.driver_connection.commit()  # type: ignore[attr-defined]
            connection.connection.driver_connection.close()  # type: ignore[attr-defined]

    event.listen(engine, "commit", lose_it)
    return lost


def test_news_whose_commit_was_not_heard_of_is_not_told_twice(bench: Bench) -> None:
    sink = bench.make_sink([PARTITION])
    feed(sink, held_hand(3))
    sink.flush()
    lost = lose_an_answer(bench.engines[0])
    batch = held_hand(20, first_offset=3)
    with pytest.raises(StoreUnavailable):
        sink.put(batch)
    sink.put(batch)
    assert lost == [True]
    assert bench.query(TOLD) == [(23,)]
    assert bench.query("SELECT count(*) FROM analytics.results") == [(1,)]
    sink.flush()
    assert sink.durable_offsets() == {PARTITION: 23}
    assert bench.query("SELECT frames FROM analytics.streams") == [(23,)]
    assert bench.query(EVER_IN_OUTBOX) == [(1,)]


def test_a_save_whose_commit_was_not_heard_of_is_not_made_twice(bench: Bench) -> None:
    sink = bench.make_sink([PARTITION])
    feed_and_save(sink, held_hand(3))
    feed(sink, held_hand(20, first_offset=3))
    lost = lose_an_answer(bench.engines[0])
    with pytest.raises(StoreUnavailable):
        sink.flush()
    assert sink.durable_offsets() == {PARTITION: 3}
    sink.flush()
    assert lost == [True]
    assert sink.durable_offsets() == {PARTITION: 23}
    assert bench.query("SELECT frames FROM analytics.streams") == [(23,)]


def test_whatever_comes_next_a_write_that_was_not_heard_of_is_known_for_what_it_is(
    make_bench: Callable[[], Bench],
) -> None:
    for write, next_call in ((AnalyticsSink.flush, AnalyticsSink.tick), (None, AnalyticsSink.flush)):
        bench = make_bench()
        sink = bench.make_sink([PARTITION])
        feed_and_save(sink, held_hand(3))
        batch = held_hand(20, first_offset=3)
        if write is not None:
            feed(sink, batch)
        lose_an_answer(bench.engines[0])
        with pytest.raises(StoreUnavailable):
            sink.put(batch) if write is None else write(sink)
        next_call(sink)
        assert sink.durable_offsets() == {PARTITION: 23}
        assert bench.query(EVER_IN_OUTBOX) == [(1,)]
        assert bench.query("SELECT frames FROM analytics.streams") == [(23,)]


@pytest.mark.parametrize("vanishes_after", [3, 5, 8, 13, 21])
def test_what_was_told_and_stands_on_no_saved_state_yet_is_not_told_again(
    make_bench: Callable[[], Bench], vanishes_after: int
) -> None:
    batch = busy_minute(streams=3, frames=400)
    parts = cut(batch, 50)
    bench, undisturbed = make_bench(), make_bench()
    sink = bench.make_sink([PARTITION])
    feed_and_save(sink, parts[0])
    feed(sink, *parts[1:vanishes_after])
    assert bench.query(TOLD)[0][0] > 50
    told = bench.query(EVER_IN_OUTBOX)

    successor = bench.make_sink([PARTITION])
    assert successor.durable_offsets() == {PARTITION: 50}
    feed(successor, *parts[1:vanishes_after])
    successor.flush()
    feed(successor, *parts[vanishes_after:])
    successor.flush()
    assert told < bench.query(EVER_IN_OUTBOX)

    sink = undisturbed.make_sink([PARTITION])
    feed_and_save(sink, *parts)
    assert bench.results() == undisturbed.results()
    assert bench.query(EVER_IN_OUTBOX) == undisturbed.query(EVER_IN_OUTBOX)


def test_news_takes_no_state_along(bench: Bench) -> None:
    sink = bench.make_sink([PARTITION])
    feed_and_save(sink, held_hand(3))
    before = bench.query("SELECT frames, state FROM analytics.streams")
    feed(sink, held_hand(20, first_offset=3))
    assert bench.query("SELECT count(*) FROM analytics.results") == [(1,)]
    assert bench.query("SELECT frames, state FROM analytics.streams") == before
    sink.flush()
    assert bench.query("SELECT frames FROM analytics.streams") == [(23,)]
    assert bench.query(TOLD) == [(None,)]


def test_thousands_of_streams_are_read_although_the_server_ends_idle_transactions(bench: Bench) -> None:
    sink = bench.make_sink([PARTITION])
    batch = busy_stage(seconds=2.0)
    sink.put(batch.take(batch.stream_id == batch.stream_id[0]))
    sink.flush()
    columns = "frames, body_observed, face_observed, left_observed, right_observed, late_frames, seen_at, state"
    bench.query(
        f"INSERT INTO analytics.streams SELECT topic, partition, stream_id || number, epoch, first_offset, {columns} "
        "FROM analytics.streams, generate_series(1, 8000) AS number RETURNING 1"
    )
    assert bench.make_sink([PARTITION]).durable_offsets() == sink.durable_offsets()


def test_windows_that_are_not_over_are_put_off_where_saving_takes_long_and_shown_in_the_end(bench: Bench) -> None:
    clock_s = [100.0]
    bench.monotonic_s = lambda: clock_s[0]
    sink = bench.make_sink([PARTITION], SavePacer(spacing_s=0.5))
    shown = "SELECT coalesce(max(frames), 0) FROM analytics.windows"
    sink.put(held_hand(20))
    sink.flush()
    assert bench.query(shown) == [(20,)]
    sink.put(held_hand(20, first_offset=20))
    sink.flush()
    assert bench.query(f"SELECT frames, ({shown}) FROM analytics.streams") == [(40, 20)]
    sink.tick()
    assert bench.query(shown) == [(20,)]
    clock_s[0] += 0.6
    sink.tick()
    assert bench.query(shown) == [(40,)]


def test_state_of_another_make_ends_what_was_open_in_it_and_is_asked_for_once(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    sink = bench.make_sink([PARTITION])
    feed(sink, held_hand(20))
    sink.flush()
    bench.query("UPDATE analytics.streams SET state = 'of old' RETURNING 1")
    last_us = make_frames([None] * 20)[-1].captured_at_us
    sink = bench.make_sink([PARTITION])
    assert "another make" in caplog.text
    assert bench.query("SELECT first_offset, extract(epoch FROM ended_at) * 1000000 FROM gesture_events") == [
        (0, last_us)
    ]
    events = [orjson.loads(bytes(row)) for (row,) in bench.query("SELECT event FROM analytics.outbox ORDER BY id")]
    assert events[-1]["phase"] == "end"
    caplog.clear()
    sink = bench.make_sink([PARTITION])
    assert sink.durable_offsets() == {PARTITION: 20}
    assert caplog.text == ""


def test_replicas_that_start_together_migrate_once(bench: Bench) -> None:
    engines = [connect(bench.database_url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate, engines))
    for engine in engines:
        engine.dispose()
    assert bench.query("SELECT version_num FROM analytics.alembic_version") == [("0005",)]


def test_a_database_that_does_not_answer_is_worth_another_try_and_a_wrong_url_is_not() -> None:
    nobody = connect("postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(StoreUnavailable):
        migrate(nobody)
    with pytest.raises(StoreRefused):
        connect("not a url")


def test_a_member_stopped_in_the_middle_of_a_save_does_not_hold_up_its_successor(bench: Bench) -> None:
    sink = bench.make_sink([PARTITION])
    feed(sink, held_hand(3))
    sink.flush()
    stopped, goes_on = threading.Event(), threading.Event()

    def stop_before_commit(_: object) -> None:
        stopped.set()
        goes_on.wait(60)

    event.listen(bench.engines[0], "commit", stop_before_commit)
    successor = bench.make_sink([PARTITION])
    batch = held_hand(20, first_offset=3)
    with ThreadPoolExecutor(1) as pool:
        late_save = pool.submit(sink.put, batch)
        assert stopped.wait(10)
        try:
            successor.put(batch)
            assert bench.query(TOLD) == [(23,)]
        finally:
            goes_on.set()
        with pytest.raises(StoreUnavailable):
            late_save.result()
    with pytest.raises(Fenced):
        sink.put(batch)


def test_connections_cut_by_the_server_between_two_saves_are_made_anew(bench: Bench) -> None:
    sink = bench.make_sink([PARTITION])
    feed(sink, held_hand(3))
    sink.flush()
    bench.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    feed(sink, held_hand(20, first_offset=3))
    assert bench.query(TOLD) == [(23,)]


def test_evidence_that_is_no_number_is_saved_as_unknown_and_holds_nothing_up(bench: Bench) -> None:
    finding = Finding(
        category=Category.ANOMALY,
        kind="fall",
        subject="body",
        started_us=START_US,
        last_us=START_US,
        first_offset=1,
        last_offset=2,
        confidence=1.0,
        observed=1.0,
        evidence={"drop_scales": float("nan"), "frames": 3},
    )
    bench.make_sink([PARTITION])
    with bench.engines[0].begin() as connection:
        save_results(connection, [Result(Performance("ada", 1, TRACKING_TOPIC, 0), finding, is_open=False)])
    assert bench.query("SELECT evidence FROM anomalies") == [({"frames": 3, "drop_scales": None},)]
