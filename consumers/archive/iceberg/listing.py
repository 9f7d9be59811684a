"""What the manifest lists now, read on from where it was read the last time."""

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from consumers.archive.parquet.chain import Chain
from consumers.archive.parquet.manifest import MANIFEST_FOLDER, IdentityPartition, ListedFile
from consumers.archive.parquet.storage import ArchiveStorage


@dataclass(frozen=True, slots=True)
class FollowedChain:
    """How far a chain was read: its last entry's number, and the topic partition's next offset (None: not known)."""

    entry: int
    next_offset: int | None


@dataclass(frozen=True, slots=True)
class Listing:
    """All files that exist, by path, and by chain (`<topic>@<topic id>/<partition>`) how far it was read."""

    files: Mapping[str, ListedFile]
    chains: Mapping[str, FollowedChain]


class ManifestReader:
    """Reads every chain, from the second time on only what was added."""

    def __init__(self, storage: ArchiveStorage) -> None:
        self._storage = storage
        self._chains: dict[str, Chain] = {}

    def read(self) -> Listing:
        """What is listed by now. Raises StorageUnavailable and ManifestUnreadable."""
        paths = self._storage.list_files(MANIFEST_FOLDER)
        for folder in {path.removeprefix(f"{MANIFEST_FOLDER}/").rpartition("/")[0] for path in paths}:
            if folder not in self._chains:
                self._chains[folder] = Chain(self._storage, IdentityPartition.of_folder(folder))
        for chain in self._chains.values():
            chain.refresh()
        return Listing(
            {file.path: file for chain in self._chains.values() for file in chain.files},
            {
                folder: FollowedChain(chain.next_number - 1, chain.next_offset)
                for folder, chain in sorted(self._chains.items())
            },
        )


def encode_chains(chains: Mapping[str, FollowedChain]) -> str:
    """How far chains were read, as the text a snapshot keeps."""
    return orjson.dumps({folder: [chain.entry, chain.next_offset] for folder, chain in chains.items()}).decode()


def decode_chains(text: str) -> dict[str, FollowedChain]:
    """The reverse of `encode_chains`."""
    return {folder: FollowedChain(*numbers) for folder, numbers in orjson.loads(text).items()}
