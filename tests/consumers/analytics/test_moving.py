"""What becomes of state and results when offsets are moved: back, forward, and thought better of."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from sqlalchemy import event

from connect_runtime.sink import TopicPartition
from consumers.analytics.claiming import Fenced
from consumers.analytics.database import StoreUnavailable
from keypoints.frame import FrameBatch
from keypoints.topics import TRACKING_TOPIC
from tests.consumers.analytics.conftest import EVER_IN_OUTBOX, Bench
from tests.consumers.analytics.feeding import feed, feed_and_save, held_hand
from tests.consumers.analytics.made_hands import make_frames, make_hand
from tests.consumers.analytics.made_streams import busy_minute, cut, interleave

pytestmark = pytest.mark.servers

PARTITION = TopicPartition(TRACKING_TOPIC, 0)


def test_a_zombie_saves_nothing_after_offsets_were_moved_to_where_it_stands(bench: Bench) -> None:
    zombie = bench.make_sink([PARTITION])
    feed(zombie, held_hand(20))
    zombie.flush()
    mover = bench.make_sink([])
    mover.alter_offsets({PARTITION: None})
    feed(bench.make_sink([PARTITION]), held_hand(20))
    mover.alter_offsets({PARTITION: 20})
    with pytest.raises(Fenced):
        feed(zombie, FrameBatch.from_frames(make_frames([None] * 60)[20:], first_offset=20))


def test_moved_offsets_take_the_state_along_and_end_what_was_open(bench: Bench) -> None:
    sink = bench.make_sink([PARTITION])
    feed(sink, held_hand(20))
    sink.flush()
    sink.close([PARTITION])
    sink.alter_offsets({PARTITION: 500})
    assert bench.query("SELECT first_offset, last_offset, provisional FROM gesture_events") == [(0, 19, False)]
    assert bench.make_sink([PARTITION]).durable_offsets() == {PARTITION: 500}
    assert bench.query("SELECT frames, state FROM analytics.streams") == [(20, None)]


def test_going_back_to_the_start_gives_the_same_results_again(bench: Bench) -> None:
    batch = busy_minute(streams=2, frames=150)
    sink = bench.make_sink([PARTITION])
    feed(sink, batch)
    sink.flush()
    before = bench.results()
    sink.close([PARTITION])
    sink.alter_offsets({PARTITION: None})
    sink = bench.make_sink([PARTITION])
    assert sink.durable_offsets() == {}
    feed(sink, *cut(batch, 50))
    sink.flush()
    assert bench.results() == before


@pytest.mark.parametrize("goes_back_to", [0, 95, 170])
def test_going_back_into_the_middle_of_gestures_gives_the_same_tables_and_says_nothing_twice(
    bench: Bench, make_bench: Callable[[], Bench], goes_back_to: int
) -> None:
    batch = busy_minute(streams=2, frames=150)
    bench.snapshot_records = 40
    sink = bench.make_sink([PARTITION])
    feed_and_save(sink, *cut(batch, 30))
    before = bench.results()
    sink.close([PARTITION])
    sink.alter_offsets({PARTITION: goes_back_to})
    assert bench.query("SELECT next_offset FROM analytics.sources") == [(goes_back_to,)]
    [(announced,)] = bench.query("SELECT coalesce(max(id), 0) FROM analytics.outbox")
    sink = bench.make_sink([PARTITION])
    [resumes_at] = sink.durable_offsets().values()
    assert max(0, goes_back_to - 70) <= resumes_at <= goes_back_to
    # What the state is worked out from again causes nothing.
    feed(sink, batch.take(range(resumes_at, goes_back_to)))
    sink.flush()
    assert bench.query(f"SELECT * FROM analytics.outbox WHERE id > {announced}") == []
    # A member that dies meanwhile leaves the rest to another.
    sink = bench.make_sink([PARTITION])
    feed(sink, *cut(batch.take(range(goes_back_to, len(batch))), 7))
    sink.flush()
    assert bench.results() == before
    undisturbed = make_bench()
    feed(undisturbed.make_sink([PARTITION]), batch)
    undisturbed.sinks[0].flush()
    assert undisturbed.results() == before


def test_windows_stay_over_while_the_state_of_before_is_worked_out_again(bench: Bench) -> None:
    bench.snapshot_records = 100
    sink = bench.make_sink([PARTITION])
    frames = make_frames([make_hand("open")] * 1_500)
    for part in cut(FrameBatch.from_frames(frames), 300):
        sink.put(part)
        sink.flush()
    before = bench.results()
    [(snapshot,)] = bench.query("SELECT min(next_offset) FROM analytics.snapshots WHERE next_offset > 0")
    sink.close([PARTITION])
    bench.query("DELETE FROM analytics.snapshots WHERE next_offset > 300 RETURNING 1")
    sink.alter_offsets({PARTITION: 1_450})
    sink = bench.make_sink([PARTITION])
    assert sink.durable_offsets() == {PARTITION: snapshot}
    for part in cut(FrameBatch.from_frames(frames[snapshot:], first_offset=snapshot), 200):
        sink.put(part)
        sink.flush()
    assert bench.results() == before


def test_snapshots_are_thinned_out_and_the_first_stays(bench: Bench) -> None:
    bench.snapshot_records = 1
    sink = bench.make_sink([PARTITION])
    for part in cut(held_hand(150), 1):
        sink.put(part)
        sink.flush()
    [(kept, first)] = bench.query("SELECT count(*), min(next_offset) FROM analytics.snapshots")
    assert first == 0
    assert 64 <= kept <= 64 + 1 + 150 // 16


def test_the_number_of_snapshots_hardly_grows_in_a_topic_that_is_never_over(bench: Bench) -> None:
    bench.snapshot_records = 1
    sink = bench.make_sink([PARTITION])
    feed(sink, held_hand(1))
    sink.flush()
    # As if they had been taken and nobody had thinned them out.
    bench.query(
        "INSERT INTO analytics.snapshots SELECT topic, partition, number, topic_id, number, 0 "
        "FROM analytics.sources, generate_series(2, 200000) AS number RETURNING 1"
    )
    feed(sink, FrameBatch.from_frames(make_frames([None]), first_offset=200_000))
    sink.flush()
    numbers = [number for (number,) in bench.query("SELECT number FROM analytics.snapshots ORDER BY number")]
    assert numbers[0] == 0
    assert numbers[-1] == 200_001
    assert len(numbers) < 400
    gaps = [(numbers[-1] - before, after - before) for before, after in pairwise(numbers)]
    assert all(gap <= max(1, age / 3) for age, gap in gaps)


def test_a_topic_deleted_and_made_again_begins_anew(bench: Bench) -> None:
    sink = bench.make_sink([PARTITION])
    feed(sink, held_hand(20))
    sink.flush()
    bench.topic_id = "second"
    sink = bench.make_sink([PARTITION])
    assert sink.durable_offsets() == {}
    assert bench.query("SELECT provisional FROM gesture_events") == [(False,)]


def test_snapshots_of_a_deleted_topic_are_of_no_use_to_the_one_made_again(bench: Bench) -> None:
    bench.snapshot_records = 10
    sink = bench.make_sink([PARTITION])
    feed(sink, held_hand(20))
    sink.flush()
    sink.close([PARTITION])
    sink.alter_offsets({PARTITION: None})
    bench.topic_id = "second"
    sink = bench.make_sink([PARTITION])
    feed(sink, held_hand(20))
    sink.flush()
    assert bench.query("SELECT topic_id, next_offset FROM analytics.snapshots ORDER BY 2") == [
        ("second", 0),
        ("second", 20),
    ]


def test_going_forward_again_before_a_replay_has_caught_up_gives_the_state_of_there(bench: Bench) -> None:
    batch = busy_minute(streams=2, frames=150)
    bench.snapshot_records = 40
    sink = bench.make_sink([PARTITION])
    feed_and_save(sink, *cut(batch, 30))
    before = bench.results()
    sink.close([PARTITION])
    sink.alter_offsets({PARTITION: 95})
    sink = bench.make_sink([PARTITION])
    [resumes_at] = sink.durable_offsets().values()
    feed(sink, batch.take(range(resumes_at, resumes_at + 5)))
    sink.flush()
    # Killed; and somebody thinks better of it.
    for goes_on_at in (94, 170):
        bench.make_sink([]).alter_offsets({PARTITION: goes_on_at})
        assert bench.query("SELECT next_offset FROM analytics.sources") == [(goes_on_at,)]
    sink = bench.make_sink([PARTITION])
    [resumes_at] = sink.durable_offsets().values()
    assert 100 <= resumes_at <= 170
    feed(sink, batch.take(range(resumes_at, len(batch))))
    sink.flush()
    assert bench.results() == before


@pytest.mark.parametrize("killed_after", [0, 60, 500])
def test_a_replay_thought_better_of_leaves_the_tables_as_they_were(bench: Bench, killed_after: int) -> None:
    bench.snapshot_records = 200
    batch = interleave(
        make_frames([make_hand("open")] * 400, stream_id="visitor"), make_frames([None] * 1_000, stream_id="resident")
    )
    sink = bench.make_sink([PARTITION])
    for part in cut(batch, 100):
        sink.put(part)
        sink.flush()
    counts = "SELECT stream_id, frames, right_observed, late_frames, md5(state) FROM analytics.streams ORDER BY 1"
    before, counted = bench.results(), bench.query(counts)
    sink.close([PARTITION])
    sink.alter_offsets({PARTITION: 450})
    sink = bench.make_sink([PARTITION])
    [resumes_at] = sink.durable_offsets().values()
    for part in cut(batch.take(range(resumes_at, resumes_at + killed_after)), 30):
        sink.put(part)
        sink.flush()
    sink = bench.make_sink([])
    sink.alter_offsets({PARTITION: len(batch)})
    sink = bench.make_sink([PARTITION])
    assert sink.durable_offsets() == {PARTITION: len(batch)}
    sink.flush()
    after = bench.results()
    assert (after["results"], after["windows"]) == (before["results"], before["windows"])
    assert bench.query(counts) == counted


def test_what_a_replay_cut_short_leaves_open_is_ended_when_records_are_skipped(bench: Bench) -> None:
    sink = bench.make_sink([PARTITION])
    frames = make_frames([None] * 40 + [make_hand("open")] * 40)
    feed(sink, FrameBatch.from_frames(frames))
    sink.flush()
    sink.close([PARTITION])
    for goes_on_at in (0, 500):
        sink.alter_offsets({PARTITION: goes_on_at})
    assert bench.query("SELECT first_offset, provisional FROM gesture_events") == [(40, False)]


def test_a_snapshot_that_was_not_committed_is_taken_with_the_save_that_is(bench: Bench) -> None:
    bench.snapshot_records = 20
    sink = bench.make_sink([PARTITION])
    sink.put(held_hand(10))
    sink.flush()
    lost: list[bool] = []

    def lose_the_connection(connection: object) -> None:
        if not lost:
            lost.append(True)
            connection.connection.driver_connection.close()  # type: ignore[attr-defined]

    event.listen(bench.engines[0], "commit", lose_the_connection)
    sink.put(held_hand(30, first_offset=10))
    with pytest.raises(StoreUnavailable):
        sink.flush()
    assert lost
    sink.flush()
    assert bench.query("SELECT next_offset FROM analytics.snapshots ORDER BY 1") == [(0,), (40,)]


def test_what_was_told_after_the_state_was_saved_is_not_told_again_when_records_are_skipped(bench: Bench) -> None:
    shown = ["open"] * 20 + [None] * 200
    frames = make_frames([None if shape is None else make_hand(shape) for shape in shown * 3])
    sink = bench.make_sink([PARTITION])
    feed_and_save(sink, FrameBatch.from_frames(frames[:20]))
    assert bench.query("SELECT ended_at IS NULL FROM analytics.results") == [(True,)]
    feed(sink, *cut(FrameBatch.from_frames(frames[20:], first_offset=20), 30))
    ended = "SELECT * FROM analytics.results WHERE ended_at IS NOT NULL ORDER BY result_id"
    over = "SELECT * FROM analytics.windows WHERE NOT provisional ORDER BY 3, 4, 5, 6, 7, 8, 9"
    before, windows = [bench.query(statement) for statement in (ended, EVER_IN_OUTBOX)], bench.query(over)
    assert len(before[0]) == 3
    assert windows
    # Killed; and somebody skips what is left.
    bench.make_sink([]).alter_offsets({PARTITION: 10_000})
    assert [bench.query(statement) for statement in (ended, EVER_IN_OUTBOX)] == before
    now = bench.query(over)
    assert all(window in now for window in windows)
    assert bench.query("SELECT count(*) FROM analytics.results WHERE ended_at IS NULL") == [(0,)]


def test_a_stream_that_was_told_of_and_never_saved_ends_when_records_are_skipped(bench: Bench) -> None:
    resident = make_frames([None] * 20, stream_id="resident")
    visitor = make_frames([make_hand("open")] * 20, stream_id="visitor")
    sink = bench.make_sink([PARTITION])
    feed_and_save(sink, FrameBatch.from_frames(resident))
    feed(sink, FrameBatch.from_frames(visitor, first_offset=20))
    assert bench.query("SELECT stream_id FROM analytics.streams") == [("resident",)]
    assert bench.query("SELECT stream_id, ended_at FROM analytics.results") == [("visitor", None)]
    bench.make_sink([]).alter_offsets({PARTITION: 10_000})
    assert bench.query("SELECT stream_id, ended_at = started_at FROM analytics.results") == [("visitor", True)]
    assert bench.query(EVER_IN_OUTBOX) == [(2,)]
