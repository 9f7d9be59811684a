"""The chain itself: capture → landmarks → encode → publish, for one source after the other."""

import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass

from kafka_io.settings import KafkaSettings
from observability.tracing import open_tracing
from producer_service.capture.captured import Captured, Clock, Interrupted, RefusalReason, Refused, Source
from producer_service.capture.read_ahead import read_ahead
from producer_service.encode import EpochClock, FrameNumbering, make_frame
from producer_service.landmarks.landmarker import LandmarkerFailed
from producer_service.landmarks.landmarkers import Landmarkers, OpenLandmarker, open_holistic
from producer_service.ledger import Ledger, SourceReport
from producer_service.live.outcome import DropReason
from producer_service.publish import FramePublisher
from producer_service.settings import ProducerSettings
from producer_service.watchers import Watcher


def wall_clock_us() -> int:
    """Wall time in µs since 1970."""
    return time.time_ns() // 1000


def produce(
    sources: Iterable[Source],
    settings: ProducerSettings,
    kafka: KafkaSettings,
    *,
    watchers: Sequence[Watcher] = (),
    stop: threading.Event | None = None,
    first_epoch: int | None = None,
    now_us: Clock = wall_clock_us,
    open_landmarker: OpenLandmarker = open_holistic,
) -> Ledger:
    """Take every source to its end, or until `stop`; then wait for Kafka, and say what became of everything.

    After `stop` no picture is captured any more, and those handed over are still published. When Kafka stays away for
    longer than a frame may wait, the run ends early with the ledger's `error`. Epochs begin at `first_epoch`, by
    default at the time in µs. Raises KafkaUnavailable, KafkaRefused or a registry's error when it cannot begin.
    """
    ledger = Ledger()
    started_s = time.monotonic()
    with ExitStack() as opened:
        tracing = opened.enter_context(closing(open_tracing("holistic-producer")))
        publisher = opened.enter_context(FramePublisher(kafka, settings, ledger, watchers, now_us, tracing))
        landmarkers = opened.enter_context(closing(Landmarkers(open_landmarker)))
        line = ProductionLine(settings, landmarkers, publisher, ledger, EpochClock(first_epoch), now_us)
        line.watch(watchers)
        line.run(sources, stop or threading.Event())
    ledger.seconds = time.monotonic() - started_s
    return ledger


@dataclass(slots=True)
class _Reading:
    """A source while it is being read; the numbering begins with its first picture, and anew when tracking is lost."""

    source: Source
    report: SourceReport
    numbering: FrameNumbering | None = None


class ProductionLine:
    """Takes sources through landmarks and encoding to the publisher, one after the other."""

    def __init__(
        self,
        settings: ProducerSettings,
        landmarkers: Landmarkers,
        publisher: FramePublisher,
        ledger: Ledger,
        epochs: EpochClock,
        now_us: Clock,
    ) -> None:
        self._settings = settings
        self._landmarkers = landmarkers
        self._publisher = publisher
        self._ledger = ledger
        self._epochs = epochs
        self._now_us = now_us
        self._watchers: tuple[Watcher, ...] = ()

    def watch(self, watchers: Sequence[Watcher]) -> None:
        """Tell these what happens."""
        self._watchers = tuple(watchers)

    def run(self, sources: Iterable[Source], stop: threading.Event) -> None:
        """Take the sources in order, until `stop` or until Kafka is lost."""
        for source in sources:
            if stop.is_set() or self._publisher.failure is not None:
                return
            self._take_source(source, stop)

    def _take_source(self, source: Source, stop: threading.Event) -> None:
        reading = _Reading(source, SourceReport(source.name, source.stream_id))
        self._ledger.sources.append(reading.report)
        for watcher in self._watchers:
            watcher.source_opened(source)
        ahead = self._settings.capture_ahead_frames
        with closing(read_ahead(source, ahead, stop, lambda item: self._let_go(item, reading))) as items:
            for item in items:
                if isinstance(item, Refused):
                    self._ledger.count_input_rejected(item.reason)
                    self._refuse(item, reading)
                elif isinstance(item, Interrupted):
                    self._begin_anew(item, reading)
                else:
                    self._take_picture(item, reading)
                if self._publisher.failure is not None:
                    reading.report.failed = True
                    break
        self._landmarkers.leave(source.still)
        reading.report.stopped = stop.is_set()
        for watcher in self._watchers:
            watcher.source_finished(reading.report)

    def _take_picture(self, picture: Captured, reading: _Reading) -> None:
        source, report = reading.source, reading.report
        # Opened first, for a picture is handed over when somebody is there to take it.
        landmarker = self._landmarkers.serve(source.still)
        handed_over_us = self._now_us()
        self._ledger.count_frame_read()
        if reading.numbering is None:
            reading.numbering = self._epochs.begin(source.stream_id, handed_over_us)
            report.epoch = reading.numbering.epoch
        try:
            found = landmarker.find(picture.image)
        except LandmarkerFailed as error:
            self._landmarkers.retire(source.still)
            reading.numbering = None
            self._ledger.count_frame_rejected(RefusalReason.INFERENCE_FAILED)
            refused = Refused(f"{source.name}, picture {picture.index}", RefusalReason.INFERENCE_FAILED, error.message)
            self._refuse(refused, reading)
            return
        frame = make_frame(
            picture, found, reading.numbering, self._now_us(), mirrored=self._settings.mirrored, model=landmarker.model
        )
        report.frames += 1
        report.frames_with_person += frame.has_person
        self._publisher.publish(frame, handed_over_us)
        for watcher in self._watchers:
            watcher.frame_processed(source, frame)

    def _let_go(self, item: Captured | Refused, reading: _Reading) -> None:
        """A newer picture overtook it while it waited."""
        if isinstance(item, Refused):
            self._ledger.count_input_rejected(item.reason)
            self._refuse(item, reading)
        else:
            self._ledger.count_frame_read()
            self._ledger.count_dropped(DropReason.OVERTAKEN)

    def _begin_anew(self, interrupted: Interrupted, reading: _Reading) -> None:
        self._landmarkers.leave(reading.source.still)
        reading.numbering = None
        for watcher in self._watchers:
            watcher.source_interrupted(reading.source, interrupted)

    def _refuse(self, refused: Refused, reading: _Reading) -> None:
        reading.report.refuse(refused)
        for watcher in self._watchers:
            watcher.input_refused(reading.source, refused)
