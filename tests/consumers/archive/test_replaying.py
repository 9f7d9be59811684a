"""A bounded replay's Parquet files beside the live ones: what was missing is added, and neither hinders the other."""

from pathlib import Path
from typing import TypeVar

import pytest

from connect_runtime.sink import Assignment, TopicPartition
from consumers.archive.parquet.chain import known_topic_ids
from consumers.archive.parquet.local_storage import LocalStorage
from consumers.archive.parquet.reading import open_archive, query
from consumers.archive.parquet.replay import AheadOfLive, ParquetReplaySink, ReplayFenced
from consumers.archive.parquet.sink import ParquetSink
from tests.consumers.archive.made_frames import NOON_US, make_batch

TEST = TopicPartition("test", 0)
SinkOf = TypeVar("SinkOf", bound=ParquetSink)


def open_sink(sink_class: type[SinkOf], root: Path, generation: int = 1) -> SinkOf:
    sink = sink_class(LocalStorage(root), "group", lambda topic: f"id-of-{topic}", lambda: NOON_US)
    sink.open(Assignment((TEST,), generation, f"member-{generation}", 0))
    return sink


def stored_offsets(root: Path) -> list[int]:
    with open_archive(root) as connection:
        return [offset for (offset,) in query(connection, 'SELECT "offset" FROM frames ORDER BY ALL')[1]]


@pytest.fixture
def live(tmp_path: Path) -> ParquetSink:
    """A live writer that was moved past the first 50 records, and archived the next 50."""
    mover = ParquetSink(LocalStorage(tmp_path), "group", lambda topic: f"id-of-{topic}", lambda: NOON_US)
    mover.alter_offsets({TEST: 50})
    live = open_sink(ParquetSink, tmp_path)
    live.put(make_batch(50, first_offset=50))
    live.flush()
    return live


def test_what_is_missing_is_added_once_and_the_live_writer_goes_on(live: ParquetSink, tmp_path: Path) -> None:
    for generation in (1, 2):
        replay = open_sink(ParquetReplaySink, tmp_path, generation)
        replay.put(make_batch(100))
        live.put(make_batch(10, first_offset=90 + 10 * generation))
        replay.flush()
        assert replay.durable_offsets() == {TEST: 100}
        live.flush()
        assert stored_offsets(tmp_path) == list(range(100 + 10 * generation))
    files = sorted(tmp_path.rglob("*.parquet"))
    again = open_sink(ParquetReplaySink, tmp_path, 3)
    again.put(make_batch(100))
    again.flush()
    assert sorted(tmp_path.rglob("*.parquet")) == files
    assert known_topic_ids(LocalStorage(tmp_path), "test") == ["id-of-test"]


def test_what_the_live_writer_has_yet_to_archive_is_left_to_it(live: ParquetSink, tmp_path: Path) -> None:
    replay = open_sink(ParquetReplaySink, tmp_path)
    assert replay.passed_by_live(TEST) == 100
    with pytest.raises(AheadOfLive, match="offset 100"):
        replay.put(make_batch(101))
    replay.flush()
    live.put(make_batch(1, first_offset=100))
    live.flush()
    assert stored_offsets(tmp_path) == list(range(50, 101))


def test_a_user_who_moves_the_live_writer_ends_a_replay_that_is_under_way(live: ParquetSink, tmp_path: Path) -> None:
    replay = open_sink(ParquetReplaySink, tmp_path)
    replay.put(make_batch(100))
    live.close([TEST])
    live.alter_offsets({TEST: 0})
    with pytest.raises(ReplayFenced):
        replay.flush()
    live = open_sink(ParquetSink, tmp_path, 2)
    live.put(make_batch(100))
    live.flush()
    assert stored_offsets(tmp_path) == list(range(100))


def test_of_two_replays_of_a_partition_the_later_one_goes_on(live: ParquetSink, tmp_path: Path) -> None:
    first = open_sink(ParquetReplaySink, tmp_path)
    first.put(make_batch(100))
    second = open_sink(ParquetReplaySink, tmp_path, 2)
    second.put(make_batch(100))
    with pytest.raises(ReplayFenced):
        first.flush()
    second.flush()
    assert stored_offsets(tmp_path) == list(range(100))


def test_a_live_writer_that_comes_back_knows_what_a_replay_added(live: ParquetSink, tmp_path: Path) -> None:
    replay = open_sink(ParquetReplaySink, tmp_path)
    replay.put(make_batch(60))
    replay.flush()
    live.close([TEST])
    live.alter_offsets({TEST: 0})
    back = open_sink(ParquetSink, tmp_path, 2)
    back.put(make_batch(100))
    back.flush()
    assert stored_offsets(tmp_path) == list(range(100))
