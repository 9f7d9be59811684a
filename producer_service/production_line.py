"""One source after the other through landmarks and encoding to the publisher."""

import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field

from keypoints.errors import HolisticError
from producer_service.capture.captured import Captured, Clock, Interrupted, RefusalReason, Refused, Source
from producer_service.capture.read_ahead import read_ahead
from producer_service.encode import EpochClock, FrameNumbering, make_frame
from producer_service.landmarks.landmarker import LandmarkerFailed, LandmarkerLost
from producer_service.landmarks.landmarkers import Landmarkers
from producer_service.ledger import Ledger, SourceReport
from producer_service.live.outcome import DropReason
from producer_service.progress.file_progress import FileProgress, SourceProgress
from producer_service.publish import FramePublisher
from producer_service.settings import ProducerSettings
from producer_service.watchers import Watcher


@dataclass(slots=True)
class _Reading:
    """A source while it is being read; the numbering begins with its first picture, and anew when tracking is lost."""

    source: Source
    report: SourceReport
    landmarkers: Landmarkers
    progress: SourceProgress = field(default_factory=SourceProgress)
    pictures: int = 0
    numbering: FrameNumbering | None = None

    def number(self) -> int:
        """The number of the picture that is taken now, from 0."""
        self.pictures += 1
        return self.pictures - 1

    def forget_tracking(self) -> None:
        """Its landmarker broke or is gone: what follows is another epoch."""
        self.landmarkers.retire(self.source.still)
        self.numbering = None


class ProductionLine:
    """Takes sources through landmarks and encoding to the publisher; several threads may, each with its sources."""

    def __init__(
        self,
        settings: ProducerSettings,
        publisher: FramePublisher,
        ledger: Ledger,
        epochs: EpochClock,
        now_us: Clock,
        progress: FileProgress | None = None,
    ) -> None:
        self._progress = progress
        self._settings = settings
        self._publisher = publisher
        self._ledger = ledger
        self._epochs = epochs
        self._now_us = now_us
        self._watchers: tuple[Watcher, ...] = ()

    def watch(self, watchers: Sequence[Watcher]) -> None:
        """Tell these what happens."""
        self._watchers = tuple(watchers)

    @property
    def failure(self) -> HolisticError | None:
        """Why nothing more can be published, or None."""
        return self._publisher.failure

    def take_source(self, source: Source, landmarkers: Landmarkers, stop: threading.Event) -> None:
        """Take a source to its end, until `stop` or until Kafka is lost."""
        reading = _Reading(source, SourceReport(source.name, source.stream_id), landmarkers)
        self._ledger.sources.append(reading.report)
        for watcher in self._watchers:
            watcher.source_opened(source)
        try:
            self._resume(reading)
        except HolisticError as error:
            reading.report.failed = True
            self._ledger.error = self._ledger.error or error
        else:
            if not reading.progress.complete:
                self._read(reading, stop)
        finally:
            reading.progress.close()
        landmarkers.leave(source.still)
        reading.report.stopped = stop.is_set()
        for watcher in self._watchers:
            watcher.source_finished(reading.report)

    def _resume(self, reading: _Reading) -> None:
        """Take up what an earlier run left of the source. Raises HolisticError."""
        if self._progress is None:
            return
        source, report = reading.source, reading.report
        reading.progress = self._progress.follow(source, lambda: reading.landmarkers.serve(source.still).model)
        epoch = reading.progress.epoch
        if epoch is None:
            return
        report.epoch = epoch
        if reading.progress.complete:
            report.already_published = len(reading.progress.published)
        for watcher in self._watchers:
            watcher.source_resumed(source, epoch, len(reading.progress.published))

    def _read(self, reading: _Reading, stop: threading.Event) -> None:
        source = reading.source
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
                    return
        if not stop.is_set() and not reading.report.rejected:
            reading.progress.end(reading.pictures)

    def _take_picture(self, picture: Captured, reading: _Reading) -> None:
        source, report = reading.source, reading.report
        number = reading.number()
        self._follow_epochs(number, reading)
        published = number in reading.progress.published
        if published and source.still:
            self._pass_over(reading)
            return
        # Opened first, for a picture is handed over when somebody is there to take it.
        landmarker = reading.landmarkers.serve(source.still)
        handed_over_us = self._now_us()
        if not published:
            self._ledger.count_frame_read()
        try:
            try:
                found = landmarker.find(picture.image)
            except LandmarkerLost:
                # Its worker went for another's picture, or was replaced; a new one is there already.
                reading.forget_tracking()
                landmarker = reading.landmarkers.serve(source.still)
                found = landmarker.find(picture.image)
        except (LandmarkerFailed, LandmarkerLost) as error:
            reading.forget_tracking()
            if published:
                self._pass_over(reading)
                return
            self._ledger.count_frame_rejected(RefusalReason.INFERENCE_FAILED)
            refused = Refused(f"{source.name}, picture {picture.index}", RefusalReason.INFERENCE_FAILED, error.message)
            self._refuse(refused, reading)
            return
        if published:
            # It was looked at for the sake of those that follow: they are tracked on from it.
            self._pass_over(reading)
            return
        if reading.numbering is None:
            reading.numbering = self._epochs.begin(source.stream_id, handed_over_us)
            report.epoch = reading.numbering.epoch
            reading.progress.begin_epoch(reading.numbering.epoch, number)
        frame = make_frame(
            picture, found, reading.numbering, self._now_us(), mirrored=self._settings.mirrored, model=landmarker.model
        )
        report.frames += 1
        report.frames_with_person += frame.has_person
        self._publisher.publish(frame, handed_over_us)
        for watcher in self._watchers:
            watcher.frame_processed(source, frame)

    def _follow_epochs(self, number: int, reading: _Reading) -> None:
        """Where an earlier run began an epoch, begin it again: tracking was new there."""
        epoch = reading.progress.epoch_at(number)
        if epoch is not None:
            if reading.numbering is not None and not reading.source.still:
                reading.forget_tracking()
            reading.numbering = self._epochs.resume(reading.source.stream_id, epoch)
            reading.report.epoch = epoch

    def _pass_over(self, reading: _Reading) -> None:
        """Its frame is on the topic already; its number is not given to another."""
        if reading.numbering is not None:
            reading.numbering.take()
        reading.report.already_published += 1
        for watcher in self._watchers:
            watcher.frame_passed_over(reading.source)

    def _let_go(self, item: Captured | Refused, reading: _Reading) -> None:
        """A newer picture overtook it while it waited."""
        if isinstance(item, Refused):
            self._ledger.count_input_rejected(item.reason)
            self._refuse(item, reading)
        else:
            self._ledger.count_frame_read()
            self._ledger.count_dropped(DropReason.OVERTAKEN)

    def _begin_anew(self, interrupted: Interrupted, reading: _Reading) -> None:
        reading.landmarkers.leave(reading.source.still)
        reading.numbering = None
        for watcher in self._watchers:
            watcher.source_interrupted(reading.source, interrupted)

    def _refuse(self, refused: Refused, reading: _Reading) -> None:
        reading.report.refuse(refused)
        for watcher in self._watchers:
            watcher.input_refused(reading.source, refused)
