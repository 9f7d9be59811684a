"""A stream's rows leave the files, whatever state the files are in, and whenever the eraser dies."""

from pathlib import Path

import pytest

from connect_runtime.forgetting.places import Subject
from connect_runtime.sink import Assignment, TopicPartition
from consumers.archive.forgetting.erased import ErasedFromParquet
from consumers.archive.forgetting.parquet_rows import ParquetRows
from consumers.archive.parquet.chain import Chain, list_chains
from consumers.archive.parquet.compaction import Compactor
from consumers.archive.parquet.compaction_plan import CompactionLimits
from consumers.archive.parquet.footer import open_parquet, read_footer
from consumers.archive.parquet.local_storage import LocalStorage
from consumers.archive.parquet.manifest import IdentityPartition
from consumers.archive.parquet.offset_set import OffsetSet
from consumers.archive.parquet.rows_from_files import frames_from_file
from consumers.archive.parquet.sink import ParquetSink
from keypoints.frame import FrameBatch
from tests.consumers.archive.dying_storage import Died, DyingStorage
from tests.consumers.archive.made_frames import NOON_US, make_batch, with_identity

TEST = TopicPartition("test", 0)
HOME = IdentityPartition("test", "id-of-test", 0)
HOUR_US = 3_600_000_000
FORGOTTEN = "performer-3"
SUBJECT = Subject(FORGOTTEN, NOON_US + 10 * HOUR_US)


def now_us() -> int:
    """Later than any file of a test was written."""
    return 4_000_000_000_000_000


def open_sink(storage: LocalStorage, generation: int = 1) -> ParquetSink:
    sink = ParquetSink(storage, "archive-parquet", lambda topic: f"id-of-{topic}", now_us)
    sink.open(Assignment((TEST,), generation, f"member-{generation}", 0))
    return sink


def fill(root: Path) -> None:
    """Two hours in two files; another file in which there is nobody else; and a record published again."""
    sink = open_sink(LocalStorage(root))
    alone = make_batch(20, first_offset=100).take([3, 8, 13, 18])
    guests = with_identity(make_batch(5, first_offset=200), "other", 2, make_batch(5).offset)
    for batch in (make_batch(50), make_batch(50, first_offset=50, starts_at_us=NOON_US + HOUR_US), alone, guests):
        sink.put(batch)
        sink.flush()


def read_listed(root: Path) -> list[tuple[object, ...]]:
    storage = LocalStorage(root)
    found: list[tuple[object, ...]] = []
    for file in [file for chain in list_chains(storage) for file in chain.files]:
        assert OffsetSet.of_runs(file.offsets).runs == list(file.offsets)
        assert read_footer(storage, file)["rows"] == file.rows
        with open_parquet(storage, file) as opened:
            batch = FrameBatch.concat(list(frames_from_file(opened)))
        assert len(batch) == file.rows
        assert OffsetSet.of(batch.offset).runs == list(file.offsets)
        for row in range(len(batch)):
            place = file.identity.topic, file.identity.partition, int(batch.offset[row])
            parts = batch.pose[row].tobytes(), batch.face[row].tobytes(), batch.left_hand[row].tobytes()
            found.append((*place, batch.stream_id[row], batch.keys[row], batch.headers[row], *parts))
    return sorted(found, key=str)


def others(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    return [row for row in rows if row[3] != FORGOTTEN]


def assert_gone(root: Path, before: list[tuple[object, ...]]) -> None:
    assert read_listed(root) == others(before)
    naming = [path for path in root.rglob("*") if path.is_file() and FORGOTTEN.encode() in path.read_bytes()]
    assert naming == []
    listed = {root / file.path for chain in list_chains(LocalStorage(root)) for file in chain.files}
    assert {path for path in root.rglob("*.parquet") if "staging" not in path.parts} == listed
    chain = Chain(LocalStorage(root), HOME)
    chain.refresh()
    ours = {row[2] for row in before if row[3] == FORGOTTEN and row[0] == "test"}
    assert {offset for first, last in chain.erased_of(HOME).runs for offset in range(first, last + 1)} == ours
    assert ParquetRows(LocalStorage(root), now_us).find(Subject(FORGOTTEN, None)).records == 0


def test_the_stream_leaves_every_file_and_the_others_stay_to_the_last_bit(tmp_path: Path) -> None:
    fill(tmp_path)
    before = read_listed(tmp_path)
    rows = ParquetRows(LocalStorage(tmp_path), now_us)
    assert rows.find(SUBJECT).records == 25
    erased = rows.erase(SUBJECT)
    assert erased.records == 25
    assert erased.details["files"] == {"listed": 4}
    assert erased.details["offsets"]["other@id-of-other/2"] == [(3, 3)]
    assert_gone(tmp_path, before)
    assert rows.erase(SUBJECT).records == 0


def test_only_what_is_of_before_the_moment_goes(tmp_path: Path) -> None:
    fill(tmp_path)
    early = Subject(FORGOTTEN, NOON_US + HOUR_US // 2)
    assert ParquetRows(LocalStorage(tmp_path), now_us).erase(early).records == 15
    assert len([row for row in read_listed(tmp_path) if row[3] == FORGOTTEN]) == 10


@pytest.mark.long
def test_the_eraser_may_die_at_any_step(tmp_path: Path) -> None:
    fill(tmp_path / "alive")
    alive = DyingStorage(tmp_path / "alive")
    ParquetRows(alive, now_us).erase(SUBJECT)
    assert alive.steps > 20
    for step in range(1, alive.steps + 1):
        root = tmp_path / str(step)
        fill(root)
        before = read_listed(root)
        with pytest.raises(Died):
            ParquetRows(DyingStorage(root, step), now_us).erase(SUBJECT)
        assert others(read_listed(root)) == others(before), step
        ParquetRows(LocalStorage(root), now_us).erase(SUBJECT)
        # What it left of the others' rows is nobody's business but compaction's.
        Compactor(LocalStorage(root), now_us, CompactionLimits(grace_us=-HOUR_US, abandoned_us=-HOUR_US)).run()
        assert read_listed(root) == others(before), step
        naming = [path for path in root.rglob("*") if path.is_file() and FORGOTTEN.encode() in path.read_bytes()]
        assert naming == [], step


def test_files_nobody_lists_any_more_are_looked_into_too(tmp_path: Path) -> None:
    fill(tmp_path)
    before = read_listed(tmp_path)
    # Joined, and the former ones kept for whoever reads them.
    limits = CompactionLimits(settled_us=-HOUR_US, grace_us=HOUR_US)
    assert Compactor(LocalStorage(tmp_path), now_us, limits).run().merges
    rows = ParquetRows(LocalStorage(tmp_path), now_us)
    assert rows.find(SUBJECT).records > 25
    rows.erase(SUBJECT)
    assert_gone(tmp_path, before)


def test_what_a_writer_that_died_left_unfinished_goes_as_well(tmp_path: Path) -> None:
    alive = DyingStorage(tmp_path / "alive")
    sink = open_sink(alive)
    sink.put(make_batch(50))
    opened = alive.steps
    sink.flush()
    for step in range(opened + 1, alive.steps + 1):
        root = tmp_path / str(step)
        dying = open_sink(DyingStorage(root, step))
        dying.put(make_batch(50))
        with pytest.raises(Died):
            dying.flush()
        ParquetRows(LocalStorage(root), now_us).erase(SUBJECT)
        assert ParquetRows(LocalStorage(root), now_us).find(SUBJECT).records == 0, step
        naming = [path for path in root.rglob("*") if path.is_file() and FORGOTTEN.encode() in path.read_bytes()]
        assert naming == [], step


class MeddledWith(LocalStorage):
    """A storage whose files somebody else compacts once one of the eraser's is published."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._compactor: Compactor | None = Compactor(
            LocalStorage(root), now_us, CompactionLimits(settled_us=-HOUR_US, grace_us=HOUR_US)
        )

    def publish(self, staged: str, path: str) -> None:
        super().publish(staged, path)
        compactor, self._compactor = self._compactor, None
        if compactor is not None and path.endswith(".parquet"):
            assert compactor.run().merges


def test_compaction_that_is_faster_hides_no_rows(tmp_path: Path) -> None:
    fill(tmp_path)
    before = read_listed(tmp_path)
    ParquetRows(MeddledWith(tmp_path), now_us).erase(SUBJECT)
    assert_gone(tmp_path, before)


def test_a_live_writer_goes_on_beside(tmp_path: Path) -> None:
    fill(tmp_path)
    before = read_listed(tmp_path)
    sink = open_sink(LocalStorage(tmp_path), generation=2)
    late = make_batch(30, first_offset=300)
    sink.put(late.take(late.stream_id != FORGOTTEN))
    ParquetRows(LocalStorage(tmp_path), now_us).erase(SUBJECT)
    sink.flush()
    assert sink.durable_offsets() == {TEST: 330}
    assert len(read_listed(tmp_path)) == len(others(before)) + 24


def test_records_that_were_kept_back_are_on_record_once(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    note = ErasedFromParquet(storage, lambda topic: f"id-of-{topic}", now_us)
    sink = open_sink(storage)
    note(make_batch(5, first_offset=10))
    note(make_batch(7, first_offset=8))
    note(make_batch(3, first_offset=9))
    chain = Chain(storage, HOME)
    chain.refresh()
    assert chain.erased_of(HOME).runs == [(8, 14)]
    entries = chain.next_number
    note(make_batch(3, first_offset=9))
    chain.refresh()
    assert chain.next_number == entries
    sink.put(make_batch(2, first_offset=15))
    sink.flush()
    assert sink.durable_offsets() == {TEST: 17}, "the owner goes on"


def test_the_next_owner_does_not_look_for_records_that_were_kept_back(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    sink = open_sink(storage)
    sink.put(make_batch(10))
    sink.flush()
    ErasedFromParquet(storage, lambda topic: f"id-of-{topic}", now_us)(make_batch(5, first_offset=10))
    successor = ParquetSink(storage, "archive-parquet", lambda topic: f"id-of-{topic}", now_us)
    assert successor.open(Assignment((TEST,), 2, "member-2", 0)) == {TEST: 15}
