"""The settings every connector has, under Kafka Connect's flat names, and what each means."""

from collections.abc import Sequence
from typing import Final

from connect_runtime.config_keys import (
    ConfigKey,
    Importance,
    Kind,
    read_count,
    read_duration_ms,
    read_names,
    read_optional_text,
    read_pattern,
    read_replication,
    read_share,
    read_text,
    read_timeout_ms,
    read_tolerance,
    read_whole_number,
)
from connect_runtime.wire_form import CONVERTERS, KEY_CONVERTER, read_converter, read_key_converter

COMMON: Final = "Common"
TRANSFORMS: Final = "Transforms"
PREDICATES: Final = "Predicates"
ERRORS: Final = "Error Handling"
NO_TRANSFORMS: Final = "single message transforms are not offered: change records before the topic, or in a sink"


def refuse_transforms(text: str) -> str:
    """Nothing but an empty text."""
    if text.strip():
        raise ValueError(f"must be empty, for {NO_TRANSFORMS}")
    return ""


RUNTIME_KEYS: Final[Sequence[ConfigKey]] = (
    ConfigKey("name", read_text, None, "Name of the connector, and of its consumer group.", Importance.HIGH, COMMON),
    ConfigKey(
        "connector.class",
        read_optional_text,
        "",
        "Class of the connector, whole or without its package. Which sink a connector has is the service's, so this "
        "can only say the same.",
        Importance.HIGH,
        COMMON,
    ),
    ConfigKey("tasks.max", read_count, "1", "Members of the group in each process.", Importance.HIGH, COMMON),
    ConfigKey(
        "topics", read_names, "", "Topics to read, separated by commas; or give topics.regex.", Importance.HIGH, COMMON
    ),
    ConfigKey(
        "topics.regex",
        read_pattern,
        "",
        "Topics to read, as a regular expression of Python's that matches the whole name; topics made later are found "
        "within a minute. Only one of topics and topics.regex may be given.",
        Importance.HIGH,
        COMMON,
    ),
    ConfigKey(
        "key.converter",
        read_key_converter,
        KEY_CONVERTER,
        "How keys are read: they are the stream's name in UTF-8.",
        Importance.LOW,
        COMMON,
        choices=(KEY_CONVERTER,),
    ),
    ConfigKey(
        "value.converter",
        read_converter,
        next(iter(CONVERTERS)),
        "How values are read: each record says itself what it is, or only Avro (in either framing), or only JSON.",
        Importance.LOW,
        COMMON,
        choices=tuple(CONVERTERS),
    ),
    ConfigKey(
        "offset.flush.interval.ms",
        read_duration_ms,
        "5000",
        "Longest time between what is put and its flush and commit, ms.",
        Importance.MEDIUM,
        COMMON,
    ),
    ConfigKey(
        "task.shutdown.graceful.timeout.ms",
        read_duration_ms,
        "15000",
        "How long a stop or a rebalance waits for the sink to flush, ms.",
        Importance.LOW,
        COMMON,
    ),
    ConfigKey(
        "buffer.memory",
        read_count,
        str(192 * 1024 * 1024),
        "Bytes a task may buffer: half in its sink, a quarter in frames that wait for the sink, a quarter in fetched "
        "records. Beyond it the task pauses its partitions.",
        Importance.MEDIUM,
        COMMON,
    ),
    ConfigKey(
        "task.restart.delay.max.ms",
        read_duration_ms,
        "60000",
        "Longest delay before a failed task starts again, ms.",
        Importance.LOW,
        COMMON,
    ),
    ConfigKey(
        "transforms",
        refuse_transforms,
        "",
        f"Must be empty: {NO_TRANSFORMS}.",
        Importance.LOW,
        TRANSFORMS,
        kind=Kind.LIST,
    ),
    ConfigKey(
        "predicates",
        refuse_transforms,
        "",
        f"Must be empty: {NO_TRANSFORMS}.",
        Importance.LOW,
        PREDICATES,
        kind=Kind.LIST,
    ),
    ConfigKey(
        "errors.tolerance",
        read_tolerance,
        "all",
        "all: a record that cannot be used is reported and skipped; none: it fails the task.",
        Importance.MEDIUM,
        ERRORS,
        choices=("none", "all"),
    ),
    ConfigKey(
        "errors.retry.timeout",
        read_timeout_ms,
        "300000",
        "How long a transient error is retried, ms; -1 without end.",
        Importance.MEDIUM,
        ERRORS,
    ),
    ConfigKey(
        "errors.retry.delay.max.ms",
        read_duration_ms,
        "10000",
        "Longest delay between two tries, ms.",
        Importance.MEDIUM,
        ERRORS,
    ),
    ConfigKey(
        "errors.schema.retry.timeout.ms",
        read_duration_ms,
        "10000",
        "How long a writer's schema nobody has announced is waited for before its records count as bad, ms.",
        Importance.LOW,
        ERRORS,
    ),
    ConfigKey(
        "errors.deadletterqueue.topic.name",
        read_optional_text,
        "holistic-dlq-${connector}",
        "Topic that gets each record that cannot be used, with headers that say why; ${connector} is the connector's "
        "name. Made if it is not there. Empty: such records are only logged.",
        Importance.MEDIUM,
        ERRORS,
    ),
    ConfigKey(
        "errors.deadletterqueue.topic.replication.factor",
        read_replication,
        "-1",
        "Copies of the topic of dead letters and of the retry topic, where they have to be made; -1: as the brokers "
        "have it.",
        Importance.MEDIUM,
        ERRORS,
    ),
    ConfigKey(
        "errors.halt.ratio",
        read_share,
        "0.5",
        "The task fails, instead of passing over one more, when more than this share of the last 1000 records could "
        "not be used; 0: never.",
        Importance.MEDIUM,
        ERRORS,
    ),
    ConfigKey(
        "errors.halt.run.length",
        read_whole_number,
        "500",
        "The task fails, instead of passing over one more, after this many records in a row that could not be used; "
        "0: never.",
        Importance.MEDIUM,
        ERRORS,
    ),
)
