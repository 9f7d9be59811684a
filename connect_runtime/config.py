"""A connector's settings, read from Kafka Connect's flat names, and what is wrong with them."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from kafka import KafkaConsumer

from connect_runtime.config_keys import (
    ConfigKey,
    Importance,
    InvalidConfig,
    Kind,
    NotOfKind,
    Value,
    read_count,
    read_duration_ms,
    read_flag,
    read_names,
    read_optional_text,
    read_pattern,
    read_share,
    read_text,
    read_timeout_ms,
    read_tolerance,
)
from connect_runtime.limits import HaltLimits
from connect_runtime.runtime_keys import NO_TRANSFORMS, RUNTIME_KEYS
from connect_runtime.secrets import mask_config, mask_value
from connect_runtime.wire_form import CONVERTERS, WireForm

__all__ = [
    "NO_TOPICS",
    "TOPICS_TWICE",
    "ConfigKey",
    "ConnectorConfig",
    "Importance",
    "InvalidConfig",
    "Kind",
    "Problem",
    "Tolerance",
    "Value",
    "as_texts",
    "find_problems",
    "read_config",
    "read_count",
    "read_duration_ms",
    "read_flag",
    "read_names",
    "read_optional_text",
    "read_pattern",
    "read_share",
    "read_text",
    "read_timeout_ms",
    "read_tolerance",
]

Tolerance = Literal["none", "all"]

_OVERRIDE_PREFIX: Final = "consumer.override."
# The runtime's promises rest on these.
_NOT_TO_OVERRIDE: Final = {"enable.auto.commit", "group.id", "partition.assignment.strategy"}
# Whoever brings a configuration over from Kafka Connect is told what is otherwise here.
_NOT_OFFERED: Final = re.compile(r"(transforms|predicates)(\..*)?")
# Kafka Connect's own words.
TOPICS_TWICE: Final = "topics and topics.regex are mutually exclusive options, but both are set."
NO_TOPICS: Final = "Must configure one of topics or topics.regex"


@dataclass(frozen=True, slots=True)
class ConnectorConfig:
    """A connector's settings, read and checked. Its text form shows no secrets."""

    name: str
    topics: tuple[str, ...]
    """Empty where `topics_pattern` says which."""
    tasks_max: int
    flush_interval_s: float
    errors_tolerance: Tolerance
    retry_timeout_s: float | None
    """None: without end."""
    retry_delay_max_s: float
    schema_retry_timeout_s: float
    shutdown_timeout_s: float
    restart_delay_max_s: float
    buffer_bytes: int
    """Of all buffers of a task together."""
    topics_pattern: str | None = None
    """A regular expression the whole name of a topic matches."""
    value_form: WireForm = WireForm.ANY
    dead_letter_topic: str = ""
    """Empty: there is none."""
    dead_letter_replication: int | None = None
    """None: as the brokers have it."""
    halt_limits: HaltLimits = field(default_factory=HaltLimits)
    consumer_overrides: Mapping[str, object] = field(default_factory=dict, repr=False)
    """kafka-python's names."""
    sink: Mapping[str, Value] = field(default_factory=dict, repr=False)
    """The sink's own settings, by their flat names."""
    given: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What was set, as text, secrets too."""
    shown: Mapping[str, str] = field(default_factory=dict)
    """What was set, as it may be shown."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one setting. `value` is as it may be shown; None: not given, or no value of its type."""

    key: str
    value: str | None
    reason: str
    is_of_kind: bool = True


def read_config(given: Mapping[str, object], sink_keys: Sequence[ConfigKey] = ()) -> ConnectorConfig:
    """Read flat settings; `sink_keys` are those the sink adds.

    Raises InvalidConfig naming each wrong key and its value: unknown, missing, or not to be read.
    """
    texts = as_texts(given)
    keys = (*RUNTIME_KEYS, *sink_keys)
    problems = find_problems(texts, sink_keys)
    if problems:
        first = problems[0]
        raise InvalidConfig("; ".join(_say(one) for one in problems), key=first.key, value=first.value)
    values: dict[str, Value] = {key.name: key.read(texts.get(key.name, key.default or "")) for key in keys}
    overrides: dict[str, object] = {}
    for name, text in texts.items():
        if name.startswith(_OVERRIDE_PREFIX):
            overrides |= _read_override(name, text)
    retry_timeout_ms = int(values["errors.retry.timeout"])
    copies = int(values["errors.deadletterqueue.topic.replication.factor"])
    return ConnectorConfig(
        name=str(values["name"]),
        topics=tuple(topic for topic in str(values["topics"]).split(",") if topic),
        tasks_max=int(values["tasks.max"]),
        flush_interval_s=int(values["offset.flush.interval.ms"]) / 1000,
        errors_tolerance="none" if values["errors.tolerance"] == "none" else "all",
        retry_timeout_s=None if retry_timeout_ms < 0 else retry_timeout_ms / 1000,
        retry_delay_max_s=int(values["errors.retry.delay.max.ms"]) / 1000,
        schema_retry_timeout_s=int(values["errors.schema.retry.timeout.ms"]) / 1000,
        shutdown_timeout_s=int(values["task.shutdown.graceful.timeout.ms"]) / 1000,
        restart_delay_max_s=int(values["task.restart.delay.max.ms"]) / 1000,
        buffer_bytes=int(values["buffer.memory"]),
        topics_pattern=str(values["topics.regex"]) or None,
        value_form=CONVERTERS[str(values["value.converter"])],
        dead_letter_topic=str(values["errors.deadletterqueue.topic.name"]).replace("${connector}", str(values["name"])),
        dead_letter_replication=None if copies < 0 else copies,
        halt_limits=HaltLimits(float(values["errors.halt.ratio"]), int(values["errors.halt.run.length"])),
        consumer_overrides=overrides,
        sink={key.name: values[key.name] for key in sink_keys},
        given=texts,
        shown=mask_config(texts, keys),
    )


def as_texts(given: Mapping[str, object]) -> dict[str, str]:
    """Settings as text, the way Kafka Connect keeps them."""
    return {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in given.items()}


def find_problems(texts: Mapping[str, str], sink_keys: Sequence[ConfigKey] = ()) -> list[Problem]:
    """Everything that is wrong with these settings, in the order of the keys."""
    return [*_check_known(texts, sink_keys), *_check_topics(texts), *_check_others(texts, sink_keys)]


def _check_known(texts: Mapping[str, str], sink_keys: Sequence[ConfigKey]) -> Iterator[Problem]:
    for key in (*RUNTIME_KEYS, *sink_keys):
        text = texts.get(key.name, key.default)
        if text is None:
            yield Problem(key.name, None, key.doc)
            continue
        shown = mask_value(key.name, text, (key,))
        try:
            key.read(text)
        except NotOfKind as error:
            yield Problem(key.name, shown, str(error), is_of_kind=False)
        except ValueError as error:
            yield Problem(key.name, shown, str(error) if shown == text else "is not a value it may have")


def _check_topics(texts: Mapping[str, str]) -> Iterator[Problem]:
    topics, pattern = texts.get("topics", ""), texts.get("topics.regex", "")
    if topics.strip() and pattern.strip():
        yield Problem("topics", topics, TOPICS_TWICE)
        yield Problem("topics.regex", pattern, TOPICS_TWICE)
    elif not topics and not pattern:
        yield Problem("topics", None, NO_TOPICS)
        yield Problem("topics.regex", None, NO_TOPICS)


def _check_others(texts: Mapping[str, str], sink_keys: Sequence[ConfigKey]) -> Iterator[Problem]:
    known = [key.name for key in (*RUNTIME_KEYS, *sink_keys)]
    for name, text in texts.items():
        if name in known:
            continue
        if name.startswith(_OVERRIDE_PREFIX):
            try:
                _read_override(name, text)
            except ValueError as error:
                yield Problem(name, mask_value(name, text), str(error))
        elif _NOT_OFFERED.fullmatch(name):
            yield Problem(name, mask_value(name, text), NO_TRANSFORMS)
        else:
            near = difflib.get_close_matches(name, known, 1)
            hint = f", did you mean {near[0]}?" if near else ""
            yield Problem(name, mask_value(name, text), f"unknown setting{hint}")


def _say(problem: Problem) -> str:
    if problem.value is None:
        return f"{problem.key} is missing: {problem.reason}"
    return f"{problem.key}={problem.value!r}: {problem.reason}"


def _read_override(name: str, text: str) -> dict[str, object]:
    """The override under kafka-python's name and as its type. Raises ValueError."""
    setting = name.removeprefix(_OVERRIDE_PREFIX)
    theirs = setting.replace(".", "_")
    if setting in _NOT_TO_OVERRIDE:
        raise ValueError(f"the runtime sets {setting} itself")
    if theirs not in KafkaConsumer.DEFAULT_CONFIG:
        raise ValueError(f"the consumer has no setting {setting}")
    default = KafkaConsumer.DEFAULT_CONFIG[theirs]
    if isinstance(default, bool):
        return {theirs: read_flag(text)}
    if isinstance(default, int):
        try:
            return {theirs: int(text)}
        except ValueError:
            raise ValueError("must be a whole number") from None
    return {theirs: text}
