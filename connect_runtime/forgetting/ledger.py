"""The ledger of forgotten streams: a compacted topic, so that every service of every replica reads the same one.

One record a stream. The key is `salt/digest`, the value a JSON object: until (microseconds since 1970; null: for
ever), asked_at (the same), receipts (their SHA-256). No name is in it.
"""

import logging
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

import orjson
from kafka import KafkaConsumer, TopicPartition
from kafka import errors as kafka_errors
from kafka.consumer.fetcher import ConsumerRecord

from connect_runtime.forgetting.streams import NOBODY, ForgottenStream, ForgottenStreams, digest_name
from kafka_io.admin import create_topics
from kafka_io.consumer import make_consumer
from kafka_io.errors import KafkaUnavailable, explain_kafka_error
from kafka_io.publisher import BoundedPublisher
from kafka_io.settings import KafkaSettings
from kafka_io.whole_topic import read_whole_topic
from keypoints.errors import HolisticError
from keypoints.topics import FORGOTTEN_SPEC

log = logging.getLogger(__name__)

_SALT_BYTES: Final = 16
_LOOK_EVERY_S: Final = 1.0
_READ_WITHIN_S: Final = 30.0
_LEDGER: Final = TopicPartition(FORGOTTEN_SPEC.name, 0)
# An entry is a few hundred bytes, and looked for once a second. A broker answers a connection's requests in turn: who
# takes partitions over asks for the ledger's end, and waits as long as a fetch that waits for an entry has yet to wait.
_READING: Final = {"fetch_max_wait_ms": 500, "max_partition_fetch_bytes": 1024 * 1024}


def read_forgotten(kafka: KafkaSettings) -> ForgottenStreams:
    """The ledger as it is now; empty where there is none. Raises KafkaUnavailable or KafkaRefused."""
    return ForgottenStreams(_fold({}, read_whole_topic(kafka, FORGOTTEN_SPEC.name)).values())


def write_forgotten(kafka: KafkaSettings, stream_id: str, until_us: int | None, asked_at_us: int) -> ForgottenStream:
    """Enter a stream, acknowledged, and return its entry. One that was there is never weakened.

    Raises KafkaUnavailable or KafkaRefused.
    """
    create_topics(kafka, [FORGOTTEN_SPEC])
    known = read_forgotten(kafka)
    before = known.find(stream_id)
    salt = before.salt if before else next(iter(known.salts), secrets.token_hex(_SALT_BYTES))
    entry = ForgottenStream(salt, digest_name(salt, stream_id), until_us, asked_at_us)
    if before is not None:
        for_ever = before.until_us is None or until_us is None
        later_us = None if for_ever else max(before.until_us or 0, until_us or 0)
        entry = replace(entry, until_us=later_us, receipts=before.receipts)
    _publish(kafka, entry)
    return entry


def note_receipt(kafka: KafkaSettings, entry: ForgottenStream, digest: str) -> None:
    """Remember that a receipt with this SHA-256 was given. Raises KafkaUnavailable or KafkaRefused."""
    # Read again: whoever asked for more meanwhile must not be undone.
    newest = next((one for one in read_forgotten(kafka).entries if one.key == entry.key), entry)
    _publish(kafka, replace(newest, receipts=(*newest.receipts, digest)))


class LedgerFollower:
    """Keeps up with the ledger, on one thread: nothing of it runs between calls."""

    def __init__(self, kafka: KafkaSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._kafka = kafka
        self._clock = clock
        self._consumer: KafkaConsumer | None = None
        self._entries: dict[str, ForgottenStream] = {}
        self._look_at = 0.0
        self._failed = False
        self.forgotten: ForgottenStreams = NOBODY

    def catch_up(self) -> None:
        """Read all there is by now. Raises KafkaUnavailable or KafkaRefused."""
        if self._consumer is None:
            create_topics(self._kafka, [FORGOTTEN_SPEC])
            self._consumer = make_consumer(self._kafka, None, **_READING)
            self._consumer.assign([_LEDGER])
        deadline = self._clock() + _READ_WITHIN_S
        try:
            end = self._consumer.end_offsets([_LEDGER])[_LEDGER]
            while self._consumer.position(_LEDGER) < end:
                if self._clock() > deadline:
                    raise KafkaUnavailable(f"reading {_LEDGER.topic}: nothing came for {_READ_WITHIN_S:g} s")
                self._take(self._consumer.poll(timeout_ms=100).get(_LEDGER, ()))
        except (kafka_errors.KafkaError, OSError) as error:
            raise explain_kafka_error(error, f"reading {_LEDGER.topic}", topic=_LEDGER.topic) from error

    def look(self) -> bool:
        """Take what was added since, without waiting for it; asks at most once a second. Whether there was anything.

        While Kafka is away nothing is, and what is known holds.
        """
        now = self._clock()
        if self._consumer is None or now < self._look_at:
            return False
        self._look_at = now + _LOOK_EVERY_S
        try:
            fresh = self._consumer.poll(timeout_ms=0).get(_LEDGER, ())
        except (kafka_errors.KafkaError, OSError) as error:
            if not self._failed:
                log.warning("the ledger of forgotten streams cannot be read: %s", error)
            self._failed = True
            return False
        self._failed = False
        self._take(fresh)
        return bool(fresh)

    def close(self) -> None:
        """Let go of the broker."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            consumer.close()

    def _take(self, records: Iterable[ConsumerRecord]) -> None:
        fresh = list(records)
        if fresh:
            self.forgotten = ForgottenStreams(_fold(self._entries, fresh).values())


def _fold(entries: dict[str, ForgottenStream], records: Iterable[ConsumerRecord]) -> dict[str, ForgottenStream]:
    for record in records:
        if record.key is None:
            continue
        key = record.key.decode("utf-8", "replace")
        if record.value is None:
            entries.pop(key, None)
        elif (entry := read_entry(key, record.value)) is not None:
            entries[key] = entry
    return entries


def _publish(kafka: KafkaSettings, entry: ForgottenStream) -> None:
    failures: list[HolisticError] = []
    value = {"until": entry.until_us, "asked_at": entry.asked_at_us, "receipts": entry.receipts}
    with BoundedPublisher(
        kafka, on_delivery=lambda delivery: failures.append(delivery.error) if delivery.error else None
    ) as publisher:
        publisher.publish(FORGOTTEN_SPEC.name, entry.key.encode(), orjson.dumps(value))
    if failures:
        raise failures[0]


def read_entry(key: str, value: bytes) -> ForgottenStream | None:
    """None for what anyone else may have written there."""
    salt, _, digest = key.partition("/")
    try:
        bytes.fromhex(salt)
        stored = orjson.loads(value)
        until = stored["until"]
        return ForgottenStream(
            salt, digest, None if until is None else int(until), int(stored["asked_at"]), tuple(stored["receipts"])
        )
    except (KeyError, TypeError, ValueError):
        log.warning("%s has an entry that is none: %s", FORGOTTEN_SPEC.name, key)
        return None
