"""`replay --rewrite` on Parquet: the same records, decoded anew, in the place of what was there."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from connect_runtime.sink import Assignment, TopicPartition
from consumers.archive.parquet.chain import Chain, list_chains
from consumers.archive.parquet.local_storage import LocalStorage
from consumers.archive.parquet.manifest import IdentityOffsets, IdentityPartition, Writer
from consumers.archive.parquet.merging import read_rows
from consumers.archive.parquet.offset_set import OffsetSet
from consumers.archive.parquet.reading import open_archive, query
from consumers.archive.parquet.replacing import replacing
from consumers.archive.parquet.rewriting import ParquetRewriteSink
from consumers.archive.parquet.shelf import ShelfKey
from consumers.archive.parquet.sink import ParquetSink, RollLimits
from keypoints.frame import FrameBatch
from tests.consumers.archive.made_frames import NOON_US, make_batch
from tests.consumers.archive.test_compaction import HOME, HOUR_US, StorageWithEvents, check_no_leftovers, compact

TEST = TopicPartition("test", 0)


class Clock:
    def __init__(self) -> None:
        self.now_us = NOON_US

    def __call__(self) -> int:
        return self.now_us


def open_live(root: Path, generation: int = 1) -> ParquetSink:
    sink = ParquetSink(LocalStorage(root), "group", lambda topic: f"id-of-{topic}", lambda: NOON_US)
    sink.open(Assignment((TEST,), generation, "live", 0))
    return sink


def open_rewrite(
    root: Path,
    clock: Callable[[], int] = lambda: NOON_US,
    limits: RollLimits | None = None,
    storage: LocalStorage | None = None,
) -> ParquetRewriteSink:
    sink = ParquetRewriteSink(
        storage or LocalStorage(root), "group-replay", lambda topic: f"id-of-{topic}", clock, limits
    )
    sink.open(Assignment((TEST,), 1, "replay", 0))
    return sink


@pytest.fixture
def live(tmp_path: Path) -> ParquetSink:
    """A live writer that has archived five files of 20 rows."""
    live = open_live(tmp_path)
    for first in range(0, 100, 20):
        live.put(make_batch(20, first_offset=first))
        live.flush()
    return live


def corrected(rows: int, first_offset: int = 0) -> FrameBatch:
    """The same records, of which more was understood."""
    batch = make_batch(rows, first_offset=first_offset)
    batch.model[:] = "corrected"
    return batch


def models(root: Path) -> dict[int, str]:
    with open_archive(root) as connection:
        rows = query(connection, 'SELECT "offset", model FROM frames ORDER BY 1')[1]
    assert len({offset for offset, _ in rows}) == len(rows)
    return dict(rows)


def corrected_offsets(root: Path) -> list[int]:
    return [offset for offset, model in models(root).items() if model == "corrected"]


def listed_files(root: Path) -> list[str]:
    return sorted(file.path for chain in list_chains(LocalStorage(root)) for file in chain.files)


def test_what_is_there_is_replaced_and_what_is_not_is_added(live: ParquetSink, tmp_path: Path) -> None:
    live.close([TEST])
    live.alter_offsets({TEST: 130})
    before = listed_files(tmp_path)
    rewrite = open_rewrite(tmp_path)
    rewrite.put(corrected(80, first_offset=50))
    rewrite.flush()
    assert rewrite.durable_offsets() == {TEST: 130}
    assert list(models(tmp_path)) == list(range(130))
    assert corrected_offsets(tmp_path) == list(range(50, 130))
    assert set(before) - set(listed_files(tmp_path)) == set(before[2:]), "only files with replayed records are new"


def test_a_file_is_replaced_in_its_chain_by_one_with_exactly_its_records(live: ParquetSink, tmp_path: Path) -> None:
    rewrite = open_rewrite(tmp_path)
    rewrite.put(corrected(10, first_offset=15))
    rewrite.flush()
    [chain] = [chain for chain in list_chains(LocalStorage(tmp_path)) if chain.identity == HOME]
    assert sorted(file.offsets for file in chain.files) == [((n, n + 19),) for n in range(0, 100, 20)]
    assert chain.next_offset == 100
    live.put(make_batch(20, first_offset=100))
    live.flush()
    assert list(models(tmp_path)) == list(range(120))
    compact(tmp_path)
    check_no_leftovers(tmp_path)


def test_twice_is_as_good_as_once(live: ParquetSink, tmp_path: Path) -> None:
    names = [listed_files(tmp_path)]
    for _ in range(2):
        rewrite = open_rewrite(tmp_path)
        rewrite.put(corrected(100))
        rewrite.put(corrected(30, first_offset=70))
        rewrite.flush()
        names.append(listed_files(tmp_path))
        assert corrected_offsets(tmp_path) == list(range(100))
    assert not set(names[0]) & set(names[1])
    assert not set(names[1]) & set(names[2])


@pytest.mark.parametrize("age_s", [0.1, 3600])
def test_nothing_is_durable_before_the_file_is_replaced_and_idleness_is_enough(
    live: ParquetSink, tmp_path: Path, age_s: float
) -> None:
    clock = Clock()
    rewrite = open_rewrite(tmp_path, clock, RollLimits(age_s=age_s))
    rewrite.put(corrected(100))
    clock.now_us += 500_000
    rewrite.tick()
    assert rewrite.durable_offsets().get(TEST, 0) == 0
    clock.now_us += 600_000
    rewrite.tick()
    assert rewrite.durable_offsets() == {TEST: 100}
    assert corrected_offsets(tmp_path) == list(range(100))


def test_memory_is_bounded_by_writing_the_fullest_file_first(live: ParquetSink, tmp_path: Path) -> None:
    rewrite = open_rewrite(tmp_path, limits=RollLimits(all_bytes=20 * 7_500))
    for first in range(0, 100, 10):
        rewrite.put(corrected(10, first_offset=first))
    rewrite.tick()
    assert 70 <= len(corrected_offsets(tmp_path)) < 100
    rewrite.flush()
    assert corrected_offsets(tmp_path) == list(range(100))


def test_frames_whose_time_was_corrected_go_to_the_folder_of_their_hour(live: ParquetSink, tmp_path: Path) -> None:
    batch = corrected(20)
    batch.captured_at_us[:10] -= 3 * HOUR_US
    rewrite = open_rewrite(tmp_path)
    rewrite.put(batch)
    rewrite.flush()
    assert list(models(tmp_path)) == list(range(100))
    for file in (file for chain in list_chains(LocalStorage(tmp_path)) for file in chain.files):
        assert file.captured_from_us // HOUR_US == file.captured_to_us // HOUR_US
        assert f"/hour={np.datetime64(file.captured_from_us, 'us').astype(object).hour:02d}/" in file.path


def erase(root: Path, offsets: list[int]) -> None:
    """As `forget` does: the file goes on without these rows, and they are known to be gone."""
    storage = LocalStorage(root)
    chain = Chain(storage, HOME)
    chain.refresh()
    [file] = [file for file in chain.files if file.offsets[0][0] <= offsets[0] <= file.offsets[0][1]]
    kept = [row for row in range(file.offsets[0][0], file.offsets[0][1] + 1) if row not in offsets]
    with replacing(storage, chain, Writer.outside_group("forget"), lambda: NOON_US) as replacement:
        rows = read_rows(storage, file)
        mask = np.isin(rows.column("offset").to_numpy(), kept)
        key = ShelfKey(HOME, file.captured_from_us // HOUR_US)
        replacement.add_file(key, OffsetSet.of(np.array(kept)), [rows.filter(mask)], sorted_by_stream=False)
        erased = IdentityOffsets(HOME, tuple(OffsetSet.of(np.array(offsets)).runs))
        replacement.replace([file.path], [erased])


def test_what_was_erased_stays_away(live: ParquetSink, tmp_path: Path) -> None:
    erase(tmp_path, [23, 24])
    rewrite = open_rewrite(tmp_path)
    rewrite.put(corrected(100))
    erase(tmp_path, [47])
    rewrite.flush()
    assert rewrite.durable_offsets() == {TEST: 100}
    assert sorted(set(range(100)) - set(models(tmp_path))) == [23, 24, 47]


def test_rows_follow_their_records_into_a_file_that_compaction_made(live: ParquetSink, tmp_path: Path) -> None:
    storage = StorageWithEvents(tmp_path, lambda: compact(tmp_path))
    rewrite = open_rewrite(tmp_path, storage=storage)
    rewrite.put(corrected(100))
    rewrite.flush()
    assert corrected_offsets(tmp_path) == list(range(100))
    again = open_rewrite(tmp_path)
    again.put(make_batch(100))
    compact(tmp_path)
    again.flush()
    assert corrected_offsets(tmp_path) == []
    assert list(models(tmp_path)) == list(range(100))


def test_a_file_is_made_again_when_it_was_swept_up_before_it_was_listed(live: ParquetSink, tmp_path: Path) -> None:
    def sweep() -> None:
        [chain] = [chain for chain in list_chains(LocalStorage(tmp_path)) if chain.identity == HOME]
        chain.mark_swept(Writer.outside_group("sweep"), NOON_US)

    rewrite = open_rewrite(tmp_path, storage=StorageWithEvents(tmp_path, sweep))
    rewrite.put(corrected(100))
    rewrite.flush()
    assert rewrite.durable_offsets() == {TEST: 100}
    assert corrected_offsets(tmp_path) == list(range(100))


def test_files_of_guests_and_of_earlier_replays_are_replaced_where_they_are_listed(
    live: ParquetSink, tmp_path: Path
) -> None:
    beside = ParquetSink(LocalStorage(tmp_path), "group", lambda topic: f"id-of-{topic}", lambda: NOON_US)
    beside.open(Assignment((TopicPartition("restored", 0),), 1, "member", 0))
    restored = replace(make_batch(20, topic="restored", first_offset=100))
    beside.put(replace(restored, identity_topic=np.full(20, "test", dtype=np.object_)))
    beside.flush()
    live.close([TEST])
    live.alter_offsets({TEST: 140})
    before = chain_offsets(tmp_path)
    for _ in range(2):
        rewrite = open_rewrite(tmp_path)
        rewrite.put(corrected(140))
        rewrite.flush()
        assert corrected_offsets(tmp_path) == list(range(140))
    assert chain_offsets(tmp_path) == before | {"test~replay": [(120, 139)]}


def chain_offsets(root: Path) -> dict[str, Any]:
    """Topic of a chain → the offsets of the partition `test` in its live files."""
    home = IdentityPartition("test", "id-of-test", 0)
    found: dict[str, Any] = {}
    for chain in list_chains(LocalStorage(root)):
        runs = [run for file in chain.files if file.identity == home for run in file.offsets]
        found[chain.identity.topic] = OffsetSet.of_runs(runs).runs
    return {topic: runs for topic, runs in found.items() if runs}
