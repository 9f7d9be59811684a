"""Log lines for people or for machines; fields given as `extra={...}` are part of both."""

import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, Literal, TextIO

import orjson

from keypoints.errors import HolisticError
from observability.repeats import STANDARD_FIELDS, RepeatingHandler

LogFormat = Literal["human", "json"]

# kafka-python speaks of each reconnect and rebalance step; its errors reach us as exceptions as well.
# What its connections say names no address; kafka_io.connecting says it with one.
_QUIET_LOGGERS: Final[Mapping[str, int]] = {
    "kafka": logging.ERROR,
    "kafka.net.manager": logging.CRITICAL,
    "kafka.net.connection": logging.CRITICAL,
}


def configure_logging(log_format: LogFormat = "human", level: int | str = "INFO", stream: TextIO | None = None) -> None:
    """Send all log lines of this process to `stream` (stderr by default), replacing what was set before.

    Level names are the logging module's. Libraries that repeat what is raised anyway are kept to errors, and a warning
    or an error that is said again and again is shown once a minute, with its number.
    """
    handler = RepeatingHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format == "json" else HumanFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name, quiet_level in _QUIET_LOGGERS.items():
        logging.getLogger(name).setLevel(max(quiet_level, logging.getLogger().level))


def error_fields(error: BaseException) -> dict[str, object]:
    """What a log line about an error carries: its class, and the fields it was raised with."""
    fields: dict[str, object] = {"error_class": type(error).__name__}
    if isinstance(error, HolisticError):
        fields |= {name: value for name, value in error.fields.items() if name not in STANDARD_FIELDS}
    return fields


def extra_fields(record: logging.LogRecord) -> dict[str, object]:
    """The fields given as `extra`, in the order given."""
    return {name: value for name, value in vars(record).items() if name not in STANDARD_FIELDS}


class HumanFormatter(logging.Formatter):
    """`12:00:01.250 WARNING connect_runtime.task: message  topic=frames partition=3 offset=17`"""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the trace below it when there is one."""
        when = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S.%f")[:-3]
        line = f"{when} {record.levelname:<7} {record.name}: {record.getMessage()}"
        fields = " ".join(f"{name}={_show(value)}" for name, value in extra_fields(record).items())
        if fields:
            line += "  " + fields
        line = _escape(line)
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (RFC 3339, UTC), level, logger, message, the extra fields, trace."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; values JSON does not know are shown as text."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in extra_fields(record).items() if name not in line}
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY).decode()


def _escape(text: str) -> str:
    """Names come from strangers: none may begin a line of its own here, nor speak to the terminal."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def _show(value: object) -> str:
    text = str(value)
    return f'"{text}"' if " " in text or not text else text
