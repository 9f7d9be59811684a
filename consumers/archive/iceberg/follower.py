"""A thread beside the archive's connectors that keeps the Iceberg table up to the manifest."""

import logging
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Final

from connect_runtime.retry import Backoff, Surroundings
from consumers.archive.iceberg.catalog import IcebergCatalog
from consumers.archive.iceberg.history import expire_snapshots
from consumers.archive.iceberg.sync import IcebergSync
from consumers.archive.parquet.location import ArchiveLocation, open_storage
from keypoints.errors import HolisticError
from observability.metrics import CounterDef, GaugeDef, Metrics

# When the table last held what the manifest listed; how long ago that is says whether it is followed.
LAST_SYNC_S: Final = GaugeDef(
    "holistic_iceberg_last_sync_timestamp_seconds",
    "When the Iceberg table last held all listed files, seconds since 1970; 0 is never.",
)
# Grows while the table cannot be committed to; 0 right after each sync.
FRAMES_BEHIND: Final = GaugeDef("holistic_iceberg_frames_behind", "Frames listed and not in the Iceberg table.")
# Commits that moved the table on.
COMMITS: Final = CounterDef("holistic_iceberg_commits", "Snapshots added to the Iceberg table.")
# Each is tried again.
FAILURES: Final = CounterDef("holistic_iceberg_sync_failures", "Times the Iceberg table could not be followed.")

_FIRST_RETRY_S: Final = 1.0
_STOP_S: Final = 10.0
_EXPIRE_EVERY_S: Final = 3600.0

log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FollowerOptions:
    """How often the table is brought up to date, and how long old snapshots are kept."""

    interval_s: float = 60.0
    keep_s: float = 24 * 3600.0
    around: Surroundings = field(default_factory=Surroundings)


class IcebergFollower:
    """Syncs again and again, and expires old snapshots. An outage is logged once, and tried again until it is over."""

    def __init__(self, catalog: IcebergCatalog, metrics: Metrics, options: FollowerOptions) -> None:
        self._catalog = catalog
        self._sync = IcebergSync(catalog)
        self._options = options
        self._around = options.around
        self._backoff = Backoff(_FIRST_RETRY_S, options.interval_s)
        self._last_sync_s = metrics.gauge(LAST_SYNC_S)
        self._behind = metrics.gauge(FRAMES_BEHIND)
        self._commits = metrics.counter(COMMITS)
        self._failures = metrics.counter(FAILURES)
        self._failed_in_a_row = 0
        self._expired_at_s: float | None = None

    def run(self) -> None:
        """Follow until told to stop; then once more, for what was finished last."""
        while not self._around.stopping.wait(self._follow()):
            pass
        if not self._failed_in_a_row:
            self._follow()

    def _follow(self) -> float:
        """Seconds until it is to be done again."""
        try:
            report = self._sync.sync()
            self._expire_when_due()
        except Exception as error:  # noqa: BLE001 - the connectors beside go on, whatever this is
            return self._put_off(error)
        if self._failed_in_a_row:
            log.info("the Iceberg table is followed again", extra={"frames": report.frames})
        self._failed_in_a_row = 0
        self._behind.set(0)
        self._last_sync_s.set(self._around.wall_clock())
        if report.snapshot_id is not None:
            self._commits.inc()
        return self._options.interval_s

    def _put_off(self, error: Exception) -> float:
        self._failed_in_a_row += 1
        self._failures.inc()
        if self._failed_in_a_row == 1:
            said = error.message if isinstance(error, HolisticError) else f"{type(error).__name__}: {error}"
            log.warning(
                "the Iceberg table is not followed, and is tried again: %s",
                said,
                exc_info=not isinstance(error, HolisticError),
            )
        try:
            self._behind.set(self._sync.estimate_behind())
        except HolisticError:
            log.debug("the manifest cannot be read either", exc_info=True)
        return self._backoff.delay_s(self._failed_in_a_row, self._around.dice)

    def _expire_when_due(self) -> None:
        now_s = self._around.clock()
        if self._expired_at_s is not None and now_s - self._expired_at_s < _EXPIRE_EVERY_S:
            return
        # Not again soon, also when it fails: whoever is waited for holds up nobody twice.
        self._expired_at_s = now_s
        expire_snapshots(self._catalog, int((self._around.wall_clock() - self._options.keep_s) * 1e6))


@contextmanager
def follow_beside(
    database_url: str, location: ArchiveLocation, metrics: Metrics, options: FollowerOptions | None = None
) -> Iterator[None]:
    """Follow the archive on a thread while the block lasts. Raises LocationUnknown."""
    options = options or FollowerOptions()
    with closing(IcebergCatalog(database_url, open_storage(location))) as catalog:
        thread = threading.Thread(target=IcebergFollower(catalog, metrics, options).run, name="iceberg", daemon=True)
        thread.start()
        try:
            yield
        finally:
            options.around.stopping.set()
            # What is under way when this ends is committed whole or not at all.
            thread.join(_STOP_S)
