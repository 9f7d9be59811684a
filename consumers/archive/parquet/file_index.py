"""Which listed file holds a record."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consumers.archive.parquet.chain import Chain
from consumers.archive.parquet.manifest import IdentityPartition, ListedFile


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A file and the chain that lists it."""

    chain: Chain
    file: ListedFile


class FileIndex:
    """The files with records of one identity partition, as their chains list them at this moment."""

    def __init__(self, identity: IdentityPartition, chains: Sequence[Chain]) -> None:
        self.files = [HeldFile(chain, file) for chain in chains for file in chain.files if file.identity == identity]
        runs = sorted(
            (first, last, number) for number, held in enumerate(self.files) for first, last in held.file.offsets
        )
        self._runs = np.array(runs, dtype=np.int64).reshape(-1, 3)

    def locate(self, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
        """int64 (N,): where in `files` each of these offsets is, −1 for those in none."""
        if not len(self._runs):
            return np.full(len(offsets), -1, dtype=np.int64)
        firsts, lasts, numbers = self._runs.T
        run = np.searchsorted(firsts, offsets, side="right") - 1
        held = (run >= 0) & (offsets <= lasts[np.maximum(run, 0)])
        return np.where(held, numbers[np.maximum(run, 0)], -1)
