"""What the clock asks for beside the writing: tables of coming days, and an end to those retention leaves no longer."""

import logging
import threading
from collections.abc import Callable
from typing import Final

import psycopg2
from psycopg2 import extensions

from consumers.archive.postgres.connection import connect
from consumers.archive.postgres.days import DayWindow, days_ahead, make_days
from consumers.archive.postgres.retention import retire_days
from keypoints.errors import HolisticError

log = logging.getLogger(__name__)

_INTERVAL_US: Final = 10 * 60 * 1_000_000
_AFTER_FAILURE_US: Final = 60 * 1_000_000
_PATIENCE_S: Final = 10.0


class Upkeep:
    """Passes on a thread and a connection of their own, so that neither a lock nor a large day holds up the writing.

    What a pass cannot do is logged and tried again: days are made so far ahead that no frame waits for it.
    """

    def __init__(self, database_url: str, window: DayWindow, now_us: Callable[[], int]) -> None:
        self._database_url = database_url
        self._window = window
        self._now_us = now_us
        self._due_us = 0
        self._thread: threading.Thread | None = None
        self._connection: extensions.connection | None = None
        self._stopping = False

    def tick(self) -> None:
        """Begin a pass when one is due and none is on its way. Returns at once."""
        now_us = self._now_us()
        if now_us < self._due_us or (self._thread is not None and self._thread.is_alive()):
            return
        self._due_us = now_us + _INTERVAL_US
        self._thread = threading.Thread(target=self._run_pass, args=(now_us,), name="archive-upkeep", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the pass that is on its way, if one is; a later one goes on from where it was."""
        self._stopping = True
        if self._thread is None:
            return
        connection = self._connection
        if connection is not None and self._thread.is_alive():
            try:
                connection.cancel()
            except psycopg2.Error:
                log.debug("the upkeep's connection had ended already")
        self._thread.join(_PATIENCE_S)

    def _run_pass(self, now_us: int) -> None:
        try:
            self._connection = connect(self._database_url, "holistic-archive-upkeep")
            try:
                self._keep_up(now_us, self._connection)
            finally:
                self._connection.close()
        except HolisticError as error:
            self._due_us = now_us + _AFTER_FAILURE_US
            if not self._stopping:
                log.warning("the archive's days wait: %s%s", error.message, f" ({error.hint})" if error.hint else "")

    def _keep_up(self, now_us: int, connection: extensions.connection) -> None:
        make_days(days_ahead(now_us), connection)
        first_retained = self._window.first_retained_day(now_us)
        if first_retained is None or self._stopping:
            return
        retired = retire_days(first_retained, now_us, connection)
        if retired:
            log.info(
                "retention removed the days %s and %d frames out of range",
                ", ".join(map(str, retired.days)) or "(none)", retired.rows_out_of_range,
            )  # fmt: skip
