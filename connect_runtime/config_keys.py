"""What one setting is: its name and type, how its text is read, and how it is explained, as Kafka Connect has it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from keypoints.errors import Terminal

Value = str | int | float | bool

_INT64_END: Final = 2**63


class InvalidConfig(Terminal):
    """A setting that cannot be used. Fields: key, value (masked when it is a secret)."""


class NotOfKind(ValueError):
    """A text that is no value of the setting's type at all."""


class Kind(StrEnum):
    """Kafka Connect's names of types of settings."""

    STRING = "STRING"
    PASSWORD = "PASSWORD"  # noqa: S105 - the name of a type
    INT = "INT"
    LONG = "LONG"
    DOUBLE = "DOUBLE"
    BOOLEAN = "BOOLEAN"
    LIST = "LIST"


class Importance(StrEnum):
    """How likely a user has to look at a setting."""

    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"


@dataclass(frozen=True, slots=True)
class ConfigKey:
    """One setting: its name, how its text is read, its default as text (None: must be given) and what it means.

    `read` raises ValueError saying what the value must be ("must be at least 1"). `kind` is told from `read` where that
    is one of this module's. `group` None: the setting is the sink's own. `choices` are all the values there are.
    """

    name: str
    read: Callable[[str], Value]
    default: str | None
    doc: str
    importance: Importance = Importance.MEDIUM
    group: str | None = None
    kind: Kind | None = None
    choices: tuple[str, ...] = ()

    @property
    def type(self) -> Kind:
        """The setting's type."""
        return self.kind or _KINDS.get(self.read, Kind.STRING)


def read_count(text: str) -> int:
    """A whole number of at least 1."""
    number = _read_whole_number(text, Kind.INT)
    if number < 1:
        raise ValueError("must be at least 1")
    return number


def read_duration_ms(text: str) -> int:
    """Milliseconds, at least 0."""
    number = _read_whole_number(text, Kind.LONG)
    if number < 0:
        raise ValueError("must be at least 0")
    return number


def read_timeout_ms(text: str) -> int:
    """Milliseconds, or -1 for no limit."""
    number = _read_whole_number(text, Kind.LONG)
    if number < -1:
        raise ValueError("must be at least -1, which is no limit")
    return number


def read_retention_days(text: str) -> int:
    """Days, or -1 for no end."""
    days = _read_whole_number(text, Kind.INT)
    if days == 0 or days < -1:
        raise ValueError("must be at least 1, or -1, which keeps all")
    return days


def read_whole_number(text: str) -> int:
    """A whole number of at least 0."""
    number = _read_whole_number(text, Kind.INT)
    if number < 0:
        raise ValueError("must be at least 0")
    return number


def read_replication(text: str) -> int:
    """Copies of a topic, or -1 for as many as the brokers make by default."""
    number = _read_whole_number(text, Kind.INT)
    if number == 0 or number < -1:
        raise ValueError("must be at least 1, or -1")
    return number


def read_share(text: str) -> float:
    """A number from 0 to 1."""
    try:
        number = float(text)
    except ValueError:
        raise NotOfKind("Not a number of type DOUBLE") from None
    if not 0 <= number <= 1:
        raise ValueError("must be from 0 to 1")
    return number


def read_flag(text: str) -> bool:
    """`true` or `false`, in any case."""
    known = {"true": True, "false": False}
    if text.strip().lower() not in known:
        raise NotOfKind("Expected value to be either true or false")
    return known[text.strip().lower()]


def read_tolerance(text: str) -> str:
    """`none` or `all`."""
    if text not in {"none", "all"}:
        raise ValueError("must be one of none, all")
    return text


def read_text(text: str) -> str:
    """Any text but none at all."""
    if not text.strip():
        raise ValueError("must not be empty")
    return text.strip()


def read_optional_text(text: str) -> str:
    """Any text; an empty one is none."""
    return text.strip()


def read_names(text: str) -> str:
    """Names separated by commas; an empty text is none."""
    names = [name.strip() for name in text.split(",")]
    if text and not all(names):
        raise ValueError("must not have an empty name in it")
    return ",".join(names)


def read_pattern(text: str) -> str:
    """A regular expression as Python's `re` has it; an empty text is none."""
    try:
        re.compile(text)
    # Of counts beyond all bounds, and of thousands of brackets within each other, `re` says so in its own ways.
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"must be a regular expression: {error}") from None
    return text


def _read_whole_number(text: str, kind: Kind) -> int:
    try:
        number = int(text)
    except ValueError:
        raise NotOfKind(f"Not a number of type {kind}") from None
    if not -_INT64_END <= number < _INT64_END:
        raise NotOfKind(f"Not a number of type {kind}")
    return number


_KINDS: Final[Mapping[Callable[[str], Value], Kind]] = {
    read_count: Kind.INT,
    read_whole_number: Kind.INT,
    read_replication: Kind.INT,
    read_duration_ms: Kind.LONG,
    read_timeout_ms: Kind.LONG,
    read_share: Kind.DOUBLE,
    read_flag: Kind.BOOLEAN,
    read_names: Kind.LIST,
}
