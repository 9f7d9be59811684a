"""Compaction: fewer files, the same rows, and nothing lost whoever else is at work or dies."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_runtime.sink import Assignment, TopicPartition
from consumers.archive.parquet.chain import Chain, list_chains
from consumers.archive.parquet.compaction import CompactionReport, Compactor
from consumers.archive.parquet.compaction_plan import CompactionLimits, plan_merges
from consumers.archive.parquet.footer import read_footer
from consumers.archive.parquet.local_storage import LocalStorage
from consumers.archive.parquet.location import ArchiveLocation, open_storage
from consumers.archive.parquet.manifest import IdentityPartition, ListedFile
from consumers.archive.parquet.reading import open_archive, query
from consumers.archive.parquet.sink import ParquetSink
from keypoints.frame import FrameBatch
from tests.consumers.archive.dying_storage import Died, DyingStorage
from tests.consumers.archive.made_frames import NOON_US, make_batch

if TYPE_CHECKING:
    from tests.consumers.archive.s3_server import S3Server

TEST = TopicPartition("test", 0)
HOME = IdentityPartition("test", "id-of-test", 0)
HOUR_US = 3_600_000_000
AT_ONCE = CompactionLimits(settled_us=-HOUR_US, grace_us=-HOUR_US, abandoned_us=-HOUR_US)
"""Leaves nothing alone, and deletes in the same run what it replaced, and what others left."""
KEEPING = replace(AT_ONCE, grace_us=HOUR_US)


def now_us() -> int:
    """Later than any file of a test was written."""
    return 4_000_000_000_000_000


class Writer:
    """A live writer of the one partition."""

    def __init__(self, root: Path, generation: int = 1) -> None:
        self.sink = ParquetSink(LocalStorage(root), "archive-parquet", lambda topic: f"id-of-{topic}", now_us)
        self.sink.open(Assignment((TEST,), generation, f"member-{generation}", 0))

    def write(self, *batches: FrameBatch) -> None:
        """Each batch becomes a file of its own, or several where it spans hours."""
        for batch in batches:
            self.sink.put(batch)
            self.sink.flush()


def small_batches(count: int, rows: int = 20) -> list[FrameBatch]:
    return [make_batch(rows, first_offset=number * rows) for number in range(count)]


def compact(root: Path, limits: CompactionLimits = AT_ONCE) -> CompactionReport:
    return Compactor(LocalStorage(root), now_us, limits).run()


def read_all(root: ArchiveLocation) -> list[tuple[Any, ...]]:
    with open_archive(root) as connection:
        columns = "* EXCLUDE (date, hour)"
        return query(connection, f'SELECT {columns} FROM frames ORDER BY topic, "partition", "offset"')[1]


def read_chain(root: Path) -> Chain:
    [chain] = [chain for chain in list_chains(LocalStorage(root)) if chain.identity == HOME]
    return chain


def check_no_leftovers(root: Path) -> None:
    """What is listed is what is there."""
    listed = sorted(file.path for chain in list_chains(LocalStorage(root)) for file in chain.files)
    assert [path.relative_to(root).as_posix() for path in sorted(root.rglob("*.parquet"))] == listed
    assert not (root / "staging").exists()


def test_small_files_of_an_hour_become_one_with_the_same_rows(tmp_path: Path) -> None:
    Writer(tmp_path).write(*small_batches(6), make_batch(20, first_offset=120, starts_at_us=NOON_US - 30 * HOUR_US))
    before = read_all(tmp_path)
    report = compact(tmp_path)
    assert (report.files_before, report.files_after, report.rows, report.failures) == (6, 1, 120, [])
    assert read_all(tmp_path) == before
    assert len(read_chain(tmp_path).files) == 2
    check_no_leftovers(tmp_path)


def test_a_streams_rows_lie_together_in_order_of_time_so_that_readers_skip_the_others(tmp_path: Path) -> None:
    batch = make_batch(9_000)
    order = np.random.default_rng(1).permutation(len(batch))
    shuffled = replace(batch.take(order), offset=batch.offset, identity_offset=batch.identity_offset)
    Writer(tmp_path).write(*(shuffled.take(np.arange(first, first + 3_000)) for first in (0, 3_000, 6_000)))
    compact(tmp_path)
    [file] = read_chain(tmp_path).files
    assert file.sorted_by_stream
    with pq.ParquetFile(tmp_path / file.path) as opened:
        rows = opened.read(columns=["stream_id", "captured_at"])
        ranges = [
            (columns.statistics.min, columns.statistics.max)
            for group in range(opened.num_row_groups)
            for columns in [opened.metadata.row_group(group).column(4)]
        ]
    order_kept = list(zip(rows["stream_id"].to_pylist(), rows["captured_at"].to_pylist(), strict=True))
    assert order_kept == sorted(order_kept)
    assert ranges == [("performer-0", "performer-2"), ("performer-2", "performer-4"), ("performer-4", "performer-4")]


def test_the_footer_says_what_is_in_a_file_before_and_after(tmp_path: Path) -> None:
    Writer(tmp_path).write(*small_batches(2, rows=50))
    storage = LocalStorage(tmp_path)
    first = read_footer(storage, read_chain(tmp_path).files[0])
    assert (first["topic"], first["topic_id"], first["partition"]) == ("test", "id-of-test", 0)
    assert (first["rows"], first["offsets"], first["order"]) == (50, [[0, 49]], "as it came")
    assert first["streams"] == {f"performer-{number}": 10 for number in range(5)}
    assert first["captured_from"] == "2026-09-21T14:13:20.000000Z"
    assert first["software"].startswith("holistic-stream ")
    compact(tmp_path)
    [file] = read_chain(tmp_path).files
    joined = read_footer(storage, file)
    assert joined.keys() == first.keys()
    assert (joined["rows"], joined["offsets"]) == (100, [[0, 99]])
    assert (joined["order"], joined["stream_count"]) == ("stream_id, captured_at, offset", 5)


def test_a_compacted_archive_is_left_alone(tmp_path: Path) -> None:
    Writer(tmp_path).write(*small_batches(6))
    compact(tmp_path)
    before = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    for _ in range(2):
        report = compact(tmp_path)
        assert (report.merges, report.deleted) == (0, 0)
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == before


def test_a_late_file_joins_those_that_are_there(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    writer.write(*small_batches(3))
    compact(tmp_path)
    writer.write(make_batch(5, first_offset=60))
    assert compact(tmp_path).files_before == 2
    assert [file.rows for file in read_chain(tmp_path).files] == [65]


def test_an_hour_that_still_grows_is_left_until_there_are_many_files(tmp_path: Path) -> None:
    limits = CompactionLimits(settled_us=2**62)
    writer = Writer(tmp_path)
    writer.write(*small_batches(40, rows=1))
    assert compact(tmp_path, limits).merges == 0, "all of it came lately"
    files = [file.path for file in read_chain(tmp_path).files]
    came_at_us = dict.fromkeys(files[:-1], 0) | {files[-1]: now_us()}
    settled = CompactionLimits()
    listed = read_chain(tmp_path).files
    assert plan_merges(listed[-31:], came_at_us, settled, now_us()) == []
    [merge] = plan_merges(listed, came_at_us, settled, now_us())
    assert [file.path for file in merge.files] == files[:-1]
    large = replace(listed[0], path="large", rows=10_000, bytes=60_000_000, sorted_by_stream=True)
    [merge] = plan_merges([large, *listed], came_at_us | {"large": 0}, settled, now_us())
    assert large not in merge.files, "rewriting it would add little"


def test_what_was_replaced_stays_for_its_readers_until_the_grace_is_over(tmp_path: Path) -> None:
    Writer(tmp_path).write(*small_batches(4))
    before = read_all(tmp_path)
    with open_archive(tmp_path) as connection:
        compact(tmp_path, KEEPING)
        compact(tmp_path, KEEPING)
        assert query(connection, "SELECT count(*), sum(len(face.x)) FROM frames")[1] == [(80, 80 * 478)]
    assert len(list(tmp_path.rglob("*.parquet"))) == 5
    assert read_all(tmp_path) == before
    report = compact(tmp_path)
    assert (report.merges, report.deleted) == (0, 4)
    check_no_leftovers(tmp_path)


class StorageWithEvents(LocalStorage):
    """Does something else the moment before the first entry of a replacement is made."""

    def __init__(self, root: Path, event: Callable[[], object]) -> None:
        super().__init__(root)
        self._events: Iterator[Callable[[], object]] = iter([event])

    def create(self, path: str, content: bytes) -> bool:
        if b'"replaced"' in content:
            next(self._events, lambda: None)()
        return super().create(path, content)


def test_the_live_writer_goes_on_while_its_files_are_joined(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    writer.write(*small_batches(4))
    storage = StorageWithEvents(tmp_path, lambda: writer.write(make_batch(20, first_offset=80)))
    assert Compactor(storage, now_us, AT_ONCE).run().files_before == 4 + 2, "a second merge takes the new file in"
    writer.write(make_batch(20, first_offset=100))
    assert [row[3] for row in read_all(tmp_path)] == list(range(120))
    assert read_chain(tmp_path).next_offset == 120
    assert sorted(file.rows for file in read_chain(tmp_path).files) == [20, 100]


def test_of_two_compactors_one_is_overtaken_and_leaves_nothing(tmp_path: Path) -> None:
    Writer(tmp_path).write(*small_batches(4))
    before = read_all(tmp_path)
    report = Compactor(StorageWithEvents(tmp_path, lambda: compact(tmp_path)), now_us, KEEPING).run()
    assert (report.merges, report.overtaken, report.failures) == (0, 1, [])
    assert read_all(tmp_path) == before
    check_no_leftovers(tmp_path)


def test_a_compactor_that_was_swept_up_after_in_its_sleep_lists_nothing(tmp_path: Path) -> None:
    """The sweeper removes its published file and its mark; its entry, made after that, would list a file that is not
    there."""
    Writer(tmp_path).write(*small_batches(4))
    before = read_all(tmp_path)
    nothing_to_join = replace(AT_ONCE, settled_us=2**62)
    storage = StorageWithEvents(tmp_path, lambda: compact(tmp_path, nothing_to_join))
    report = Compactor(storage, now_us, KEEPING).run()
    assert report.overtaken == 1
    assert read_all(tmp_path) == before
    compact(tmp_path)
    assert read_all(tmp_path) == before
    check_no_leftovers(tmp_path)


def test_a_compactor_that_dies_at_any_step_leaves_a_clean_archive(tmp_path: Path) -> None:
    def fill(root: Path) -> list[tuple[Any, ...]]:
        Writer(root).write(*small_batches(3, rows=2), make_batch(2, first_offset=6, starts_at_us=NOON_US - 9 * HOUR_US))
        return read_all(root)

    fill(tmp_path / "alive")
    alive = DyingStorage(tmp_path / "alive")
    Compactor(alive, now_us, AT_ONCE).run()
    assert alive.steps > 10
    for step in range(1, alive.steps + 1):
        root = tmp_path / str(step)
        before = fill(root)
        with pytest.raises(Died):
            Compactor(DyingStorage(root, step), now_us, AT_ONCE).run()
        assert read_all(root) == before, step
        report = compact(root)
        assert report.failures == []
        assert read_all(root) == before, step
        assert sorted(file.rows for file in read_chain(root).files) == [2, 6]
        check_no_leftovers(root)


def test_a_damaged_file_is_named_and_the_others_are_joined(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    writer.write(*small_batches(2))
    damaged = read_chain(tmp_path).files[0].path
    late = [make_batch(20, first_offset=first, starts_at_us=NOON_US - 9 * HOUR_US) for first in (40, 60)]
    writer.write(*late)
    (tmp_path / damaged).write_bytes(b"PAR1 and then nothing")
    report = compact(tmp_path)
    assert (report.merges, report.files_before) == (1, 2)
    [failure] = report.failures
    assert damaged in failure
    assert damaged in [file.path for file in read_chain(tmp_path).files]


def test_guests_and_replays_are_joined_within_their_own_chains(tmp_path: Path) -> None:
    Writer(tmp_path).write(*small_batches(2))
    beside = ParquetSink(LocalStorage(tmp_path), "group", lambda topic: f"id-of-{topic}", now_us)
    beside.open(Assignment((TopicPartition("restored", 0),), 1, "member", 0))
    for first in (40, 60):
        batch = make_batch(20, topic="restored", first_offset=first)
        beside.put(replace(batch, identity_topic=np.full(20, "test", dtype=np.object_)))
        beside.flush()
    before = read_all(tmp_path)
    assert compact(tmp_path).files_after == 2
    assert read_all(tmp_path) == before


def test_a_record_that_two_writers_listed_at_once_is_kept_once(tmp_path: Path) -> None:
    def republish(topic: str, first: int) -> ParquetSink:
        sink = ParquetSink(LocalStorage(tmp_path), "group", lambda name: f"id-of-{name}", now_us)
        sink.open(Assignment((TopicPartition(topic, 0),), 1, "member", 0))
        batch = make_batch(20, topic=topic, first_offset=first)
        sink.put(replace(batch, identity_topic=np.full(20, "test", dtype=np.object_)))
        return sink

    # Both have looked for what the other lists before either listed anything.
    writers = [republish("again", 0), republish("restored", 10), republish("restored-too", 0)]
    for writer in writers:
        writer.flush()
    assert len(read_all(tmp_path)) == 60
    report = compact(tmp_path)
    assert (report.doubles, report.failures) == (30, [])
    assert [row[3] for row in read_all(tmp_path)] == list(range(30))
    assert compact(tmp_path).doubles == 0
    check_no_leftovers(tmp_path)
    again = republish("restored-too", 0)
    again.flush()
    assert [row[3] for row in read_all(tmp_path)] == list(range(30)), "what was dropped was archived"


def test_a_bucket_is_compacted_like_a_folder(s3: "S3Server") -> None:
    location = f"s3://{s3.make_bucket()}/archive"
    storage = open_storage(location)
    sink = ParquetSink(storage, "archive-parquet", lambda topic: f"id-of-{topic}", now_us)
    sink.open(Assignment((TEST,), 1, "member-1", 0))
    for batch in small_batches(3):
        sink.put(batch)
        sink.flush()
    before = read_all(location)
    assert Compactor(storage, now_us, AT_ONCE).run().files_before == 3
    assert read_all(location) == before
    [file] = [file for chain in list_chains(storage) for file in chain.files]
    assert storage.list_files("frames") == [file.path]
    assert storage.list_files("staging") == []
    assert read_footer(storage, file)["rows"] == 60


sizes = st.integers(70_000, 130_000_000) | st.integers(70_000, 200_000)


@given(made=st.lists(st.tuples(st.integers(0, 2), sizes, st.booleans()), max_size=60))
def test_whatever_files_there_are_no_more_than_twice_the_ideal_number_are_left(
    made: list[tuple[int, int, bool]],
) -> None:
    limits = CompactionLimits()
    files = [
        ListedFile(f"f{n}", HOME, size // 4_800, size, ((n, n),), hour * HOUR_US + n, hour * HOUR_US + n, is_sorted)
        for n, (hour, size, is_sorted) in enumerate(made)
    ]
    came_at_us = dict.fromkeys((file.path for file in files), 0)
    for _ in range(8):
        merges = plan_merges(files, came_at_us, limits, now_us())
        assert all(merge.bytes <= limits.target_bytes + 80_000 * len(merge.files) for merge in merges)
        taken = [file.path for merge in merges for file in merge.files]
        assert len(taken) == len(set(taken))
        files = [file for file in files if file.path not in taken] + [join(merge.files) for merge in merges]
    assert plan_merges(files, came_at_us, limits, now_us()) == []
    for hour in range(3):
        left = [file for file in files if file.captured_from_us // HOUR_US == hour]
        assert len(left) <= 2 * -(-sum(file.bytes for file in left) // limits.target_bytes)


def join(files: tuple[ListedFile, ...]) -> ListedFile:
    """As if nothing could be saved but what each file takes for itself."""
    size = sum(max(file.bytes - 80_000, file.bytes // 8) for file in files)
    return replace(files[0], rows=sum(file.rows for file in files), bytes=size, sorted_by_stream=True)
