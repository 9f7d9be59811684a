"""A connector's settings under Kafka Connect's flat names, and what each means."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from kafka import KafkaConsumer

from keypoints.errors import Terminal

Tolerance = Literal["none", "all"]
Value = str | int | float | bool

_OVERRIDE_PREFIX: Final = "consumer.override."
# The runtime's promises rest on these.
_NOT_TO_OVERRIDE: Final = {"enable.auto.commit", "group.id", "partition.assignment.strategy"}


class InvalidConfig(Terminal):
    """A setting that cannot be used. Fields: key, value."""


@dataclass(frozen=True, slots=True)
class ConfigKey:
    """One setting: its name, how its text is read, its default as text (None: must be given) and what it means."""

    name: str
    read: Callable[[str], Value]
    default: str | None
    doc: str


def read_count(text: str) -> int:
    """A whole number of at least 1."""
    number = int(text)
    if number < 1:
        raise ValueError("must be at least 1")
    return number


def read_duration_ms(text: str) -> int:
    """Milliseconds, at least 0."""
    number = int(text)
    if number < 0:
        raise ValueError("must not be negative")
    return number


def read_timeout_ms(text: str) -> int:
    """Milliseconds, or -1 for no limit."""
    number = int(text)
    if number < -1:
        raise ValueError("must be -1 (no limit) or more")
    return number


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


RUNTIME_KEYS: Final[Sequence[ConfigKey]] = (
    ConfigKey("name", read_text, None, "Name of the connector, and of its consumer group."),
    ConfigKey("topics", read_text, None, "Topics to read, separated by commas."),
    ConfigKey("tasks.max", read_count, "1", "Members of the group in this process."),
    ConfigKey(
        "offset.flush.interval.ms",
        read_duration_ms,
        "5000",
        "Longest time between what is put and its flush and commit.",
    ),
    ConfigKey(
        "errors.tolerance",
        read_tolerance,
        "all",
        "all: a record that is no frame is reported and skipped; none: fails.",
    ),
    ConfigKey(
        "errors.retry.timeout", read_timeout_ms, "300000", "How long a transient error is retried, ms; -1 without end."
    ),
    ConfigKey("errors.retry.delay.max.ms", read_duration_ms, "10000", "Longest delay between two tries."),
    ConfigKey(
        "errors.schema.retry.timeout.ms",
        read_duration_ms,
        "10000",
        "How long a writer's schema nobody has announced is waited for before its records count as bad.",
    ),
    ConfigKey(
        "task.shutdown.graceful.timeout.ms",
        read_duration_ms,
        "15000",
        "How long a stop or a rebalance waits for the sink to flush.",
    ),
    ConfigKey(
        "task.restart.delay.max.ms", read_duration_ms, "60000", "Longest delay before a failed task starts again."
    ),
)


@dataclass(frozen=True, slots=True)
class ConnectorConfig:
    """A connector's settings, read and checked."""

    name: str
    topics: tuple[str, ...]
    tasks_max: int
    flush_interval_s: float
    errors_tolerance: Tolerance
    retry_timeout_s: float | None
    """None: without end."""
    retry_delay_max_s: float
    schema_retry_timeout_s: float
    shutdown_timeout_s: float
    restart_delay_max_s: float
    consumer_overrides: Mapping[str, object] = field(default_factory=dict)
    """kafka-python's names."""
    sink: Mapping[str, Value] = field(default_factory=dict)
    """The sink's own settings, by their flat names."""
    given: Mapping[str, str] = field(default_factory=dict)
    """What was set, as text."""


def read_config(given: Mapping[str, object], sink_keys: Sequence[ConfigKey] = ()) -> ConnectorConfig:
    """Read flat settings; `sink_keys` are those the sink adds.

    Raises InvalidConfig naming the key and the value: unknown, missing, or not to be read.
    """
    texts = {key: _as_text(value) for key, value in given.items()}
    known = {key.name: key for key in (*RUNTIME_KEYS, *sink_keys)}
    values = {name: _read_value(key, texts.get(name, key.default)) for name, key in known.items()}
    overrides: dict[str, object] = {}
    for name, text in texts.items():
        if name.startswith(_OVERRIDE_PREFIX):
            overrides |= _read_override(name, text)
        elif name not in known and name != "connector.class":
            raise InvalidConfig(f"unknown setting {name}={text!r}", key=name, value=text)
    retry_timeout_ms = int(values["errors.retry.timeout"])
    return ConnectorConfig(
        name=str(values["name"]),
        topics=tuple(topic.strip() for topic in str(values["topics"]).split(",") if topic.strip()),
        tasks_max=int(values["tasks.max"]),
        flush_interval_s=int(values["offset.flush.interval.ms"]) / 1000,
        errors_tolerance="none" if values["errors.tolerance"] == "none" else "all",
        retry_timeout_s=None if retry_timeout_ms < 0 else retry_timeout_ms / 1000,
        retry_delay_max_s=int(values["errors.retry.delay.max.ms"]) / 1000,
        schema_retry_timeout_s=int(values["errors.schema.retry.timeout.ms"]) / 1000,
        shutdown_timeout_s=int(values["task.shutdown.graceful.timeout.ms"]) / 1000,
        restart_delay_max_s=int(values["task.restart.delay.max.ms"]) / 1000,
        consumer_overrides=overrides,
        sink={key.name: values[key.name] for key in sink_keys},
        given=texts,
    )


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _read_value(key: ConfigKey, text: str | None) -> Value:
    if text is None:
        raise InvalidConfig(f"{key.name} is missing: {key.doc}", key=key.name, value=None)
    try:
        return key.read(text)
    except ValueError as error:
        raise InvalidConfig(f"{key.name}={text!r}: {error}", key=key.name, value=text) from error


def _read_override(name: str, text: str) -> dict[str, object]:
    setting = name.removeprefix(_OVERRIDE_PREFIX)
    theirs = setting.replace(".", "_")
    if setting in _NOT_TO_OVERRIDE:
        raise InvalidConfig(f"{name}={text!r}: the runtime sets {setting} itself", key=name, value=text)
    if theirs not in KafkaConsumer.DEFAULT_CONFIG:
        raise InvalidConfig(f"{name}={text!r}: the consumer has no setting {setting}", key=name, value=text)
    default = KafkaConsumer.DEFAULT_CONFIG[theirs]
    try:
        if isinstance(default, bool):
            return {theirs: {"true": True, "false": False}[text.lower()]}
        return {theirs: int(text) if isinstance(default, int) else text}
    except (KeyError, ValueError) as error:
        raise InvalidConfig(f"{name}={text!r} cannot be read", key=name, value=text) from error
