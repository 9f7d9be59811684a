"""The archive's own metrics, one definition each; what every sink has is the runtime's. Never a label by stream."""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from consumers.archive.parquet.manifest import ListedFile
from observability.metrics import CounterDef, GaugeDef, HistogramDef, Metrics

_SECONDS: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)

# Files the manifest lists since this process writes; compaction's are not among them.
PARQUET_FILES: Final = CounterDef("holistic_parquet_files", "Parquet files finished and listed.")
# Their rows: frames that can be asked for.
PARQUET_ROWS: Final = CounterDef("holistic_parquet_rows", "Rows of the Parquet files listed.")
# Their bytes as they are stored.
PARQUET_BYTES: Final = CounterDef("holistic_parquet_bytes", "Bytes of the Parquet files listed.")
# All files of a partition, from the first byte written to the entry that lists them.
PARQUET_FINISH_SECONDS: Final = HistogramDef(
    "holistic_parquet_finish_seconds", "Time to finish and list a partition's files.", _SECONDS
)
# Of the file system that holds the archive; an object store has neither.
DISK_FREE_BYTES: Final = GaugeDef("holistic_archive_disk_free_bytes", "Free bytes where the Parquet files are.")
DISK_SIZE_BYTES: Final = GaugeDef("holistic_archive_disk_size_bytes", "Bytes of the file system they are on.")
# One transaction that went through: COPY and commit, the tables of new days included.
POSTGRES_WRITE_SECONDS: Final = HistogramDef("holistic_postgres_write_seconds", "Time of a transaction.", _SECONDS)
# Rows given to those transactions; a row written before is given again and stays one.
POSTGRES_ROWS: Final = CounterDef("holistic_postgres_rows", "Rows given to Postgres in committed transactions.")
# Frames dated outside the days that are kept: a camera with a wrong clock, or a recording of long ago.
POSTGRES_OUT_OF_RANGE: Final = CounterDef(
    "holistic_postgres_rows_out_of_range", "Rows put aside because their day is not kept."
)


class ParquetMetrics:
    """What the Parquet sinks of a process count."""

    def __init__(self, metrics: Metrics) -> None:
        self._files = metrics.counter(PARQUET_FILES)
        self._rows = metrics.counter(PARQUET_ROWS)
        self._bytes = metrics.counter(PARQUET_BYTES)
        self._seconds = metrics.histogram(PARQUET_FINISH_SECONDS)

    def finished(self, files: Sequence[ListedFile], seconds: float) -> None:
        """These are listed now."""
        if files:
            self._files.inc(len(files))
            self._rows.inc(sum(file.rows for file in files))
            self._bytes.inc(sum(file.bytes for file in files))
            self._seconds.observe(seconds)


class PostgresMetrics:
    """What the connections to Postgres of a process count; safe to share between threads."""

    def __init__(self, metrics: Metrics) -> None:
        self._seconds = metrics.histogram(POSTGRES_WRITE_SECONDS)
        self._rows = metrics.counter(POSTGRES_ROWS)
        self._out_of_range = metrics.counter(POSTGRES_OUT_OF_RANGE)

    def wrote(self, rows: int, out_of_range: int, seconds: float) -> None:
        """So many rows are committed, of which so many were put aside."""
        self._rows.inc(rows)
        self._out_of_range.inc(out_of_range)
        self._seconds.observe(seconds)


def watch_disk(registry: CollectorRegistry, folder: Path) -> None:
    """Tell how full the disk of an archive's folder is, whenever somebody asks."""
    registry.register(_Disk(folder))


class _Disk(Collector):
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        """Nothing while the disk does not answer, as where it was unmounted."""
        with suppress(OSError):
            # The folder is made with the first file.
            there = next(folder for folder in (self._folder, *self._folder.absolute().parents) if folder.exists())
            stats = os.statvfs(there)
            # What others than root may still write, which is what a service has.
            free_bytes, size_bytes = stats.f_bavail * stats.f_frsize, stats.f_blocks * stats.f_frsize
            yield GaugeMetricFamily(DISK_FREE_BYTES.name, DISK_FREE_BYTES.help, free_bytes)
            yield GaugeMetricFamily(DISK_SIZE_BYTES.name, DISK_SIZE_BYTES.help, size_bytes)
