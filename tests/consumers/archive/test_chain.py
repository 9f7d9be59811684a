"""One partition's chain of entries: owners fenced, files replaced beside them, and what checkpoints sum up."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from consumers.archive.parquet.chain import (
    ENTRIES_BETWEEN_CHECKPOINTS,
    Chain,
    Fenced,
    Overtaken,
    list_chains,
)
from consumers.archive.parquet.local_storage import LocalStorage
from consumers.archive.parquet.manifest import (
    MANIFEST_FOLDER,
    Entry,
    EntryKind,
    IdentityOffsets,
    IdentityPartition,
    ListedFile,
    ManifestUnreadable,
    Writer,
    entry_name,
    read_number,
)
from consumers.archive.parquet.offset_set import Run

HOME = IdentityPartition("dancers", "life-1", 3)
OWNER = Writer("archive-parquet", 5, "member-1")
TENDER = Writer.outside_group("compact")
NOW_US = 1_790_000_000_000_000


def make_file(name: str, *offsets: Run) -> ListedFile:
    rows = sum(last - first + 1 for first, last in offsets)
    return ListedFile(f"frames/{name}.parquet", HOME, rows, rows * 5000, offsets, NOW_US, NOW_US + rows)


class Owner:
    """A live writer: a chain, and its claim."""

    def __init__(self, storage: LocalStorage) -> None:
        self.chain = Chain(storage, HOME)
        self.claim = self.chain.claim(OWNER, NOW_US)

    def list_file(self, name: str, first: int, last: int) -> ListedFile:
        file = make_file(name, (first, last))
        entry = Entry(0, EntryKind.FILES, OWNER, NOW_US, next_offset=last + 1, files=(file,))
        self.chain.append(entry, self.claim)
        return file


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path)


@pytest.fixture
def owner(storage: LocalStorage) -> Owner:
    return Owner(storage)


def read_anew(storage: LocalStorage) -> Chain:
    chain = Chain(storage, HOME)
    chain.refresh()
    return chain


def entry_numbers(storage: LocalStorage) -> list[int]:
    paths = storage.list_files(f"{MANIFEST_FOLDER}/{HOME.folder}")
    return sorted(number for path in paths if (number := read_number(path)) is not None)


def test_files_are_replaced_beside_the_owner_who_goes_on_undisturbed(storage: LocalStorage, owner: Owner) -> None:
    small = [owner.list_file("a", 0, 9), owner.list_file("b", 10, 19)]
    tender = read_anew(storage)
    large = make_file("large", (0, 19))
    tender.replace_files([file.path for file in small], [large], TENDER, NOW_US)
    late = owner.list_file("c", 20, 29)
    assert read_anew(storage).files == [large, late]
    assert read_anew(storage).next_offset == 30, "replacing moves no offset"
    assert read_anew(storage).offsets_of(HOME).runs == [(0, 29)]
    assert set(read_anew(storage).replaced) == {file.path for file in small}


def test_of_two_who_replace_the_same_files_one_is_told_it_was_overtaken(storage: LocalStorage, owner: Owner) -> None:
    file = owner.list_file("a", 0, 9)
    first, second = read_anew(storage), read_anew(storage)
    first.replace_files([file.path], [make_file("first", (0, 9))], TENDER, NOW_US)
    with pytest.raises(Overtaken):
        second.replace_files([file.path], [make_file("second", (0, 9))], TENDER, NOW_US)
    assert [file.path for file in read_anew(storage).files] == ["frames/first.parquet"]


def test_replacing_does_not_let_a_former_owner_in(storage: LocalStorage, owner: Owner) -> None:
    file = owner.list_file("a", 0, 9)
    Owner(storage)
    read_anew(storage).replace_files([file.path], [make_file("b", (0, 9))], TENDER, NOW_US)
    with pytest.raises(Fenced):
        owner.list_file("late", 10, 19)
    assert [file.path for file in read_anew(storage).files] == ["frames/b.parquet"]


def test_what_was_erased_counts_as_archived_and_is_known_to_be_gone(storage: LocalStorage, owner: Owner) -> None:
    file = owner.list_file("a", 0, 9)
    left = make_file("left", (0, 3), (6, 9))
    erased = IdentityOffsets(HOME, ((4, 5),))
    read_anew(storage).replace_files([file.path], [left], TENDER, NOW_US, [erased])
    chain = read_anew(storage)
    assert chain.erased_of(HOME).runs == [(4, 5)]
    assert chain.offsets_of(HOME).holds(np.array([4, 5])).all()


def say_everything(chain: Chain) -> tuple[object, ...]:
    return (
        chain.files,
        chain.next_offset,
        chain.next_number,
        chain.offsets_of(HOME).runs,
        chain.erased_of(HOME).runs,
        dict(chain.replaced),
    )


def test_a_checkpoint_says_what_all_entries_before_it_said(storage: LocalStorage, owner: Owner) -> None:
    for number in range(5):
        owner.list_file(f"f{number}", number * 10, number * 10 + 9)
    tender = read_anew(storage)
    erased = [IdentityOffsets(HOME, ((7, 7),))]
    tender.replace_files(["frames/f0.parquet"], [make_file("g", (0, 6), (8, 9))], TENDER, NOW_US, erased)
    before = say_everything(read_anew(storage))
    tender.make_checkpoint(NOW_US)
    assert say_everything(read_anew(storage)) == before
    owner.list_file("late", 50, 59)
    assert read_anew(storage).files[-1].path == "frames/late.parquet"
    with pytest.raises(Fenced):
        read_anew(storage).check_claim(owner.claim + 1)
    read_anew(storage).check_claim(owner.claim)


def test_what_was_replaced_days_ago_is_forgotten_by_who_has_read_the_chain_ever_since(
    storage: LocalStorage, owner: Owner
) -> None:
    for number, days in enumerate([0, 0, 3]):
        owner.list_file(f"f{number}", number, number)
        replaced_at_us = NOW_US + days * 24 * 60 * 60 * 1_000_000
        read_anew(storage).replace_files([f"frames/f{number}.parquet"], [], TENDER, replaced_at_us)
    owner.list_file("late", 3, 3)
    assert set(owner.chain.replaced) == {"frames/f2.parquet"}


def fill(owner: Owner, entries: int) -> None:
    for number in range(entries):
        owner.list_file(f"n{number}", number, number)


def test_a_long_chain_sums_itself_up_and_is_read_in_few_steps(storage: LocalStorage, owner: Owner) -> None:
    fill(owner, 3 * ENTRIES_BETWEEN_CHECKPOINTS)
    assert len(entry_numbers(storage)) <= 2 * ENTRIES_BETWEEN_CHECKPOINTS
    chain = Chain(storage, HOME)
    assert len(chain.refresh()) <= ENTRIES_BETWEEN_CHECKPOINTS
    assert len(chain.files) == 3 * ENTRIES_BETWEEN_CHECKPOINTS
    [listed] = list_chains(storage)
    assert say_everything(listed) == say_everything(chain)


def test_who_slept_through_a_checkpoint_learns_it(storage: LocalStorage, owner: Owner) -> None:
    sleeper = read_anew(storage)
    fill(owner, 3 * ENTRIES_BETWEEN_CHECKPOINTS)
    sleeper.refresh()
    assert say_everything(sleeper) == say_everything(read_anew(storage))


def test_a_former_owner_cannot_use_a_number_whose_entry_was_summed_up(storage: LocalStorage, owner: Owner) -> None:
    fill(Owner(storage), 3 * ENTRIES_BETWEEN_CHECKPOINTS)
    before = say_everything(read_anew(storage))
    assert owner.chain.next_number not in entry_numbers(storage), "the number is free again"
    with pytest.raises(Fenced):
        owner.list_file("zombie", 1_000_000, 1_000_009)
    assert say_everything(read_anew(storage)) == before


class VanishingStorage(LocalStorage):
    """A disk on which a checkpoint is made, and entries go, after the folder was listed."""

    def __init__(self, root: Path, between: Callable[[], None]) -> None:
        super().__init__(root)
        self._between: Iterator[Callable[[], None]] = iter([between])

    def list_files(self, folder: str) -> list[str]:
        found = super().list_files(folder)
        next(self._between, lambda: None)()
        return found


def test_entries_that_go_while_they_are_read_are_found_in_the_checkpoint(tmp_path: Path, owner: Owner) -> None:
    fill(owner, ENTRIES_BETWEEN_CHECKPOINTS - 2)
    reader = Chain(VanishingStorage(tmp_path, lambda: fill(owner, 2 * ENTRIES_BETWEEN_CHECKPOINTS)), HOME)
    reader.refresh()
    assert say_everything(reader) == say_everything(read_anew(LocalStorage(tmp_path)))


def test_an_entry_of_a_version_to_come_is_refused_by_name(storage: LocalStorage, owner: Owner) -> None:
    path = f"{MANIFEST_FOLDER}/{HOME.folder}/{entry_name(owner.chain.next_number)}"
    assert storage.create(path, b'{"format": 99}')
    with pytest.raises(ManifestUnreadable, match="another version"):
        read_anew(storage)
