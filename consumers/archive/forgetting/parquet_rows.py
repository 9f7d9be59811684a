"""A stream's rows in Parquet files: found by reading every file, listed or not, and written out of them."""

import io
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from connect_runtime.forgetting.places import Found, Subject
from consumers.archive.parquet.chain import Chain, Overtaken, list_chains
from consumers.archive.parquet.footer import open_parquet
from consumers.archive.parquet.manifest import IdentityOffsets, ListedFile, Writer
from consumers.archive.parquet.offset_set import OffsetSet
from consumers.archive.parquet.partition_files import FRAMES_FOLDER, HOUR_US, STAGING_FOLDER
from consumers.archive.parquet.replacing import replacing
from consumers.archive.parquet.restoring import refuse_half_restored
from consumers.archive.parquet.schema import FRAMES
from consumers.archive.parquet.shelf import ShelfKey
from consumers.archive.parquet.storage import ArchiveStorage, FileMissing
from consumers.archive.parquet.sweeping import sweep_orphans

WRITER: Final = Writer.outside_group("forget")
_COLUMNS: Final = ("offset", "stream_id", "captured_at", "record_timestamp")
# A writer finishes a file within seconds; one that takes longer than this makes it again.
_UNFINISHED_US: Final = 10 * 1_000_000


@dataclass(slots=True)
class _Tally:
    """What was found or removed so far."""

    listed: int = 0
    unlisted: int = 0
    newest_us: list[int] = field(default_factory=list)
    offsets: dict[str, list[NDArray[np.int64]]] = field(default_factory=dict)
    files: Counter[str] = field(default_factory=Counter)

    def add(self, file: ListedFile, rows: pa.Table, held: NDArray[np.bool_]) -> None:
        """Rows of a listed file."""
        self.listed += int(held.sum())
        self.newest_us.append(_newest_us(rows, held))
        identity = file.identity
        place = f"{identity.topic}@{identity.topic_id}/{identity.partition}"
        self.offsets.setdefault(place, []).append(rows.column("offset").to_numpy()[held])
        self.files["listed"] += 1

    def as_found(self) -> Found:
        runs = {place: OffsetSet.of(np.concatenate(found)).runs for place, found in sorted(self.offsets.items())}
        details: dict[str, Any] = {"files": dict(self.files), "offsets": runs} if self.files else {}
        return Found(self.listed + self.unlisted, max(self.newest_us, default=None), details)


class ParquetRows:
    """The archive's files, in a folder or a bucket."""

    name: Final = "Parquet"
    proof: Final = "every file of the archive was opened and its rows were read, also those no entry lists"

    def __init__(self, storage: ArchiveStorage, now_us: Callable[[], int]) -> None:
        self._storage = storage
        self._now_us = now_us

    def find(self, subject: Subject) -> Found:
        """Rows in listed files, and in others. Raises StorageUnavailable and RestoreUnderWay."""
        refuse_half_restored(self._storage)
        tally = _Tally()
        for chain in list_chains(self._storage):
            for file in chain.files:
                rows, held = self._look_into(file, subject)
                if held.any():
                    tally.add(file, rows, held)
        for path, rows in self._leftovers():
            held = _held(rows, subject)
            if held.any():
                tally.unlisted += int(held.sum())
                tally.newest_us.append(_newest_us(rows, held))
                tally.files["unfinished" if path.startswith(STAGING_FOLDER) else "unlisted"] += 1
        return tally.as_found()

    def erase(self, subject: Subject) -> Found:
        """Replace each file by one without the rows, and delete it at once; then delete what nobody lists.

        Killed between the two, the next call finds the file among those nobody lists. Raises as `find`.
        """
        refuse_half_restored(self._storage)
        tally = _Tally()
        for chain in list_chains(self._storage):
            self._erase_listed(chain, subject, tally)
        replaced = {path for chain in list_chains(self._storage) for path in chain.replaced}
        swept = False
        for path, rows in self._leftovers():
            held = _held(rows, subject)
            if not held.any():
                continue
            tally.unlisted += int(held.sum())
            tally.newest_us.append(_newest_us(rows, held))
            tally.files["unfinished" if path.startswith(STAGING_FOLDER) else "unlisted"] += 1
            if path in replaced:
                self._storage.remove(path)
            elif not swept:
                swept = True
                now_us = self._now_us()
                sweep_orphans(self._storage, now_us - _UNFINISHED_US, now_us)
        return tally.as_found()

    def _erase_listed(self, chain: Chain, subject: Subject, tally: _Tally) -> None:
        looked_at: set[str] = set()
        while files := [file for file in chain.files if file.path not in looked_at]:
            for file in files:
                try:
                    rows, held = self._look_into(file, subject)
                    if held.any():
                        self._write_without(chain, file, rows, held, subject)
                        tally.add(file, rows, held)
                except Overtaken:
                    # Compaction was first: what it made of the file is in the chain now, and is looked into next.
                    chain.refresh()
                    continue
                except FileMissing:
                    chain.refresh()
                    if file.path in {listed.path for listed in chain.files}:
                        raise
                looked_at.add(file.path)

    def _write_without(
        self, chain: Chain, file: ListedFile, rows: pa.Table, held: NDArray[np.bool_], subject: Subject
    ) -> None:
        offsets = rows.column("offset").to_numpy()
        kept = OffsetSet.of(offsets[~held])
        # What another copy of the row keeps is not erased; there is none: both are of the same stream.
        erased = IdentityOffsets(file.identity, tuple(OffsetSet.of(offsets[held]).runs))
        with replacing(self._storage, chain, WRITER, self._now_us) as replacement:
            if len(kept):
                key = ShelfKey(file.identity, file.captured_from_us // HOUR_US)
                groups = self._read_without(file, subject)
                replacement.add_file(key, kept, groups, sorted_by_stream=file.sorted_by_stream)
            replacement.replace([file.path], [erased])
        self._storage.remove(file.path)

    def _read_without(self, file: ListedFile, subject: Subject) -> Iterator[pa.Table]:
        with open_parquet(self._storage, file) as opened:
            for number in range(opened.num_row_groups):
                rows = opened.read_row_group(number).cast(FRAMES)
                kept = rows.filter(pa.array(~_held(rows, subject)))
                if len(kept):
                    yield kept

    def _look_into(self, file: ListedFile, subject: Subject) -> tuple[pa.Table, NDArray[np.bool_]]:
        with open_parquet(self._storage, file) as opened:
            rows = opened.read(columns=list(_COLUMNS))
        return rows, _held(rows, subject)

    def _leftovers(self) -> Iterator[tuple[str, pa.Table]]:
        """Files that no entry lists and can be read; what cannot is of a writer that died, and swept up by the next."""
        paths = [*self._storage.list_files(STAGING_FOLDER), *self._storage.list_files(FRAMES_FOLDER)]
        # Read after: what was finished meanwhile is listed.
        listed = {file.path for chain in list_chains(self._storage) for file in chain.files}
        for path in paths:
            if path in listed or not path.endswith(".parquet"):
                continue
            try:
                with pq.ParquetFile(io.BytesIO(self._storage.read(path))) as opened:
                    rows = opened.read(columns=list(_COLUMNS))
            except (FileMissing, pa.ArrowInvalid):
                continue
            yield path, rows


def _held(rows: pa.Table, subject: Subject) -> NDArray[np.bool_]:
    captured_us = rows.column("captured_at").cast(pa.int64()).to_numpy()
    recorded_ms = rows.column("record_timestamp").cast(pa.int64()).to_numpy() // 1000
    return subject.holds_rows(rows.column("stream_id").to_pylist(), captured_us, recorded_ms)


def _newest_us(rows: pa.Table, held: NDArray[np.bool_]) -> int:
    times = [rows.column(name).cast(pa.int64()).to_numpy()[held] for name in ("captured_at", "record_timestamp")]
    return int(np.maximum(*times).max())
