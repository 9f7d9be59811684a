"""Compaction: many small files become few large ones, each stream's rows together."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from consumers.archive.parquet.chain import Chain, Fenced, Overtaken, list_chains
from consumers.archive.parquet.compaction_plan import CompactionLimits, Merge, plan_merges
from consumers.archive.parquet.doubles import drop_doubles
from consumers.archive.parquet.manifest import Writer
from consumers.archive.parquet.merging import in_order, read_rows
from consumers.archive.parquet.offset_set import OffsetSet
from consumers.archive.parquet.partition_files import FRAMES_FOLDER
from consumers.archive.parquet.replacing import replacing
from consumers.archive.parquet.restoring import refuse_half_restored
from consumers.archive.parquet.storage import ArchiveStorage, StorageUnavailable
from consumers.archive.parquet.sweeping import sweep_orphans

_WRITER: Final = Writer.outside_group("compact")
# What is made of many tiny files may be small again; that it takes more rounds than this has not been seen.
_ROUNDS: Final = 8

log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PlannedCompaction:
    """What would be done now."""

    merges: tuple[Merge, ...]
    files: int
    """Listed files in all."""
    bytes: int
    """Of all listed files."""

    @property
    def bytes_to_read(self) -> int:
        """Of the files that would be merged."""
        return sum(merge.bytes for merge in self.merges)


@dataclass(slots=True)
class CompactionReport:
    """What was done. Bytes and rows are of the files that were merged, and of those that took their place."""

    merges: int = 0
    files_before: int = 0
    files_after: int = 0
    rows: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    doubles: int = 0
    """Rows dropped because another chain has them too, see `doubles`."""
    overtaken: int = 0
    """Merges given up because somebody else replaced one of their files first."""
    deleted: int = 0
    """Files deleted that were replaced longer ago than the grace, or never listed."""
    failures: list[str] = field(default_factory=list)
    """What could not be read or written; those files are as they were."""


class Compactor:
    """Tends an archive beside its writers, its readers, and others like it. Holds the rows of one file at a time.

    Each merge is one entry: whoever reads the archive sees the files before or the one after, and a crash at any step
    leaves one or the other. Raises StorageUnavailable when the manifest cannot be read, RestoreUnderWay.
    """

    def __init__(
        self, storage: ArchiveStorage, now_us: Callable[[], int], limits: CompactionLimits | None = None
    ) -> None:
        self._storage = storage
        self._now_us = now_us
        self._limits = limits or CompactionLimits()

    def plan(self) -> PlannedCompaction:
        """What `run` would begin with."""
        refuse_half_restored(self._storage)
        came_at_us = self._read_times()
        chains = list_chains(self._storage)
        files = [file for chain in chains for file in chain.files]
        merges = [merge for chain in chains for merge in self._plan_of(chain, came_at_us)]
        return PlannedCompaction(tuple(merges), len(files), sum(file.bytes for file in files))

    def run(
        self,
        on_progress: Callable[[int], None] = lambda _bytes_read: None,
        stop: threading.Event | None = None,
    ) -> CompactionReport:
        """Do what there is to do, then delete what nobody needs any more. `stop` ends it after the merge under way."""
        refuse_half_restored(self._storage)
        report = CompactionReport()
        stopping = stop or threading.Event()
        came_at_us = self._read_times()
        chains = list_chains(self._storage)
        self._drop_doubles(chains, report)
        for chain in chains:
            for _ in range(_ROUNDS):
                merges = self._plan_of(chain, came_at_us)
                done = [self._try(chain, merge, report, on_progress) for merge in merges if not stopping.is_set()]
                if not any(done):
                    break
            if not stopping.is_set():
                self._tidy(chain, came_at_us, report)
        if not stopping.is_set():
            now_us = self._now_us()
            # To the sweep, what was replaced before that is no more than an orphan.
            age_us = max(self._limits.abandoned_us, self._limits.grace_us)
            report.deleted += sweep_orphans(self._storage, now_us - age_us, now_us).files
        return report

    def _plan_of(self, chain: Chain, came_at_us: Mapping[str, int]) -> list[Merge]:
        return plan_merges(chain.files, came_at_us, self._limits, self._now_us())

    def _read_times(self) -> dict[str, int]:
        return {file.path: file.modified_at_us for file in self._storage.describe_files(FRAMES_FOLDER)}

    def _drop_doubles(self, chains: Sequence[Chain], report: CompactionReport) -> None:
        try:
            report.doubles += drop_doubles(self._storage, chains, _WRITER, self._now_us)
        except (Overtaken, Fenced) as error:
            log.info("records that are there twice are left to the next run: %s", error.message)
            report.overtaken += 1
        except StorageUnavailable as error:
            report.failures.append(error.message)

    def _try(self, chain: Chain, merge: Merge, report: CompactionReport, on_progress: Callable[[int], None]) -> bool:
        """Whether the merge is done."""
        try:
            bytes_after = self._merge(chain, merge)
        except (Overtaken, Fenced) as error:
            log.info("a merge was given up: %s", error.message)
            report.overtaken += 1
            return False
        except StorageUnavailable as error:
            if error.message not in report.failures:
                report.failures.append(error.message)
            return False
        report.merges += 1
        report.files_before += len(merge.files)
        report.files_after += 1
        report.rows += sum(file.rows for file in merge.files)
        report.bytes_before += merge.bytes
        report.bytes_after += bytes_after
        on_progress(report.bytes_before)
        return True

    def _merge(self, chain: Chain, merge: Merge) -> int:
        with replacing(self._storage, chain, _WRITER, self._now_us) as replacement:
            tables = [read_rows(self._storage, file) for file in merge.files]
            offsets = OffsetSet.of_runs(run for file in merge.files for run in file.offsets)
            replacement.add_file(merge.key, offsets, in_order(tables), sorted_by_stream=True)
            replacement.replace([file.path for file in merge.files])
        return replacement.files[0].bytes

    def _tidy(self, chain: Chain, came_at_us: Mapping[str, int], report: CompactionReport) -> None:
        latest_us = self._now_us() - self._limits.grace_us
        for path, replaced_at_us in chain.replaced.items():
            if replaced_at_us <= latest_us and path in came_at_us:
                self._storage.remove(path)
                report.deleted += 1
        chain.make_checkpoint_when_due(self._now_us())
