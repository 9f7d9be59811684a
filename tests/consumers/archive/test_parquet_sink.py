"""Parquet files: what is in them, when they appear, and that nobody writes twice."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connect_runtime.sink import Assignment, SinkFailed, TopicPartition
from consumers.archive.parquet.chain import Fenced, list_chains
from consumers.archive.parquet.guests import OriginTooLong
from consumers.archive.parquet.local_storage import LocalStorage
from consumers.archive.parquet.manifest import ManifestUnreadable
from consumers.archive.parquet.reading import open_archive, query
from consumers.archive.parquet.sink import ParquetSink, RollLimits
from consumers.archive.parquet.storage import StorageUnavailable
from keypoints.errors import Terminal
from keypoints.frame import FrameBatch, HolisticFrame
from keypoints.landmarks import PART_SHAPES, Part, landmark_names
from tests.consumers.archive.made_frames import NOON_US, make_batch, with_identity, without_irises
from tests.full_disk import no_file_larger_than
from tests.keypoints.frames import frames

TEST = TopicPartition("test", 0)
HOUR_US = 3_600_000_000


class Clock:
    """A clock on the wall that stands still until it is moved."""

    def __init__(self) -> None:
        self.now_us = NOON_US

    def __call__(self) -> int:
        return self.now_us


def make_sink(
    root: Path,
    clock: Callable[[], int] = lambda: NOON_US,
    limits: RollLimits | None = None,
    topic_ids: Callable[[str], str] = lambda topic: f"id-of-{topic}",
) -> ParquetSink:
    return ParquetSink(LocalStorage(root), "archive-parquet", topic_ids, clock, limits)


def open_sink(root: Path, generation: int = 1, **options: Any) -> ParquetSink:
    sink = make_sink(root, **options)
    sink.open(Assignment((TEST,), generation, f"member-{generation}", 0))
    return sink


class MeetingStorage(LocalStorage):
    """Makes a file only when as many are being made as are to meet."""

    def __init__(self, root: Path, meeting: int) -> None:
        super().__init__(root)
        self._meeting = threading.Barrier(meeting, timeout=20)

    def create(self, path: str, content: bytes) -> bool:
        self._meeting.wait()
        return super().create(path, content)


def ask(root: Path, sql: str) -> list[tuple[Any, ...]]:
    with open_archive(root) as connection:
        return query(connection, sql)[1]


def stored_offsets(root: Path) -> list[int]:
    return [offset for (offset,) in ask(root, 'SELECT "offset" FROM frames ORDER BY ALL')]


def files_below(root: Path, pattern: str = "*.parquet") -> list[Path]:
    return sorted((root / "frames").rglob(pattern))


def read_part(row: dict[str, Any], part: Part) -> np.ndarray[Any, Any] | None:
    stored = row[part.value]
    if stored is None:
        return None
    if part is Part.FACE:
        return np.array([stored[axis] for axis in "xyz"], dtype=np.float32).T
    return np.array([list(point.values()) for point in stored.values()], dtype=np.float32)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=st.lists(frames(), min_size=1, max_size=6))
def test_whatever_a_frame_holds_comes_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, made: list[HolisticFrame]
) -> None:
    root = tmp_path_factory.mktemp("archive")
    sink = open_sink(root)
    sink.put(FrameBatch.from_frames(made, topic="test"))
    sink.flush()
    rows: list[dict[str, Any]] = []
    for path in files_below(root):
        with pq.ParquetFile(path) as file:
            table = file.read()
        times = table.column("captured_at").cast("int64").to_pylist()
        kept = table.drop_columns(["captured_at", "processed_at", "record_timestamp"]).to_pylist()
        rows += [{**row, "captured_at_us": time} for row, time in zip(kept, times, strict=True)]
    assert sorted(row["offset"] for row in rows) == list(range(len(made)))
    for row in rows:
        frame = made[row["offset"]]
        assert (row["stream_id"], row["captured_at_us"], row["sequence"]) == (
            frame.stream_id,
            frame.captured_at_us,
            frame.sequence,
        )
        for part in PART_SHAPES:
            ours, theirs = frame.part(part), read_part(row, part)
            assert (ours is None) == (theirs is None)
            if ours is not None and theirs is not None:
                np.testing.assert_array_equal(theirs, ours)


@pytest.mark.parametrize("first_half_without", [True, False])
def test_hands_that_appear_or_vanish_within_a_backlog_all_land(tmp_path: Path, first_half_without: bool) -> None:
    absent = [(Part.LEFT_HAND,), ()] if first_half_without else [(), (Part.LEFT_HAND,)]
    sink = open_sink(tmp_path)
    sink.put(make_batch(200, absent=absent[0]))
    sink.put(make_batch(200, first_offset=200, absent=absent[1]))
    sink.flush()
    assert ask(tmp_path, "SELECT count(*), count(left_hand), count(right_hand) FROM frames") == [(400, 200, 400)]


def test_files_of_nothing_but_absent_parts_read_like_any_other(tmp_path: Path) -> None:
    sink = open_sink(tmp_path)
    sink.put(make_batch(3, absent=tuple(PART_SHAPES)))
    sink.flush()
    sink.put(make_batch(3, first_offset=3))
    sink.flush()
    assert ask(tmp_path, "SELECT count(*), count(pose), count(face), count(left_hand) FROM frames") == [(6, 3, 3, 3)]
    assert ask(tmp_path, "SELECT count(*) FROM face_landmarks") == [(3 * 478,)]


def test_an_archive_without_files_has_all_views(tmp_path: Path) -> None:
    for view in ("frames", "pose_landmarks", "pose_world_landmarks", "hand_landmarks", "face_landmarks", "joints"):
        assert ask(tmp_path, f"SELECT count(*) FROM {view}") == [(0,)]


def test_faces_with_and_without_irises_keep_their_points(tmp_path: Path) -> None:
    batch = without_irises(make_batch(10), np.arange(10) % 2 == 0)
    sink = open_sink(tmp_path)
    sink.put(batch)
    sink.flush()
    rows = ask(tmp_path, 'SELECT "offset", len(face.x), face.z[468] FROM frames ORDER BY 1')
    assert [(offset, count) for offset, count, _ in rows] == [(row, 468 if row % 2 == 0 else 478) for row in range(10)]
    np.testing.assert_array_equal([z for *_, z in rows], batch.face[:, 467, 2])


def test_one_coordinate_is_one_column_without_dictionary(tmp_path: Path) -> None:
    sink = open_sink(tmp_path)
    sink.put(make_batch(50))
    sink.flush()
    [path] = files_below(tmp_path)
    with pq.ParquetFile(path) as file:
        columns = file.metadata.row_group(0)
        stored = {columns.column(index).path_in_schema: columns.column(index) for index in range(columns.num_columns)}
    assert {f"pose.{name}.visibility" for name in landmark_names(Part.POSE)} <= stored.keys()
    wrist = stored["pose.left_wrist.y"]
    assert wrist.compression == "ZSTD"
    assert "BYTE_STREAM_SPLIT" in wrist.encodings
    assert not wrist.has_dictionary_page
    assert wrist.statistics is None
    assert stored["offset"].statistics.max == 49


def test_late_frames_go_to_the_folder_of_their_hour_under_one_entry(tmp_path: Path) -> None:
    sink = open_sink(tmp_path)
    sink.put(make_batch(5))
    sink.put(make_batch(5, first_offset=5, starts_at_us=NOON_US - 30 * HOUR_US))
    sink.flush()
    assert len({path.parent for path in files_below(tmp_path)}) == 2
    [chain] = list_chains(LocalStorage(tmp_path))
    assert chain.next_number == 2, "a claim, and one entry for both files"
    assert ask(tmp_path, 'SELECT count(*), count(DISTINCT ("date", "hour")) FROM frames') == [(10, 2)]


def test_rows_become_files_when_they_are_old_enough_even_if_nothing_follows(tmp_path: Path) -> None:
    clock = Clock()
    sink = open_sink(tmp_path, clock=clock, limits=RollLimits(age_s=10))
    sink.put(make_batch(5))
    clock.now_us += 9_900_000
    sink.tick()
    assert stored_offsets(tmp_path) == []
    assert sink.durable_offsets() == {}
    clock.now_us += 200_000
    sink.tick()
    assert stored_offsets(tmp_path) == [0, 1, 2, 3, 4]
    assert sink.durable_offsets() == {TEST: 5}


def test_what_waited_for_the_next_owner_does_not_wait_for_a_whole_file_on_top(tmp_path: Path) -> None:
    clock, limits = Clock(), RollLimits(age_s=10)
    first = open_sink(tmp_path, clock=clock, limits=limits)
    first.put(make_batch(5))
    first.flush()
    second = open_sink(tmp_path, generation=2, clock=clock, limits=limits)
    second.put(make_batch(5, first_offset=5))
    clock.now_us += 1_100_000
    second.tick()
    assert stored_offsets(tmp_path) == list(range(10))
    second.put(make_batch(5, first_offset=10))
    clock.now_us += 9_900_000
    second.tick()
    assert stored_offsets(tmp_path) == list(range(10)), "from then on files are as long as they are to be"
    clock.now_us += 200_000
    second.tick()
    assert stored_offsets(tmp_path) == list(range(15))


@pytest.mark.parametrize("limits", [RollLimits(rows=10), RollLimits(bytes=70_000), RollLimits(all_bytes=70_000)])
def test_rows_become_files_when_there_are_enough(tmp_path: Path, limits: RollLimits) -> None:
    sink = open_sink(tmp_path, limits=limits)
    for first in range(0, 40, 10):
        sink.put(make_batch(10, first_offset=first))
    sink.tick()
    assert stored_offsets(tmp_path) == list(range(40))


def test_a_replay_adds_nothing(tmp_path: Path) -> None:
    sink = open_sink(tmp_path)
    sink.put(make_batch(20))
    sink.flush()
    before = files_below(tmp_path)
    sink.put(make_batch(20))
    sink.flush()
    assert files_below(tmp_path) == before
    sink.put(make_batch(20, first_offset=10))
    sink.flush()
    assert stored_offsets(tmp_path) == list(range(30))


def test_the_next_owner_goes_on_where_the_manifest_says(tmp_path: Path) -> None:
    first = open_sink(tmp_path)
    first.put(make_batch(20))
    first.flush()
    first.put(make_batch(5, first_offset=20))
    second = make_sink(tmp_path)
    assert second.open(Assignment((TEST,), 2, "second", 0)) == {TEST: 20}


def test_a_former_owner_cannot_make_anything_visible(tmp_path: Path) -> None:
    zombie = open_sink(tmp_path, generation=1)
    zombie.put(make_batch(20))
    owner = open_sink(tmp_path, generation=2)
    with pytest.raises(Fenced):
        zombie.flush()
    assert stored_offsets(tmp_path) == []
    owner.put(make_batch(20))
    owner.flush()
    with pytest.raises(Fenced):
        zombie.flush()
    assert stored_offsets(tmp_path) == list(range(20))
    assert zombie.durable_offsets() == {}


def test_what_a_dead_owner_left_is_swept_up_and_was_never_read(tmp_path: Path) -> None:
    zombie = open_sink(tmp_path, generation=1)
    zombie.put(make_batch(20))
    open_sink(tmp_path, generation=2)
    with pytest.raises(Fenced):
        zombie.flush()
    assert len(files_below(tmp_path)) == 1, "published, but no entry lists it"
    [manifest] = {path.parent for path in (tmp_path / "manifest").rglob("*.json")}
    draft = manifest / "00000000000000000002.json.1234.draft"
    draft.write_bytes(b"half an ent")
    assert stored_offsets(tmp_path) == []
    open_sink(tmp_path, generation=3)
    assert files_below(tmp_path) == []
    assert not (tmp_path / "staging").exists()
    assert not draft.exists()


def test_a_full_disk_loses_nothing_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    sink = open_sink(tmp_path)
    sink.put(make_batch(20))
    sink.flush()
    sink.put(make_batch(500, first_offset=20))
    with no_file_larger_than(64 * 1024), pytest.raises(StorageUnavailable):
        sink.flush()
    assert stored_offsets(tmp_path) == list(range(20))
    assert sink.durable_offsets() == {TEST: 20}
    sink.flush()
    assert stored_offsets(tmp_path) == list(range(520))
    assert list((tmp_path / "staging").rglob("*.parquet")) == []


def test_a_topic_made_anew_is_another_topic(tmp_path: Path) -> None:
    old = open_sink(tmp_path, topic_ids=lambda _: "first-life")
    old.put(make_batch(10))
    old.flush()
    new = make_sink(tmp_path, topic_ids=lambda _: "second-life")
    assert new.open(Assignment((TEST,), 2, "second", 0)) == {}
    new.put(make_batch(10))
    new.flush()
    assert ask(tmp_path, "SELECT topic_id, count(*) FROM frames GROUP BY 1 ORDER BY 1") == [
        ("first-life", 10),
        ("second-life", 10),
    ]


def test_records_published_again_are_kept_under_their_first_identity_and_once(tmp_path: Path) -> None:
    original = open_sink(tmp_path)
    original.put(make_batch(10))
    original.flush()
    restored = with_identity(make_batch(15, topic="restored"), "test", 0, np.arange(15))
    sink = make_sink(tmp_path)
    sink.open(Assignment((TopicPartition("restored", 0),), 1, "restorer", 0))
    sink.put(restored)
    sink.flush()
    assert sink.durable_offsets() == {TopicPartition("restored", 0): 15}
    assert ask(tmp_path, "SELECT DISTINCT topic FROM frames") == [("test",)]
    assert stored_offsets(tmp_path) == list(range(15))
    back = open_sink(tmp_path, generation=2)
    back.put(make_batch(20))
    back.flush()
    assert stored_offsets(tmp_path) == list(range(20))


def test_records_of_a_topic_that_is_gone_belong_to_the_life_the_archive_knows(tmp_path: Path) -> None:
    original = open_sink(tmp_path, topic_ids=lambda _: "first-life")
    original.put(make_batch(10))
    original.flush()

    def only_the_new_topic(topic: str) -> str:
        if topic != "restored":
            raise Terminal(f"there is no topic {topic}")
        return "restored-id"

    sink = make_sink(tmp_path, topic_ids=only_the_new_topic)
    sink.open(Assignment((TopicPartition("restored", 0),), 1, "restorer", 0))
    sink.put(with_identity(make_batch(12, topic="restored"), "test", 0, np.arange(12)))
    sink.flush()
    assert ask(tmp_path, "SELECT topic_id, count(*) FROM frames GROUP BY 1") == [("first-life", 12)]


def test_an_offset_a_user_moved_is_where_the_next_owner_goes_on(tmp_path: Path) -> None:
    sink = open_sink(tmp_path)
    sink.put(make_batch(10))
    sink.flush()
    sink.close([TEST])
    sink.alter_offsets({TEST: 3})
    assert sink.open(Assignment((TEST,), 2, "again", 0)) == {TEST: 3}
    sink.close([TEST])
    sink.alter_offsets({TEST: None})
    assert sink.open(Assignment((TEST,), 3, "again", 0)) == {}


def test_a_damaged_manifest_entry_is_said_and_not_guessed(tmp_path: Path) -> None:
    sink = open_sink(tmp_path)
    sink.put(make_batch(10))
    sink.flush()
    [_, entry] = sorted((tmp_path / "manifest").rglob("*.json"))
    entry.write_bytes(entry.read_bytes()[:100])
    with pytest.raises(ManifestUnreadable, match=entry.name):
        stored_offsets(tmp_path)


def test_a_topic_with_a_name_too_long_for_files_is_refused_and_the_longest_is_kept(tmp_path: Path) -> None:
    longest, id_of_kafka = "t" * 180, "x" * 22
    sink = ParquetSink(LocalStorage(tmp_path), "archive-parquet", lambda _: id_of_kafka, lambda: NOON_US)
    with pytest.raises(SinkFailed, match="longer than file systems take"):
        sink.open(Assignment((TopicPartition(f"{longest}t", 0),), 1, "member-1", 0))
    sink.open(Assignment((TopicPartition(longest, 0),), 1, "member-1", 0))
    # Some of them published again from another topic, for which the chain leaves a marker.
    home = make_batch(10, topic=longest)
    sink.put(home)
    sink.put(with_identity(make_batch(5, topic=longest, first_offset=10), "o" * 180, 1, np.arange(5)))
    with pytest.raises(OriginTooLong):
        sink.put(with_identity(make_batch(5, topic=longest, first_offset=15), "o" * 181, 1, np.arange(5)))
    sink.flush()
    assert len(stored_offsets(tmp_path)) == 15


def test_partitions_are_taken_over_beside_each_other_for_a_store_far_away_answers_late(tmp_path: Path) -> None:
    partitions = tuple(TopicPartition("test", number) for number in range(4))
    sink = ParquetSink(MeetingStorage(tmp_path, len(partitions)), "archive-parquet", lambda _: "id", lambda: NOON_US)
    sink.open(Assignment(partitions, 1, "member-1", 0))
    assert {chain.identity.partition for chain in list_chains(LocalStorage(tmp_path))} == {0, 1, 2, 3}
