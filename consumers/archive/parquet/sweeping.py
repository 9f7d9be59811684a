"""Leftovers of writers that died, in every partition, owned or not: found and removed, and never more than that."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from consumers.archive.parquet.chain import Chain, list_chains
from consumers.archive.parquet.guests import GUESTS_FOLDER
from consumers.archive.parquet.manifest import MANIFEST_FOLDER, IdentityPartition, Writer
from consumers.archive.parquet.partition_files import FRAMES_FOLDER, STAGING_FOLDER
from consumers.archive.parquet.replacing import REPLACING_FOLDER, sweep_replacements
from consumers.archive.parquet.storage import DRAFT_SUFFIX, PROBES_FOLDER, ArchiveStorage, StoredFile

_WRITER: Final = Writer.outside_group("sweep")


@dataclass(frozen=True, slots=True)
class SweepReport:
    """What was removed."""

    files: int
    """Of frames, which no entry lists."""
    marks: int
    """Staged files, each of a file that was begun."""
    drafts: int
    """Of manifest entries and of markers, and what stores were tried with."""


@dataclass(frozen=True, slots=True)
class _Mark:
    """A staged file: the claim under which the file at `path` was to be listed in a chain."""

    staged: str
    chain: str
    claim: int
    path: str

    @classmethod
    def of(cls, staged: str) -> "_Mark":
        topic, partition, claim, path = staged.removeprefix(f"{STAGING_FOLDER}/").split("/", 3)
        return cls(staged, f"{topic}/{partition}", int(claim), path)


def sweep_orphans(storage: ArchiveStorage, older_than_us: int, now_us: int) -> SweepReport:
    """Remove what is older than `older_than_us` (microseconds since 1970), and what no entry lists nor ever can.

    A writer that was about to list such a file after all, having been frozen or cut off for that long, finds it swept
    up, and makes it again. Files replaced since `older_than_us` stay for those who still read them.
    Raises StorageUnavailable, and ManifestUnreadable before anything is removed.
    """
    # In this order: a file is marked before it is published, and loses its mark after it is listed. One that is there,
    # has no mark then, and is in no entry after that, nobody will list.
    published = {file.path: file for file in storage.describe_files(FRAMES_FOLDER)}
    staged = storage.describe_files(STAGING_FOLDER)
    chains = {chain.identity.folder: chain for chain in list_chains(storage)}
    marks = [_Mark.of(file.path) for file in _old(staged, older_than_us) if not _is_of_replacement(file.path)]
    spoken_for = {_path_of(file.path) for file in staged}
    unmarked = [path for path in _paths_of(_old(published.values(), older_than_us)) if path not in spoken_for]
    kept = _kept_paths(chains.values(), older_than_us)
    orphans = [path for path in unmarked if path.endswith(".parquet") and path not in kept]
    for folder in {mark.chain for mark in marks}:
        chain = chains.get(folder) or Chain(storage, IdentityPartition.of_folder(folder))
        orphans += _sweep_chain(chain, [mark for mark in marks if mark.chain == folder], older_than_us, now_us)
    _remove_all(storage, orphans)
    _remove_all(storage, [mark.staged for mark in marks])
    drafts = [
        path
        for folder in (MANIFEST_FOLDER, GUESTS_FOLDER, PROBES_FOLDER)
        for path in _paths_of(_old(storage.describe_files(folder), older_than_us))
        if folder == PROBES_FOLDER or path.endswith(DRAFT_SUFFIX)
    ]
    _remove_all(storage, drafts)
    of_replacements = sweep_replacements(storage, _WRITER, older_than_us, now_us)
    files = sum(path in published for path in orphans) + of_replacements
    return SweepReport(files=files, marks=len(marks), drafts=len(drafts))


def _sweep_chain(chain: Chain, marks: list[_Mark], older_than_us: int, now_us: int) -> list[str]:
    """The marked files of a chain that are not listed, once nobody can list them any more."""
    chain.refresh()
    if any(mark.claim == chain.last_claim for mark in marks):
        # Its owner may live. From here on it cannot list any of these.
        chain.mark_swept(_WRITER, now_us)
    kept = _kept_paths([chain], older_than_us)
    return [mark.path for mark in marks if mark.path not in kept]


def _kept_paths(chains: Iterable[Chain], older_than_us: int) -> set[str]:
    """Files that are listed, or were until lately."""
    kept: set[str] = set()
    for chain in chains:
        kept |= {file.path for file in chain.files}
        kept |= {path for path, replaced_at_us in chain.replaced.items() if replaced_at_us >= older_than_us}
    return kept


def _old(files: Iterable[StoredFile], older_than_us: int) -> list[StoredFile]:
    return [file for file in files if file.modified_at_us < older_than_us]


def _paths_of(files: Iterable[StoredFile]) -> list[str]:
    return [file.path for file in files]


def _remove_all(storage: ArchiveStorage, paths: Iterable[str]) -> None:
    for path in paths:
        storage.remove(path)


def _is_of_replacement(staged: str) -> bool:
    return staged.startswith(f"{REPLACING_FOLDER}/")


def _path_of(staged: str) -> str:
    """The file a staged one is to become, whoever staged it."""
    return staged[staged.index(f"/{FRAMES_FOLDER}/") + 1 :]
