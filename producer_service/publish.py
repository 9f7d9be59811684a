"""Frames to Kafka, and what became of each: into the ledger, and to whoever asked."""

import logging
import re
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Final, Self

from kafka.errors import KafkaError

from kafka_io.admin import create_topics, topic_partitions
from kafka_io.errors import KafkaUnavailable, explain_kafka_error
from kafka_io.publisher import BoundedPublisher, Delivery
from kafka_io.schema_topic import announce_schema
from kafka_io.settings import KafkaSettings
from keypoints.errors import HolisticError, Terminal, Transient
from keypoints.frame import HolisticFrame
from keypoints.topics import SCHEMAS_TOPIC, SUITE_TOPICS
from observability.tracing import Tracing
from producer_service.capture.captured import Clock
from producer_service.encode import encode_record
from producer_service.ledger import Ledger
from producer_service.reachability import Reachability
from producer_service.settings import ProducerSettings
from producer_service.spill.errors import KeptInSpill
from producer_service.spill.overflow import Overflow, SpillSpace
from producer_service.spill.records import SpilledFrame
from producer_service.spill.store import SpillStore
from producer_service.travelling import FrameFacts, Settled, Travelling
from producer_service.watchers import Delivered, Watcher

log = logging.getLogger(__name__)

NOT_ACKNOWLEDGED: Final = "not_acknowledged"
UNPUBLISHED: Final = "unpublished"
"""Something broke on the way to Kafka's client that nobody foresaw."""
_SPARE_S: Final = 5.0
_HURRY_S: Final = 0.5
_SAY_AGAIN_AFTER_S: Final = 60.0


class FramePublisher:
    """Publishes frames to one topic and books every one of them as acknowledged or dropped. Safe to share.

    One that `stops_on_failure` serves a run over files: `failure` is set once Kafka failed to take a frame it was sent,
    or was away for longer than a frame may wait: what follows would fare no better, and a file is better read again
    than read on with a hole in it. In a service nothing ends: frames are dropped while Kafka is away, each is told to
    whoever asked, publishing goes on when Kafka is back, and `reachable` says how it stands.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        settings: ProducerSettings,
        ledger: Ledger,
        watchers: Sequence[Watcher],
        now_us: Clock,
        tracing: Tracing | None = None,
        *,
        stops_on_failure: bool = True,
    ) -> None:
        """Connect, and make the schema known before the first frame (its topic is made if there is none yet).

        A service takes up the frames an earlier one left on disk, where a spill is set. Raises KafkaUnavailable,
        KafkaRefused (no such topic, no right), RegistryUnavailable, RegistryRefused or SpillUnusable.
        """
        self._settings = settings
        self._ledger = ledger
        self._watchers = tuple(watchers)
        self._now_us = now_us
        self._tracing = tracing or Tracing()
        self._stops_on_failure = stops_on_failure
        self._lock = threading.Lock()
        self._failure: HolisticError | None = None
        self._travelling: set[Travelling] = set()
        self._said_s: dict[str, float] = {}
        topic_partitions(kafka, settings.topic)
        if kafka.schema_registry_url is None:
            create_topics(kafka, [spec for spec in SUITE_TOPICS if spec.name == SCHEMAS_TOPIC])
        self._registry_id = announce_schema(kafka, subject=f"{settings.topic}-value")
        self._reachability: Reachability | None = None
        self._overflow: Overflow | None = None
        with ExitStack() as undone_on_failure:
            options = settings.publisher_options()
            self._publisher = BoundedPublisher(kafka, options, self._note_delivery)
            undone_on_failure.callback(self._publisher.close, 0.0)
            self._publisher.prepare(settings.topic)
            if not stops_on_failure:
                self._reachability = Reachability(lambda: topic_partitions(kafka, settings.topic))
                undone_on_failure.callback(self._reachability.close)
            if settings.spill_dir is not None and not stops_on_failure:
                store = SpillStore(settings.spill_dir, settings.spill_max_bytes)
                undone_on_failure.callback(store.close)
                self._overflow = Overflow(kafka, options, store, ledger, self._note_delivery, self._adopt)
                self._overflow.begin(settings.topic)
            undone_on_failure.pop_all()

    @property
    def failure(self) -> HolisticError | None:
        """Why publishing is of no use any more, or None; in a service always None."""
        with self._lock:
            return self._failure

    @property
    def reachable(self) -> bool:
        """Whether Kafka takes frames, as far as is known at this moment. Never waits."""
        return self.failure is None if self._reachability is None else self._reachability.reachable

    def spill_space(self) -> SpillSpace:
        """How much of its disk the spill has taken."""
        return SpillSpace() if self._overflow is None else self._overflow.space()

    def publish(
        self,
        frame: HolisticFrame,
        handed_over_us: int,
        settled: Settled | None = None,
        *,
        wait: bool = True,
        origin: tuple[str, int, int] | None = None,
        may_spill: bool = False,
    ) -> None:
        """Hand a frame over. Raises nothing for a frame that is not taken: it is booked as dropped.

        With `wait`, while too much is in flight it blocks, for up to the delivery timeout; without, a frame that finds
        no room is dropped at once (`publisher_full`). `settled` is called exactly once, with where the frame is, or
        with the error it was dropped for: before this returns where it is refused, else on Kafka's own thread, so it
        must be quick and must not publish. `origin` is the identity (topic, partition, offset) of the record the frame
        was made from. A frame without room that `may_spill` waits on disk, where a spill is set; it is told to
        `settled` when Kafka has it, or when the publisher finishes before that (`KeptInSpill`).
        """
        travelling = Travelling(
            FrameFacts.of(frame, handed_over_us), self._tracing.begin_publish(self._settings.topic), settled
        )
        self._ledger.count_published(with_person=travelling.facts.has_person)
        with self._lock:
            self._travelling.add(travelling)
        if self._reachability is not None:
            self._reachability.note_sent()
        try:
            record = encode_record(
                frame, self._settings.content_type, self._registry_id, travelling.trace.traceparent(), origin
            )
            topic = self._settings.topic
            if self._overflow is not None and may_spill and not wait:
                self._overflow.publish(SpilledFrame(topic, record, travelling.facts), travelling)
                return
            self._publisher.publish(
                topic, record.key, record.value, record.headers, record.timestamp_ms, travelling, wait=wait
            )
        except HolisticError as error:
            self._drop(travelling, error, lost=isinstance(error, Transient))
        except Exception:
            # Not booked, it would be waited for for ever, and Kafka be taken to be away.
            log.exception("a frame could not be published")
            self._drop(travelling, Terminal("the frame could not be published"), lost=False, reason=UNPUBLISHED)

    def finish(self, timeout_s: float | None = None) -> None:
        """Wait until Kafka has answered for every frame, and let go. What it never answers for is booked as dropped.

        Frames on disk stay there for the next start: in the ledger they are `spilled`.
        """
        if self._reachability is not None:
            self._reachability.close()
        timeout_s = self._settings.delivery_timeout_s + _SPARE_S if timeout_s is None else timeout_s
        deadline_s = time.monotonic() + timeout_s
        explained: HolisticError = KafkaUnavailable(f"no answer within {timeout_s:g} s")
        try:
            self._publisher.close(timeout_s)
        except (HolisticError, KafkaError) as error:
            explained = error if isinstance(error, HolisticError) else explain_kafka_error(error, "closing")
        if self._overflow is not None:
            for travelling, news in self._overflow.close(max(0.0, deadline_s - time.monotonic())):
                self._leave_on_disk(travelling, news)
        with self._lock:
            unanswered = list(self._travelling)
        for travelling in unanswered:
            self._drop(travelling, explained, lost=True, reason=NOT_ACKNOWLEDGED)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A person who interrupts a second time does not wait for Kafka.
        self.finish(_HURRY_S if kind is KeyboardInterrupt else None)

    def _note_delivery(self, delivery: Delivery) -> None:
        travelling = delivery.tag
        if not isinstance(travelling, Travelling):
            return
        if delivery.error is not None or delivery.partition is None or delivery.offset is None:
            self._drop(travelling, delivery.error or Transient(f"{delivery.topic} gave no offset"), lost=True)
            return
        with self._lock:
            if not self._take(travelling):
                return
            self._ledger.count_acknowledged()
            if self._reachability is not None:
                self._reachability.note_acknowledged(others_waiting=bool(self._travelling))
        travelling.trace.end()
        delivered = travelling.facts.delivered(delivery.topic, delivery.partition, delivery.offset, self._now_us())
        try:
            for watcher in self._watchers:
                watcher.frame_delivered(delivered)
        finally:
            self._tell(travelling, delivered)

    def _drop(self, travelling: Travelling, error: HolisticError, *, lost: bool, reason: str | None = None) -> None:
        """Book a frame that will not reach Kafka; `lost` says that Kafka takes no others either."""
        reason = reason or name_drop_reason(error)
        with self._lock:
            if not self._take(travelling):
                return
            self._ledger.count_dropped(reason)
            if self._reachability is not None:
                self._reachability.note_gone(others_waiting=bool(self._travelling))
            if self._stops_on_failure:
                if self._ledger.error is None:
                    self._ledger.error = error
                if lost and self._failure is None:
                    self._failure = error
            else:
                self._say_once_a_minute(reason, error)
        travelling.trace.end(error)
        self._tell(travelling, error)

    def _adopt(self, travelling: Travelling) -> None:
        """A frame an earlier process left on disk is about to be sent."""
        with self._lock:
            self._travelling.add(travelling)
        if self._reachability is not None:
            self._reachability.note_sent()

    def _leave_on_disk(self, travelling: Travelling, news: KeptInSpill) -> None:
        """The next start sends it; the ledger has it as `spilled`."""
        with self._lock:
            if not self._take(travelling):
                return
        travelling.trace.end(news)
        self._tell(travelling, news)

    def _take(self, travelling: Travelling) -> bool:
        """Called with the lock held. False: it is booked already, and this answer comes too late."""
        if travelling not in self._travelling:
            return False
        self._travelling.remove(travelling)
        return True

    def _tell(self, travelling: Travelling, what: Delivered | HolisticError) -> None:
        if travelling.settled is not None:
            travelling.settled(what)

    def _say_once_a_minute(self, reason: str, error: HolisticError) -> None:
        """Called with the lock held."""
        now_s = time.monotonic()
        if now_s - self._said_s.get(reason, -_SAY_AGAIN_AFTER_S) >= _SAY_AGAIN_AFTER_S:
            self._said_s[reason] = now_s
            log.warning("frames are dropped (%s): %s", reason, error.message)


def name_drop_reason(error: HolisticError) -> str:
    """`RecordTooLarge` is the reason `record_too_large`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(error).__name__).lower()
