"""The archive's files looked after, again and again, by a process of its own that reads no topic."""

import logging
import signal
import threading

from consumers.archive.connectors import read_clock_us
from consumers.archive.parquet.compaction import Compactor
from consumers.archive.parquet.location import open_storage
from consumers.archive.settings import ArchiveSettings, read_archive_settings
from keypoints.errors import Transient
from observability.logs import configure_logging, error_fields

log = logging.getLogger(__name__)


def tend_archive(settings: ArchiveSettings | None = None, stop: threading.Event | None = None) -> int:
    """Compact and sweep at once, and after each interval, until `stop` or SIGTERM or SIGINT. Returns the exit code.

    A store that is away is said, and tried again after the next interval. Raises Terminal for settings that are wrong.
    """
    settings = settings or read_archive_settings()
    configure_logging(settings.log_format)
    stopping = _stop_on_signals() if stop is None else stop
    compactor = Compactor(open_storage(settings.archive_dir), read_clock_us)
    while not stopping.is_set():
        _tend(compactor, stopping)
        stopping.wait(settings.archive_compact_interval_s)
    return 0


def _tend(compactor: Compactor, stopping: threading.Event) -> None:
    try:
        report = compactor.run(stop=stopping)
    except Transient as error:
        log.warning("compacting failed and is tried again later: %s", error.message, extra=error_fields(error))
        return
    for failure in report.failures:
        log.warning("files were left as they are: %s", failure)
    log.info(
        "compacted",
        extra={
            "files_before": report.files_before,
            "files_after": report.files_after,
            "rows": report.rows,
            "deleted": report.deleted,
        },
    )


def _stop_on_signals() -> threading.Event:
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    return stopping
