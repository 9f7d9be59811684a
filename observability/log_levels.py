"""Levels of loggers, looked at and changed while the process runs, as Kafka Connect's `/admin/loggers` has them."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import ClassVar, Final

from keypoints.errors import Terminal

ROOT: Final = "root"
_TRACE: Final = 5
# Kafka Connect's names; Python has no trace and no off.
LEVELS: Final[Mapping[str, int]] = {
    "OFF": logging.CRITICAL + 10,
    "FATAL": logging.CRITICAL,
    "ERROR": logging.ERROR,
    "WARN": logging.WARNING,
    "INFO": logging.INFO,
    "DEBUG": logging.DEBUG,
    "TRACE": _TRACE,
}
_PYTHON_NAMES: Final[Mapping[str, str]] = {"WARNING": "WARN", "CRITICAL": "FATAL"}

LevelState = dict[str, str | int | None]
"""{"level": name, "last_modified": milliseconds since 1970, or None for a level that was never changed here}."""


class UnknownLogger(Terminal):
    """No logger has this name. Fields: logger."""

    status: ClassVar[int] = 404


class UnknownLevel(Terminal):
    """There is no such level. Fields: level."""

    status: ClassVar[int] = 404


def read_wall_clock_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class LogLevels:
    """The levels of all loggers of this process. Safe to share between threads."""

    def __init__(
        self, manager: logging.Manager = logging.Logger.manager, clock_ms: Callable[[], int] = read_wall_clock_ms
    ) -> None:
        self._manager = manager
        self._clock_ms = clock_ms
        self._lock = threading.Lock()
        self._modified: dict[str, int] = {}

    def list_levels(self) -> dict[str, LevelState]:
        """Every logger with the level that holds for it, by name."""
        with self._lock:
            return {name: self._state(name, logger) for name, logger in sorted(self._loggers().items())}

    def get_level(self, name: str) -> LevelState:
        """The level that holds for a logger. Raises UnknownLogger."""
        with self._lock:
            logger = self._loggers().get(name)
            if logger is None:
                raise UnknownLogger(f"Logger {name} not found.", logger=name)
            return self._state(name, logger)

    def set_level(self, name: str, level: str) -> list[str]:
        """Give a logger, made if need be, and all below it a level; returns their names. Raises UnknownLevel."""
        asked = level.upper()
        number = LEVELS.get(_PYTHON_NAMES.get(asked, asked))
        if number is None:
            raise UnknownLevel(f"invalid log level '{level}'.", level=level)
        with self._lock:
            if name != ROOT:
                self._manager.getLogger(name)
            changed = {
                other: logger
                for other, logger in self._loggers().items()
                if name in {other, ROOT} or other.startswith(f"{name}.")
            }
            now_ms = self._clock_ms()
            for other, logger in changed.items():
                # Those without a level of their own go on to follow the one above them.
                if other == name or logger.level != logging.NOTSET:
                    logger.setLevel(number)
                self._modified[other] = now_ms
            return sorted(changed)

    def _loggers(self) -> dict[str, logging.Logger]:
        known = dict(self._manager.loggerDict)
        named = {name: logger for name, logger in known.items() if isinstance(logger, logging.Logger)}
        return {ROOT: self._manager.root, **named}

    def _state(self, name: str, logger: logging.Logger) -> LevelState:
        return {"level": _name_level(logger.getEffectiveLevel()), "last_modified": self._modified.get(name)}


def _name_level(number: int) -> str:
    """The level whose lines are the least severe ones let through."""
    at_least = [name for name, level in LEVELS.items() if level >= number]
    return at_least[-1] if at_least else "OFF"
