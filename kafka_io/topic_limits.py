"""What a topic's broker refuses: records too large, or too far from now.

Asked before a record is sent, for kafka-python's idempotent producer does not survive a refusal: it fails every other
record it holds, of all streams, and takes none ever after.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kafka import errors as kafka_errors
from kafka.admin import ConfigResource, ConfigResourceType

from kafka_io.admin import open_admin
from kafka_io.errors import KafkaRefused, KafkaUnavailable, RecordTooLarge
from kafka_io.settings import KafkaSettings
from keypoints.errors import HolisticError

log = logging.getLogger(__name__)

_SIZE = "max.message.bytes"
_AFTER = "message.timestamp.after.max.ms"
_BEFORE = "message.timestamp.before.max.ms"
_REMEMBER_S = 60.0
_UNKNOWN_TOPIC = kafka_errors.UnknownTopicOrPartitionError.errno
# A batch of one record: its header is 61 bytes, the record's own fields at most 5 varints, each header two more.
_BATCH_OVERHEAD_BYTES = 61 + 5 * 10
_HEADER_OVERHEAD_BYTES = 2 * 5
# The broker's clock and ours differ a little.
_CLOCK_MARGIN_MS = 5_000


@dataclass(frozen=True, slots=True)
class TopicLimits:
    """A topic's own settings; None: not known, so not checked."""

    max_message_bytes: int | None = None
    after_max_ms: int | None = None
    before_max_ms: int | None = None

    def check(self, topic: str, size: int, timestamp_ms: int | None, now_ms: float) -> None:
        """Raise RecordTooLarge or KafkaRefused where the broker would refuse the record."""
        if self.max_message_bytes is not None and size > self.max_message_bytes:
            raise RecordTooLarge(
                f"a record of {size} bytes is too large for {topic}, which takes {self.max_message_bytes}",
                hint="raise the topic's max.message.bytes, or send less",
                topic=topic,
                bytes=size,
            )
        if timestamp_ms is None:
            return
        ahead_ms = timestamp_ms - now_ms
        too_late = self.after_max_ms is not None and ahead_ms > self.after_max_ms - _CLOCK_MARGIN_MS
        too_early = self.before_max_ms is not None and -ahead_ms > self.before_max_ms
        if too_late or too_early or timestamp_ms < 0:
            raise KafkaRefused(
                f"a record {abs(ahead_ms) / 1000:.0f} s {'ahead of' if ahead_ms > 0 else 'before'} now is refused by "
                f"{topic}",
                hint="is the clock of its source right?",
                topic=topic,
                timestamp_ms=timestamp_ms,
            )


def estimate_record_bytes(key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]]) -> int:
    """Bytes of a batch with this one record, uncompressed; at most a few too many."""
    header_bytes = sum(len(name) + len(content) + _HEADER_OVERHEAD_BYTES for name, content in headers)
    return _BATCH_OVERHEAD_BYTES + len(key or b"") + len(value or b"") + header_bytes


class TopicLimitsReader:
    """Reads topics' limits, and remembers them for a minute. Safe to share between threads."""

    def __init__(self, settings: KafkaSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, TopicLimits]] = {}

    def read(self, topic: str, *, wait: bool = True) -> TopicLimits:
        """The topic's limits; unknown ones where we may not see them. Raises KafkaUnavailable or KafkaRefused.

        Who does not `wait` gets those known last, and they are read anew meanwhile; only for the first of a topic
        everybody waits.
        """
        known = self._known.get(topic)
        if known is not None and self._clock() < known[0] + _REMEMBER_S:
            return known[1]
        if known is not None and not wait:
            self._read_meanwhile(topic)
            return known[1]
        with self._lock:
            return self._read(topic)

    def _read_meanwhile(self, topic: str) -> None:
        if not self._lock.acquire(blocking=False):
            # Somebody reads already.
            return

        def read() -> None:
            try:
                self._read(topic)
            except HolisticError as error:
                # Publishing to it will say the same.
                log.debug("the limits of %s are as they were: %s", topic, error.message)
            finally:
                self._lock.release()

        threading.Thread(target=read, name=f"limits of {topic}", daemon=True).start()

    def _read(self, topic: str) -> TopicLimits:
        """Called with the lock held; it may have been read while we waited for that."""
        known = self._known.get(topic)
        if known is not None and self._clock() < known[0] + _REMEMBER_S:
            return known[1]
        limits = self._ask(topic, known[1] if known else None)
        self._known[topic] = (self._clock(), limits)
        return limits

    def _ask(self, topic: str, before: TopicLimits | None) -> TopicLimits:
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, [_SIZE, _AFTER, _BEFORE])
        try:
            with open_admin(self._settings, f"reading the limits of {topic}", topic=topic) as admin:
                configs = admin.describe_configs([resource], config_filter="all").get("topic", {}).get(topic, {})
                # The answer about a topic we may not look at, or that is not there, is an empty one.
                if not configs and admin.describe_topics([topic])[0]["error_code"] == _UNKNOWN_TOPIC:
                    raise KafkaRefused(
                        f"there is no topic {topic}", hint="`holistic up` creates the suite's topics", topic=topic
                    )
        except KafkaUnavailable:
            # A broker that is away for a while has not changed them.
            if before is None:
                raise
            return before
        return TopicLimits(*(_as_int(configs.get(name, {}).get("value")) for name in (_SIZE, _AFTER, _BEFORE)))


def _as_int(text: str | None) -> int | None:
    return None if text is None else int(text)
