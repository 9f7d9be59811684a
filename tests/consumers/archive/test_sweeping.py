"""Sweeping up after writers that died: all they left goes, nothing that is listed or may be, whenever they died."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from connect_runtime.sink import Assignment, TopicPartition
from consumers.archive.parquet.chain import Fenced, SweptUp, list_chains
from consumers.archive.parquet.compaction import Compactor
from consumers.archive.parquet.compaction_plan import CompactionLimits
from consumers.archive.parquet.local_storage import LocalStorage
from consumers.archive.parquet.location import ArchiveLocation, open_storage
from consumers.archive.parquet.reading import open_archive, query
from consumers.archive.parquet.sink import ParquetSink
from consumers.archive.parquet.storage import ArchiveStorage
from consumers.archive.parquet.sweeping import SweepReport, sweep_orphans
from tests.consumers.archive.dying_storage import Died, DyingStorage
from tests.consumers.archive.made_frames import NOON_US, make_batch, with_identity

TEST = TopicPartition("test", 0)
LATER_US = 4_000_000_000_000_000
"""Everything a test makes is older."""
NOTHING = SweepReport(files=0, marks=0, drafts=0)


def open_sink(storage: ArchiveStorage, generation: int = 1, partition: TopicPartition = TEST) -> ParquetSink:
    sink = ParquetSink(storage, "archive-parquet", lambda topic: f"id-of-{topic}", lambda: NOON_US)
    sink.open(Assignment((partition,), generation, f"member-{generation}", 0))
    return sink


def stored_offsets(location: ArchiveLocation) -> list[int]:
    with open_archive(location, only_for="frames") as connection:
        return [offset for (offset,) in query(connection, 'SELECT "offset" FROM frames ORDER BY ALL')[1]]


def sweep(storage: ArchiveStorage, older_than_us: int = LATER_US) -> SweepReport:
    return sweep_orphans(storage, older_than_us, LATER_US)


def check_only_what_is_listed_is_there(storage: ArchiveStorage) -> None:
    assert storage.list_files("frames") == sorted(file.path for chain in list_chains(storage) for file in chain.files)
    assert storage.list_files("staging") == []
    assert [path for path in storage.list_files("") if not path.endswith((".json", ".parquet"))] == []


@pytest.fixture(params=["local", "s3"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> ArchiveLocation:
    if request.param == "local":
        return tmp_path / "archive"
    bucket: str = request.getfixturevalue("s3").make_bucket()
    return f"s3://{bucket}/archive"


def write_until_death(storage: ArchiveStorage) -> None:
    sink = open_sink(storage)
    for first in (0, 10):
        sink.put(make_batch(10, first_offset=first))
        sink.flush()


def test_whenever_a_writer_died_all_it_left_goes_and_the_next_one_goes_on(tmp_path: Path) -> None:
    alive = DyingStorage(tmp_path / "alive")
    write_until_death(alive)
    for step in range(1, alive.steps + 1):
        root = tmp_path / str(step)
        with pytest.raises(Died):
            write_until_death(DyingStorage(root, step))
        storage = LocalStorage(root)
        before = stored_offsets(root)
        assert sweep(storage, older_than_us=0) == NOTHING, "it was too young to go"
        sweep(storage)
        check_only_what_is_listed_is_there(storage)
        assert stored_offsets(root) == before, step
        assert sweep(storage) == NOTHING
        sink = open_sink(storage, generation=2)
        sink.put(make_batch(30))
        sink.flush()
        assert stored_offsets(root) == list(range(30)), step
        check_only_what_is_listed_is_there(storage)


def test_what_was_published_and_never_listed_goes_with_its_mark(location: ArchiveLocation) -> None:
    storage = open_storage(location)
    open_sink(storage).put(make_batch(10))
    [chain] = list_chains(storage)
    for name in ("a", "b"):
        staged = f"staging/{chain.identity.folder}/{chain.last_claim:020d}/frames/{name}.parquet"
        with storage.stage(staged) as file:
            file.write(b"of somebody who died")
        storage.publish(staged, f"frames/{name}.parquet")
    storage.remove(staged)
    assert sweep(storage) == SweepReport(files=2, marks=1, drafts=0)
    check_only_what_is_listed_is_there(storage)


def test_partitions_nobody_owns_any_more_are_swept_and_what_they_list_stays(location: ArchiveLocation) -> None:
    storage = open_storage(location)
    zombies = []
    for partition in (TopicPartition("test", 0), TopicPartition("test", 1), TopicPartition("other", 0)):
        zombie = open_sink(storage, partition=partition)
        batch = make_batch(10, topic=partition.topic, partition=partition.partition)
        zombie.put(batch)
        zombie.flush()
        zombies.append((zombie, partition))
        open_sink(storage, generation=2, partition=partition).stop()
    for zombie, partition in zombies:
        zombie.put(make_batch(5, first_offset=10, topic=partition.topic, partition=partition.partition))
        with pytest.raises(Fenced):
            zombie.flush()
    assert sweep(storage).files == 3
    check_only_what_is_listed_is_there(storage)
    assert len(stored_offsets(location)) == 30


def test_a_writer_that_is_not_dead_at_all_makes_its_file_again(tmp_path: Path) -> None:
    """Frozen between its file and its entry for longer than the age, it must not list what was swept."""
    storage = SweptMeanwhile(tmp_path, lambda: sweep(LocalStorage(tmp_path)))
    sink = open_sink(storage)
    sink.put(make_batch(10))
    storage.is_armed = True
    with pytest.raises(SweptUp):
        sink.flush()
    assert storage.report is not None
    assert storage.report.files == 1
    assert stored_offsets(tmp_path) == []
    sink.flush()
    assert sink.durable_offsets() == {TEST: 10}
    assert stored_offsets(tmp_path) == list(range(10))
    check_only_what_is_listed_is_there(storage)


class SweptMeanwhile(LocalStorage):
    """Somebody sweeps just after a file of frames was published."""

    def __init__(self, root: Path, sweep_now: Callable[[], SweepReport]) -> None:
        super().__init__(root)
        self.is_armed = False
        self.report: SweepReport | None = None
        self._sweep_now = sweep_now

    def publish(self, staged: str, path: str) -> None:
        super().publish(staged, path)
        if self.is_armed and path.startswith("frames/"):
            self.is_armed = False
            self.report = self._sweep_now()


def test_a_live_writer_in_the_middle_of_a_file_is_left_alone(tmp_path: Path) -> None:
    storage = SweptMeanwhile(tmp_path, lambda: sweep(LocalStorage(tmp_path), older_than_us=0))
    sink = open_sink(storage)
    sink.put(make_batch(10))
    storage.is_armed = True
    sink.flush()
    assert storage.report == NOTHING
    assert stored_offsets(tmp_path) == list(range(10))


def test_files_replaced_lately_stay_for_those_who_read_them(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    sink = open_sink(storage)
    for first in (0, 10):
        sink.put(make_batch(10, first_offset=first))
        sink.flush()
    replaced = storage.list_files("frames")
    Compactor(storage, lambda: LATER_US, CompactionLimits(settled_us=-1, grace_us=1)).run()
    sweep(storage)
    assert set(replaced) < set(storage.list_files("frames"))
    sweep(storage, older_than_us=LATER_US + 1)
    assert len(storage.list_files("frames")) == 1
    assert stored_offsets(tmp_path) == list(range(20))


def test_a_marker_its_writer_did_not_finish_disturbs_nobody(tmp_path: Path) -> None:
    storage = HalfAMarker(tmp_path)
    guests = with_identity(make_batch(5), "elsewhere", 3, np.arange(5))
    sink = open_sink(storage)
    sink.put(guests)
    with pytest.raises(Died):
        sink.flush()
    sound = LocalStorage(tmp_path)
    assert any(path.endswith(".draft") for path in sound.list_files("guests"))
    sink = open_sink(sound, generation=2)
    sink.put(guests)
    sink.flush()
    assert len(stored_offsets(tmp_path)) == 5
    assert sweep(sound) == SweepReport(files=0, marks=0, drafts=1)


class HalfAMarker(LocalStorage):
    """Its process is killed while a marker of guests is still a draft."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._is_dead = False

    def publish(self, staged: str, path: str) -> None:
        if path.startswith("guests/"):
            self._is_dead = True
            raise Died
        super().publish(staged, path)

    def remove(self, path: str) -> None:
        if self._is_dead:
            raise Died
        super().remove(path)
