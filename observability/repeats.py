"""A log line said again and again is shown once, and then how often it was said besides."""

import logging
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Final, TextIO

STANDARD_FIELDS: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What every log line has; any other field was given as `extra`."""
REPEATS_S: Final = 60.0
"""How long a warning or error is only counted after it was shown."""

_KEPT_LINES: Final = 500
# Backoff makes them different each time, and nobody's question is which attempt it was.
_DELAY = re.compile(r"\d+(\.\d+)? s\b")
_COUNTERS: Final = frozenset({"attempt", "attempts"})

Key = tuple[object, ...]


@dataclass(slots=True)
class _Said:
    record: logging.LogRecord
    shown_s: float
    held: int = 0


class RepeatingHandler(logging.StreamHandler[TextIO]):
    """Shows each warning and error at once, and its repetitions as one line a minute with their number.

    A repetition has the same logger, level, text and fields; delays and the number of the attempt may differ. What
    comes with a trace is always shown. Nothing is held back without its number being said: with the next line after
    the minute, or at the process's end.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(stream)
        self._clock = clock
        self._said: OrderedDict[Key, _Said] = OrderedDict()
        self._telling = threading.RLock()

    def emit(self, record: logging.LogRecord) -> None:
        """Show the line, or count it."""
        with self._telling:
            now_s = self._clock()
            self._tell_due(now_s)
            if record.levelno >= logging.WARNING and not record.exc_info:
                key = _name_line(record)
                said = self._said.get(key)
                if said is not None:
                    said.held, said.record = said.held + 1, record
                    return
                self._said[key] = _Said(record, now_s)
                if len(self._said) > _KEPT_LINES:
                    self._tell(self._said.popitem(last=False)[1])
            super().emit(record)

    def close(self) -> None:
        """Say what was only counted, and close."""
        with self._telling:
            for said in self._said.values():
                self._tell(said)
            self._said.clear()
        super().close()

    def _tell_due(self, now_s: float) -> None:
        """Say the numbers whose minute is over; those who were not repeated in theirs are forgotten."""
        for key, said in list(self._said.items()):
            if now_s - said.shown_s < REPEATS_S:
                continue
            if said.held:
                self._tell(said)
                self._said[key] = _Said(said.record, now_s)
            else:
                del self._said[key]

    def _tell(self, said: _Said) -> None:
        if not said.held:
            return
        last = copy(said.record)
        again = "once more" if said.held == 1 else f"{said.held} more times"
        last.msg, last.args = f"{last.getMessage()} (said {again})", None
        super().emit(last)


def _name_line(record: logging.LogRecord) -> Key:
    text = _DELAY.sub("", record.getMessage())
    fields = ((name, str(value)) for name, value in vars(record).items() if name not in STANDARD_FIELDS | _COUNTERS)
    return (record.name, record.levelno, text, *fields)
