"""Writers' schemas for readers: a compacted topic (fingerprint → schema), or a Confluent-compatible registry."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from fastavro.schema import SchemaParseException
from kafka import KafkaConsumer, TopicPartition
from kafka import errors as kafka_errors

from kafka_io.admin import topic_partitions
from kafka_io.consumer import make_consumer
from kafka_io.errors import explain_kafka_error
from kafka_io.publisher import BoundedPublisher
from kafka_io.schema_registry import fetch_schema, register_schema
from kafka_io.settings import KafkaSettings
from keypoints.errors import HolisticError
from keypoints.schema_bounds import check_bounds
from keypoints.schemas import FRAME_FINGERPRINT, FRAME_SCHEMA, SchemaUnknown, fingerprint_schema
from keypoints.topics import SCHEMAS_TOPIC

log = logging.getLogger(__name__)

_REFRESH_SPACING_S = 0.5
_READ_DEADLINE_S = 10.0


def announce_schema(
    settings: KafkaSettings,
    schema: dict[str, Any] = FRAME_SCHEMA,
    fingerprint: bytes = FRAME_FINGERPRINT,
    subject: str | None = None,
) -> int | None:
    """Make a writer's schema known before its first record; every producer does this at its start.

    Without a registry it is put in the topic of schemas, keyed by the fingerprint's 8 bytes as they stand in a
    record's header, in hexadecimal; returns None. With `schema_registry_url` set it is registered under `subject`
    (for a topic's values `<topic>-value`), and its id returned, for Confluent framing.
    Raises KafkaUnavailable, KafkaRefused, RegistryUnavailable or RegistryRefused.
    """
    if settings.schema_registry_url is not None and subject is not None:
        return register_schema(settings.schema_registry_url, subject, schema)
    failures: list[HolisticError] = []
    with BoundedPublisher(
        settings, on_delivery=lambda delivery: failures.append(delivery.error) if delivery.error else None
    ) as publisher:
        publisher.publish(SCHEMAS_TOPIC, fingerprint.hex().encode(), orjson.dumps(schema))
    if failures:
        raise failures[0]
    return None


class TopicSchemaLookup:
    """Finds writers' schemas, and remembers them: a schema never changes under its fingerprint or id.

    Not read before the first unknown one is asked for. Safe to share between threads.
    """

    def __init__(self, settings: KafkaSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._by_fingerprint: dict[bytes, dict[str, Any]] = {FRAME_FINGERPRINT: FRAME_SCHEMA}
        self._by_registry_id: dict[int, dict[str, Any]] = {}
        self._read_up_to: dict[int, int] = {}
        self._refreshed_at: float | None = None

    def by_fingerprint(self, fingerprint: bytes) -> dict[str, Any]:
        """The schema with this fingerprint (8 bytes, as in the record's header). Raises SchemaUnknown."""
        with self._lock:
            if fingerprint not in self._by_fingerprint:
                self._refresh(fingerprint)
            try:
                return self._by_fingerprint[fingerprint]
            except KeyError:
                raise SchemaUnknown(
                    f"no schema with fingerprint {fingerprint.hex()} in {SCHEMAS_TOPIC}", fingerprint=fingerprint.hex()
                ) from None

    def by_registry_id(self, schema_id: int) -> dict[str, Any]:
        """The schema with this registry id. Raises SchemaUnknown, also when there is no registry to ask."""
        with self._lock:
            if schema_id not in self._by_registry_id:
                if self._settings.schema_registry_url is None:
                    raise SchemaUnknown(
                        f"schema id {schema_id} belongs to a registry, and none is set",
                        hint="set SCHEMA_REGISTRY_URL",
                        schema_id=schema_id,
                    )
                try:
                    schema = fetch_schema(self._settings.schema_registry_url, schema_id)
                except HolisticError as error:
                    raise SchemaUnknown(error.message, hint=error.hint, schema_id=schema_id) from error
                self._by_registry_id[schema_id] = schema
            return self._by_registry_id[schema_id]

    def _refresh(self, wanted: bytes) -> None:
        now = self._clock()
        if self._refreshed_at is not None and now - self._refreshed_at < _REFRESH_SPACING_S:
            return
        self._refreshed_at = now
        try:
            self._read_new_schemas(now + _READ_DEADLINE_S)
        except HolisticError as error:
            raise SchemaUnknown(
                f"{SCHEMAS_TOPIC} could not be read: {error.message}", hint=error.hint, fingerprint=wanted.hex()
            ) from error
        except (kafka_errors.KafkaError, OSError) as error:
            explained = explain_kafka_error(error, f"reading {SCHEMAS_TOPIC}")
            raise SchemaUnknown(explained.message, hint=explained.hint, fingerprint=wanted.hex()) from error

    def _read_new_schemas(self, deadline: float) -> None:
        partitions = [TopicPartition(SCHEMAS_TOPIC, index) for index in topic_partitions(self._settings, SCHEMAS_TOPIC)]
        consumer: KafkaConsumer = make_consumer(self._settings, None)
        try:
            consumer.assign(partitions)
            ends = consumer.end_offsets(partitions)
            starts = consumer.beginning_offsets(partitions)
            for partition in partitions:
                consumer.seek(partition, max(starts[partition], self._read_up_to.get(partition.partition, 0)))
            while self._clock() < deadline and any(consumer.position(part) < ends[part] for part in partitions):
                for partition, records in consumer.poll(timeout_ms=200).items():
                    for record in records:
                        self._remember(record.key, record.value)
                    self._read_up_to[partition.partition] = records[-1].offset + 1
        finally:
            consumer.close()

    @property
    def known(self) -> Mapping[bytes, dict[str, Any]]:
        """The schemas by fingerprint that were announced so far, and our own."""
        return self._by_fingerprint

    def remember(self, fingerprint: bytes, schema_json: bytes) -> None:
        """Take a schema for that of a fingerprint, if it is.

        Anyone may write to the topic: what is no schema names none, nor does one that stands under another's
        fingerprint, with which records would be read wrongly, nor one that is not to be read with at all.
        """
        try:
            schema = orjson.loads(schema_json)
            check_bounds(schema)
            own = fingerprint_schema(schema)
        except (HolisticError, ValueError, LookupError, TypeError, AttributeError, SchemaParseException) as error:
            log.warning("%s has a schema that is none: %s", SCHEMAS_TOPIC, error, extra=_shown(fingerprint))
            return
        if own != fingerprint:
            log.warning("%s has a schema under a fingerprint not its own", SCHEMAS_TOPIC, extra=_shown(fingerprint))
        elif isinstance(schema, dict):
            # The first one stays: a fingerprint leaves out logical types, which say what a number means.
            self._by_fingerprint.setdefault(fingerprint, schema)

    def _remember(self, key: bytes | None, value: bytes | None) -> None:
        if key is None or value is None:
            return
        try:
            fingerprint = bytes.fromhex(key.decode())
        except ValueError:
            return
        self.remember(fingerprint, value)


def _shown(fingerprint: bytes) -> dict[str, str]:
    return {"fingerprint": fingerprint[:16].hex()}
