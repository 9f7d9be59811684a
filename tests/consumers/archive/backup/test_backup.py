"""A copy of the files while the archive goes on: what it has, what it refuses, and what a crash leaves of it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from connect_runtime.forgetting.places import Subject
from connect_runtime.sink import Assignment
from consumers.archive.backup.errors import ArchiveDamaged, BackupRefused
from consumers.archive.backup.run import BackupReport, make_backup, restore_files, verify_backup
from consumers.archive.backup.snapshot import take_snapshot
from consumers.archive.forgetting.parquet_rows import ParquetRows
from consumers.archive.parquet.chain import Chain
from consumers.archive.parquet.compaction import Compactor
from consumers.archive.parquet.local_storage import LocalStorage
from consumers.archive.parquet.location import open_storage
from consumers.archive.parquet.manifest import MANIFEST_FOLDER, Entry, EntryKind, IdentityPartition, ListedFile, Writer
from consumers.archive.parquet.reading import open_archive
from consumers.archive.parquet.restoring import RestoreUnderWay
from consumers.archive.parquet.sink import ParquetSink
from tests.consumers.archive.dying_storage import Died, DyingStorage
from tests.consumers.archive.made_frames import make_batch
from tests.consumers.archive.test_compaction import TEST, compact, now_us, read_all
from tests.consumers.archive.test_compaction import Writer as LiveWriter

if TYPE_CHECKING:
    from tests.consumers.archive.s3_server import S3Server


class Kept:
    """An archive with a live writer, and the place of its backup."""

    def __init__(self, folder: Path) -> None:
        self.archive = folder / "archive"
        self.backup = folder / "backup"
        self.writer = LiveWriter(self.archive)
        self._rows = 0

    def write(self, files: int, rows: int = 20) -> None:
        """So many files more."""
        for _ in range(files):
            self.writer.write(make_batch(rows, first_offset=self._rows))
            self._rows += rows

    def back_up(self, tell: Callable[[int, int], None] = lambda _done, _of: None) -> BackupReport:
        return make_backup(LocalStorage(self.archive), LocalStorage(self.backup), now_us, tell=tell)

    def restore(self, place: Path) -> BackupReport:
        return restore_files(LocalStorage(self.backup), LocalStorage(place), now_us)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    made = Kept(tmp_path)
    made.write(4)
    return made


def parquet_files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*.parquet"))


def test_a_backup_is_an_archive_with_the_same_rows(kept: Kept) -> None:
    report = kept.back_up()
    assert (report.files, report.rows, report.copied_files, report.removed) == (4, 80, 4, 0)
    assert read_all(kept.backup) == read_all(kept.archive)
    assert verify_backup(LocalStorage(kept.backup)).is_whole


def test_the_next_backup_copies_only_what_came_and_removes_what_was_replaced(kept: Kept) -> None:
    kept.back_up()
    kept.write(2)
    assert kept.back_up().copied_files == 2
    compact(kept.archive)
    report = kept.back_up()
    assert (report.files, report.copied_files, report.removed) == (1, 1, 6)
    assert read_all(kept.backup) == read_all(kept.archive)
    assert parquet_files(kept.backup) == parquet_files(kept.archive)
    assert kept.back_up().copied_files == 0


def test_files_that_are_compacted_away_while_they_are_copied_are_there_in_their_new_form(kept: Kept) -> None:
    kept.write(4)
    happened: list[int] = []

    def compact_once(_done: int, _of: int) -> None:
        if not happened:
            happened.append(compact(kept.archive).deleted)
            kept.write(1)

    report = kept.back_up(compact_once)
    assert happened == [8]
    assert report.rows == 180
    assert read_all(kept.backup) == read_all(kept.archive)
    assert verify_backup(LocalStorage(kept.backup)).is_whole


def test_a_restored_archive_goes_on_where_the_backup_ended(kept: Kept, tmp_path: Path) -> None:
    kept.back_up()
    kept.write(2)
    restored = tmp_path / "restored"
    assert kept.restore(restored).rows == 80
    sink = ParquetSink(LocalStorage(restored), "archive-parquet", lambda topic: f"id-of-{topic}", now_us)
    assert sink.open(Assignment((TEST,), 2, "member-2", 0)) == {TEST: 80}
    sink.put(make_batch(100, first_offset=20))
    sink.flush()
    assert [row[3] for row in read_all(restored)] == list(range(120))
    assert [row[:16] for row in read_all(restored)] == [row[:16] for row in read_all(kept.archive)]
    compact(restored)
    assert [row[3] for row in read_all(restored)] == list(range(120))


def test_nothing_is_restored_over_an_archive_and_nothing_backed_up_over_one_in_use(kept: Kept, tmp_path: Path) -> None:
    kept.back_up()
    with pytest.raises(BackupRefused, match="there is an archive"):
        kept.restore(kept.archive)
    before = read_all(kept.archive)
    with pytest.raises(BackupRefused, match="somebody uses"):
        make_backup(LocalStorage(kept.backup), LocalStorage(kept.archive), now_us)
    assert read_all(kept.archive) == before
    # The backup itself, once it is written to as an archive.
    LiveWriter(kept.backup, generation=2).write(make_batch(10, first_offset=80))
    with pytest.raises(BackupRefused, match="somebody uses"):
        kept.back_up()
    with pytest.raises(BackupRefused, match="written to since"):
        kept.restore(tmp_path / "restored")


def test_an_archive_that_was_lost_does_not_empty_its_backup(kept: Kept, tmp_path: Path) -> None:
    kept.back_up()
    before = read_all(kept.backup)
    with pytest.raises(BackupRefused, match="lacks what the backup has"):
        make_backup(LocalStorage(tmp_path / "emptied"), LocalStorage(kept.backup), now_us)
    other = LiveWriter(tmp_path / "begun-again")
    other.write(make_batch(20))
    with pytest.raises(BackupRefused, match="lacks what the backup has"):
        make_backup(LocalStorage(tmp_path / "begun-again"), LocalStorage(kept.backup), now_us)
    assert read_all(kept.backup) == before


def test_a_damaged_file_is_named_and_the_backup_before_stays(kept: Kept) -> None:
    kept.back_up()
    before = read_all(kept.backup)
    kept.write(1)
    new = next(iter(set(parquet_files(kept.archive)) - set(parquet_files(kept.backup))))
    (kept.archive / new).write_bytes((kept.archive / new).read_bytes()[:-10])
    with pytest.raises(ArchiveDamaged, match=new):
        kept.back_up()
    assert read_all(kept.backup) == before
    assert verify_backup(LocalStorage(kept.backup)).is_whole


def test_verifying_finds_what_was_changed_and_what_is_gone_and_a_restore_refuses_it(kept: Kept, tmp_path: Path) -> None:
    kept.back_up()
    changed, gone, *_ = parquet_files(kept.backup)
    content = bytearray((kept.backup / changed).read_bytes())
    content[len(content) // 2] ^= 1
    (kept.backup / changed).write_bytes(content)
    with pytest.raises(ArchiveDamaged, match="is not what was copied"):
        kept.restore(tmp_path / "restored")
    (kept.backup / gone).unlink()
    verdict = verify_backup(LocalStorage(kept.backup))
    assert (verdict.damaged, verdict.missing, verdict.is_whole) == ((changed,), (gone,), False)
    assert not (tmp_path / "restored" / "manifest").exists()


def test_erased_frames_leave_the_backup_with_its_next_run(kept: Kept) -> None:
    kept.back_up()
    assert b"performer-3" in b"".join((kept.backup / path).read_bytes() for path in parquet_files(kept.backup))
    ParquetRows(LocalStorage(kept.archive), now_us).erase(Subject("performer-3", None))
    kept.back_up()
    assert read_all(kept.backup) == read_all(kept.archive)
    for path in kept.backup.rglob("*"):
        assert not path.is_file() or b"performer-3" not in path.read_bytes(), path


def test_killed_anywhere_a_backup_is_what_it_was_or_is_to_be_and_the_next_run_goes_on(kept: Kept) -> None:
    before: list[object] = []
    grown = finished = False
    dies_before = 0
    while not finished:
        dies_before += 7
        try:
            make_backup(LocalStorage(kept.archive), DyingStorage(kept.backup, dies_before), now_us)
            finished = grown
        except Died:
            pass
        there = read_all(kept.backup)
        after: list[object] = [*read_all(kept.archive)]
        assert there in ([], before, after)
        if dies_before >= 21 and not grown:
            # What was copied stays, what comes later is added; the writer does not wait.
            before, grown = [*there], True
            kept.write(1)
            compact(kept.archive)
    assert read_all(kept.backup) == read_all(kept.archive)
    assert parquet_files(kept.backup) == parquet_files(kept.archive)
    assert verify_backup(LocalStorage(kept.backup)).is_whole
    assert not (kept.backup / "copying").exists()


def test_a_killed_restore_is_no_archive_and_goes_on_when_it_is_run_again(kept: Kept, tmp_path: Path) -> None:
    kept.back_up()
    restored = tmp_path / "restored"
    with pytest.raises(Died):
        restore_files(LocalStorage(kept.backup), DyingStorage(restored, dies_before=14), now_us)
    with pytest.raises(RestoreUnderWay):
        read_all(restored)
    assert kept.restore(restored).copied_files < 4
    assert read_all(restored) == read_all(kept.archive)
    assert not (restored / "copying").exists()


def test_a_restore_goes_on_wherever_it_was_killed(kept: Kept, tmp_path: Path) -> None:
    kept.back_up()
    chains_there = 0
    for dies_before in range(1, 200):
        restored = tmp_path / f"restored-{dies_before}"
        try:
            restore_files(LocalStorage(kept.backup), DyingStorage(restored, dies_before=dies_before), now_us)
        except Died:
            chains_there += bool(LocalStorage(restored).list_files(MANIFEST_FOLDER))
            kept.restore(restored)
        else:
            break
        assert read_all(restored) == read_all(kept.archive)
        assert not (restored / "restore-under-way").exists()
    else:
        pytest.fail("it never came to its end")
    assert chains_there > 2


def test_a_service_that_is_started_too_early_waits_for_the_restore_and_then_goes_on(kept: Kept, tmp_path: Path) -> None:
    kept.back_up()
    refused_with_chains = []
    for dies_before in range(4, 200, 4):
        restored = tmp_path / f"restored-{dies_before}"
        service = ParquetSink(LocalStorage(restored), "archive-parquet", lambda topic: f"id-of-{topic}", now_us)
        try:
            restore_files(LocalStorage(kept.backup), DyingStorage(restored, dies_before=dies_before), now_us)
        except Died:
            with pytest.raises(RestoreUnderWay, match="is being restored"):
                service.open(Assignment((TEST,), 1, "member-1", 0))
            with pytest.raises(RestoreUnderWay):
                service.alter_offsets({TEST: 0})
            refused_with_chains.append(bool(LocalStorage(restored).list_files(MANIFEST_FOLDER)))
            kept.restore(restored)
        else:
            break
        assert service.open(Assignment((TEST,), 1, "member-1", 0)) == {TEST: 80}
        assert read_all(restored) == read_all(kept.archive)
    assert set(refused_with_chains) == {False, True}


def uses_of(archive: Path, backup: Path) -> list[Callable[[], object]]:
    storage, subject = LocalStorage(archive), Subject("performer-1", None)
    rows, compactor = ParquetRows(storage, now_us), Compactor(storage, now_us)
    return [
        lambda: open_archive(archive),
        compactor.plan,
        compactor.run,
        lambda: rows.find(subject),
        lambda: rows.erase(subject),
        lambda: make_backup(storage, LocalStorage(backup), now_us),
    ]


def test_half_an_archive_is_neither_read_nor_changed_nor_backed_up(kept: Kept, tmp_path: Path) -> None:
    kept.back_up()
    whole, halves = read_all(kept.archive), 0
    for dies_before in range(8, 200, 8):
        restored = tmp_path / f"restored-{dies_before}"
        try:
            restore_files(LocalStorage(kept.backup), DyingStorage(restored, dies_before=dies_before), now_us)
        except Died:
            halves += 1
        else:
            break
        for use in uses_of(restored, kept.backup):
            with pytest.raises(RestoreUnderWay):
                use()
        assert kept.restore(restored).rows == 80
        assert read_all(restored) == whole
    assert halves > 2
    assert read_all(kept.backup) == whole


def test_nothing_is_restored_into_an_archive_that_is_written_to(kept: Kept, tmp_path: Path) -> None:
    kept.back_up()
    restored = tmp_path / "restored"
    kept.restore(restored)
    with pytest.raises(BackupRefused, match="there is an archive"):
        kept.restore(restored)


class MovingStorage(LocalStorage):
    """Something happens between the reading of one chain and the next, once."""

    def __init__(self, root: Path, before_reading: str, event: Callable[[], object]) -> None:
        super().__init__(root)
        self._before_reading = before_reading
        self._event: Callable[[], object] | None = event

    def list_files(self, folder: str) -> list[str]:
        if self._before_reading in folder and self._event is not None:
            event, self._event = self._event, None
            event()
        return super().list_files(folder)


def test_a_record_that_moves_from_one_chain_to_another_meanwhile_is_not_lost(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    home, guest = IdentityPartition("test", "id", 0), IdentityPartition("retry", "id", 0)
    by_guest, by_home = Chain(storage, guest), Chain(storage, home)
    writer = Writer.outside_group("test")
    claims = {chain: chain.claim(writer, 1) for chain in (by_guest, by_home)}

    def add(chain: Chain, path: str) -> None:
        file = ListedFile(path, home, 1, 10, ((5, 5),), 0, 0)
        chain.append(Entry(0, EntryKind.FILES, writer, 1, files=(file,)), claims[chain])

    def move() -> None:
        add(by_guest, "frames/there")
        by_home.replace_files(["frames/here"], [], writer, 2)

    add(by_home, "frames/here")
    snapshot = take_snapshot(MovingStorage(tmp_path, home.folder, move), 3)
    assert [file.path for file in snapshot.files] == ["frames/there"]


def test_a_record_that_is_in_no_file_any_more_is_said_instead_of_backed_up_as_nothing(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    home = IdentityPartition("test", "id", 0)
    chain, writer = Chain(storage, home), Writer.outside_group("test")
    claim = chain.claim(writer, 1)
    file = ListedFile("frames/here", home, 1, 10, ((5, 5),), 0, 0)
    chain.append(Entry(0, EntryKind.FILES, writer, 1, files=(file,)), claim)
    chain.replace_files(["frames/here"], [], writer, 2)
    with pytest.raises(ArchiveDamaged, match=r"records \[\(5, 5\)\] of partition 0 of test"):
        take_snapshot(storage, 3)


def test_a_backup_may_be_in_a_bucket(kept: Kept, s3: "S3Server", tmp_path: Path) -> None:
    bucket = f"s3://{s3.make_bucket()}/backup"
    for _ in range(2):
        make_backup(LocalStorage(kept.archive), open_storage(bucket), now_us)
        kept.write(1)
    assert verify_backup(open_storage(bucket)).files == 5
    restored = LocalStorage(tmp_path / "restored")
    assert restore_files(open_storage(bucket), restored, now_us).rows == 100
    assert len(read_all(tmp_path / "restored")) == 100
