"""Which archived records a restore is about, found without reading what was seen of anybody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from connect_runtime.forgetting.streams import NOBODY, ForgottenStreams
from consumers.archive.capture_range import CaptureRange
from consumers.archive.parquet.chain import list_chains
from consumers.archive.parquet.footer import open_parquet
from consumers.archive.parquet.manifest import ListedFile
from consumers.archive.parquet.offset_set import OffsetSet
from consumers.archive.parquet.storage import ArchiveStorage

_COLUMNS: Final = ("offset", "stream_id", "captured_at", "record_timestamp")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be restored of a topic's life. None: every stream."""

    topic: str
    topic_id: str
    captured: CaptureRange = CaptureRange()  # noqa: RUF009 - frozen
    stream_id: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ArchivedPartition:
    """What there is of a partition: `files` hold the records at `offsets`, int64 (N,) ascending, and maybe others."""

    partition: int
    files: tuple[ListedFile, ...]
    offsets: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Survey:
    """What there is, by partition."""

    partitions: tuple[ArchivedPartition, ...]
    forgotten: int
    """Records that are left out because their stream is to be forgotten."""

    @property
    def records(self) -> int:
        """How many there are to restore."""
        return sum(len(found.offsets) for found in self.partitions)

    def without(self, restored: Mapping[int, OffsetSet]) -> "Survey":
        """What is left, less the offsets of each partition that are restored already."""
        left = [
            ArchivedPartition(found.partition, found.files, found.offsets[~known.holds(found.offsets)])
            if (known := restored.get(found.partition)) is not None
            else found
            for found in self.partitions
        ]
        return Survey(tuple(left), self.forgotten)


@dataclass(slots=True)
class _Found:
    files: list[ListedFile] = field(default_factory=list)
    offsets: list[NDArray[np.int64]] = field(default_factory=list)


def survey_archive(storage: ArchiveStorage, wanted: Wanted, forgotten: ForgottenStreams = NOBODY) -> Survey:
    """Find the records. Raises StorageUnavailable."""
    by_partition: dict[int, _Found] = {}
    left_out: dict[int, list[NDArray[np.int64]]] = {}
    for file in _files_of(storage, wanted):
        with open_parquet(storage, file) as opened:
            rows = opened.read(columns=list(_COLUMNS))
        partition = file.identity.partition
        chosen, held = _choose(rows, wanted, forgotten)
        offsets = rows.column("offset").to_numpy()
        left_out.setdefault(partition, []).append(offsets[chosen & held])
        if (chosen & ~held).any():
            found = by_partition.setdefault(partition, _Found())
            found.files.append(file)
            found.offsets.append(offsets[chosen & ~held])
    return Survey(
        tuple(
            ArchivedPartition(partition, tuple(found.files), np.unique(np.concatenate(found.offsets)))
            for partition, found in sorted(by_partition.items())
        ),
        sum(len(np.unique(np.concatenate(offsets))) for offsets in left_out.values()),
    )


def _files_of(storage: ArchiveStorage, wanted: Wanted) -> Sequence[ListedFile]:
    first_us, end_us = wanted.captured.from_us, wanted.captured.to_us
    return [
        file
        for chain in list_chains(storage)
        for file in chain.files
        if (file.identity.topic, file.identity.topic_id) == (wanted.topic, wanted.topic_id)
        and (first_us is None or file.captured_to_us >= first_us)
        and (end_us is None or file.captured_from_us < end_us)
    ]


def _choose(rows: pa.Table, wanted: Wanted, forgotten: ForgottenStreams) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """bool (N,) each: which rows are wanted, and which of all are forgotten."""
    names = rows.column("stream_id").to_pylist()
    captured_us = rows.column("captured_at").cast(pa.int64()).to_numpy()
    recorded_ms = rows.column("record_timestamp").cast(pa.int64()).to_numpy() // 1000
    chosen = np.ones(len(rows), dtype=np.bool_)
    if wanted.captured.from_us is not None:
        chosen &= captured_us >= wanted.captured.from_us
    if wanted.captured.to_us is not None:
        chosen &= captured_us < wanted.captured.to_us
    if wanted.stream_id is not None:
        chosen &= np.array(names, dtype=np.object_) == wanted.stream_id
    return chosen, forgotten.holds_rows(names, captured_us, recorded_ms)
