"""Consumers made one way: offsets committed by hand, a short session, records as soon as there are any."""

from collections.abc import Mapping
from typing import Any

from kafka import KafkaConsumer

from kafka_io.connecting import connect_client
from kafka_io.settings import KafkaSettings

CONSUMER_DEFAULTS: dict[str, object] = {
    "enable_auto_commit": False,
    "auto_offset_reset": "earliest",
    # kafka-python's own 45 s would make every recovery from a killed replica that slow.
    "session_timeout_ms": 10_000,
    # A third of the session is usual; a shorter one lets survivors of a kill hear of it a second earlier.
    "heartbeat_interval_ms": 2_000,
    # One byte is enough for an answer: a waiting frame is handed over at once.
    "fetch_min_bytes": 1,
    "fetch_max_wait_ms": 500,
    "max_poll_records": 500,
    # Room for a record with an image in it.
    "max_partition_fetch_bytes": 9 * 1024 * 1024,
    "allow_auto_create_topics": False,
    "metadata_max_age_ms": 60_000,
    "bootstrap_timeout_ms": 10_000,
    "metrics_enabled": False,
}


def gather(kibibytes: int, wait_ms: int) -> dict[str, object]:
    """Settings of a connector that need not be first: so much at a time, or what there is after so many milliseconds.

    Three polls of one frame cost a service several times what one of three does, and whoever must be first shares the
    machine with it.
    """
    return {"consumer.override.fetch.min.bytes": kibibytes * 1024, "consumer.override.fetch.max.wait.ms": wait_ms}


def rows_of_a_poll(overrides: Mapping[str, object]) -> int:
    """How many records one poll of a consumer with these overrides brings at most."""
    most: Any = overrides.get("max_poll_records", CONSUMER_DEFAULTS["max_poll_records"])
    return int(most)


def make_consumer(settings: KafkaSettings, group_id: str | None, **overrides: object) -> KafkaConsumer:
    """A kafka-python consumer with the suite's defaults, subscribed to nothing yet.

    `overrides` are kafka-python's names (`max_poll_records`, `group_instance_id` …). Raises KafkaUnavailable when no
    broker answers, KafkaRefused for rights and settings.
    """
    options = CONSUMER_DEFAULTS | settings.client_options() | {"group_id": group_id} | overrides
    return connect_client(KafkaConsumer, options, "connecting a consumer", group=group_id)
