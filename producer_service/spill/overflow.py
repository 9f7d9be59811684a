"""Live frames to Kafka, by way of the disk when Kafka takes none.

A frame is kept on disk only if it was never handed to Kafka's client: because that holds as much as it may, or because
frames before it wait on disk. So nothing whose fate is unknown is sent twice. The client is one of its own, whose
records wait for the broker for a day; that holds little, for what is in memory is lost with the process.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from kafka.errors import KafkaError

from kafka_io.errors import KafkaUnavailable
from kafka_io.publisher import BoundedPublisher, Delivery, PublisherOptions
from kafka_io.settings import KafkaSettings
from keypoints.errors import HolisticError, Transient
from observability.tracing import PublishTrace
from producer_service.ledger import Ledger
from producer_service.spill.errors import KeptInSpill, SpillDamaged
from producer_service.spill.records import SpilledFrame
from producer_service.spill.store import SpillStore
from producer_service.travelling import Travelling

log = logging.getLogger(__name__)

MOST_DRAINING: Final = 256
"""Frames from the disk handed on and not yet acknowledged: as many may be sent again after a kill."""
SPILL_DAMAGED: Final = "spill_damaged"
_IN_FLIGHT_BYTES: Final = 8 * 1024 * 1024
# As long as a broker remembers an idempotent producer it has not heard of (producer.id.expiration.ms).
_DELIVERY_TIMEOUT_S: Final = 24 * 60 * 60.0
_TURN_S: Final = 0.5
_SYNC_EVERY_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class _Tag:
    """Which frame an answer is about; its number if it came from the disk."""

    travelling: Travelling
    number: int | None = None


@dataclass(frozen=True, slots=True)
class SpillSpace:
    """Bytes a spill has on disk, and how many it may have; both 0 where there is none."""

    bytes: int = 0
    limit_bytes: int = 0


class Overflow:
    """Publishes live frames, and keeps on disk those that find no room. Safe to share between threads.

    `settle` is told what became of each frame, whose `Travelling` is the tag; `adopt` of each that an earlier process
    left, before it is sent.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        options: PublisherOptions,
        store: SpillStore,
        ledger: Ledger,
        settle: Callable[[Delivery], None],
        adopt: Callable[[Travelling], None],
    ) -> None:
        """Connect. Raises KafkaUnavailable or KafkaRefused."""
        self._store = store
        self._ledger = ledger
        self._settle = settle
        self._adopt = adopt
        self._lock = threading.Lock()
        self._kept: dict[int, Travelling] = {}
        self._ends = threading.Event()
        self._synced_s = time.monotonic()
        self._keeps_unanswered = False
        lasting = replace(
            options,
            max_in_flight_bytes=min(options.max_in_flight_bytes, _IN_FLIGHT_BYTES),
            block_s=_TURN_S,
            delivery_timeout_s=max(options.delivery_timeout_s, _DELIVERY_TIMEOUT_S),
        )
        self._publisher = BoundedPublisher(kafka, lasting, self._note_delivery)
        self._thread = threading.Thread(target=self._drain, name="spill", daemon=True)

    def space(self) -> SpillSpace:
        """How much of the disk is taken."""
        return SpillSpace(self._store.bytes_on_disk, self._store.max_bytes)

    def begin(self, topic: str) -> None:
        """Know the topic before its first frame, which then waits for nothing, and begin to send what is on disk.

        Raises KafkaUnavailable or KafkaRefused.
        """
        try:
            self._publisher.prepare(topic)
        except HolisticError:
            self._publisher.close(0.0)
            raise
        recovered, directory = self._store.recovered, self._store.directory
        if recovered:
            log.info("%d frames of an earlier run wait in %s and are sent first", recovered, directory)
            self._ledger.count_recovered(recovered)
        self._thread.start()

    def publish(self, frame: SpilledFrame, travelling: Travelling) -> None:
        """Hand a frame on, or keep it on disk. Raises SpillFull, SpillFailed, or what is terminal."""
        if self._store.waiting == 0:
            try:
                self._send(frame, _Tag(travelling), wait=False)
            except Transient:
                # Not taken: the client has never heard of it.
                pass
            else:
                return
        with self._lock:
            number = self._store.append(frame)
            self._kept[number] = travelling
            self._ledger.count_spilled()

    def close(self, timeout_s: float) -> list[tuple[Travelling, KeptInSpill]]:
        """Wait for the frames handed on, and let go. Those on disk stay there, and are returned, each with its news.

        What was handed on from the disk and got no answer stays as well, and is sent again at the next start.
        """
        self._ends.set()
        self._thread.join()
        try:
            self._publisher.flush(timeout_s)
        except KafkaUnavailable:
            self._keeps_unanswered = True
            with suppress(KafkaUnavailable, KafkaError):
                self._publisher.close(0.0)
        else:
            self._publisher.close(_TURN_S)
        self._store.close()
        directory = str(self._store.directory)
        news = KeptInSpill(f"the frame waits in {directory} and is sent at the next start", path=directory)
        with self._lock:
            return [(travelling, news) for travelling in self._kept.values()]

    def _send(self, frame: SpilledFrame, tag: _Tag, *, wait: bool) -> None:
        record = frame.record
        self._publisher.publish(
            frame.topic, record.key, record.value, record.headers, record.timestamp_ms, tag, wait=wait
        )

    def _drain(self) -> None:
        drained = 0
        while not self._ends.is_set():
            if self._store.wait_for_frame(MOST_DRAINING, _SYNC_EVERY_S) and not self._ends.is_set():
                drained += self._hand_on_first()
                if self._store.waiting == 0:
                    log.info("%d frames that waited in %s were sent", drained, self._store.directory)
                    drained = 0
            self._sync_now_and_then()

    def _hand_on_first(self) -> bool:
        """Hand on the first frame on disk, or give it up; False: not before the end."""
        number, frame = self._store.read()
        with self._lock:
            travelling = self._kept.get(number)
        if isinstance(frame, SpillDamaged):
            self._give_up(number, travelling, frame)
            return True
        if travelling is None:
            travelling = Travelling(frame.facts, PublishTrace())
            self._adopt(travelling)
            with self._lock:
                self._kept[number] = travelling
        while not self._ends.is_set():
            try:
                self._send(frame, _Tag(travelling, number), wait=True)
            except Transient:
                self._ends.wait(_TURN_S)
                self._sync_now_and_then()
            except HolisticError as error:
                self._give_up(number, travelling, error)
                return True
            else:
                self._store.note_handed_on()
                return True
        return False

    def _give_up(self, number: int, travelling: Travelling | None, error: HolisticError) -> None:
        self._store.note_handed_on()
        self._finish(number)
        if travelling is None:
            # Whose frame it was is not to be read any more.
            log.error("a frame that waited on disk is lost: %s", error.message)
            self._ledger.count_dropped(SPILL_DAMAGED)
        else:
            self._settle(Delivery(travelling, "", None, None, error))

    def _note_delivery(self, delivery: Delivery) -> None:
        tag = delivery.tag
        if not isinstance(tag, _Tag):
            return
        if tag.number is not None:
            if delivery.error is not None and self._keeps_unanswered:
                return
            self._finish(tag.number)
        self._settle(replace(delivery, tag=tag.travelling))

    def _finish(self, number: int) -> None:
        with self._lock:
            self._kept.pop(number, None)
        self._ledger.count_unspilled()
        self._store.acknowledge(number)

    def _sync_now_and_then(self) -> None:
        now_s = time.monotonic()
        if now_s - self._synced_s < _SYNC_EVERY_S:
            return
        self._synced_s = now_s
        try:
            self._store.sync()
        except OSError as error:
            log.warning("frames in %s may not survive a loss of power: %s", self._store.directory, error)
