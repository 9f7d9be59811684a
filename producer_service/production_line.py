"""One source after the other through landmarks and encoding to the publisher."""

import threading
from collections import deque
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

from keypoints.errors import HolisticError
from producer_service.capture.captured import Captured, Clock, DropPolicy, Interrupted, RefusalReason, Refused, Source
from producer_service.capture.read_ahead import read_ahead
from producer_service.encode import EpochClock, FrameNumbering, make_frame
from producer_service.landmarks.landmarker import LandmarkerFailed, NoLandmarkerFree
from producer_service.landmarks.landmarkers import Landmarkers
from producer_service.ledger import Ledger, SourceReport
from producer_service.live.outcome import DropReason
from producer_service.progress.file_progress import FileProgress, SourceProgress
from producer_service.publish import FramePublisher
from producer_service.settings import ProducerSettings
from producer_service.watchers import Watcher

_FILE_AHEAD: Final = 2


@dataclass(frozen=True, slots=True, eq=False)
class _UnderWay:
    """A picture that is being looked at: its number in its source, whether its frame is on the topic already.

    `resumed` is the epoch that an earlier run began with it.
    """

    picture: Captured
    number: int
    published: bool
    handed_over_us: int
    resumed: FrameNumbering | None


@dataclass(slots=True)
class _Reading:
    """A source while it is being read; the numbering begins with its first picture, and anew when tracking is lost."""

    source: Source
    report: SourceReport
    landmarkers: Landmarkers
    progress: SourceProgress = field(default_factory=SourceProgress)
    pictures: int = 0
    numbering: FrameNumbering | None = None
    under_way: deque[_UnderWay] = field(default_factory=deque)

    def number(self) -> int:
        """The number of the picture that is taken now, from 0."""
        self.pictures += 1
        return self.pictures - 1

    def forget_tracking(self) -> None:
        """What follows does not continue what was."""
        self.landmarkers.leave(self.source.still)
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
                    break
            self._finish_all(reading)
        if self._publisher.failure is not None:
            reading.report.failed = True
            return
        if not stop.is_set() and not reading.report.rejected:
            reading.progress.end(reading.pictures)

    def _take_picture(self, picture: Captured, reading: _Reading) -> None:
        source = reading.source
        number = reading.number()
        resumed = self._follow_epochs(number, reading)
        published = number in reading.progress.published
        if published and source.still:
            self._finish_all(reading)
            reading.numbering = resumed or reading.numbering
            self._pass_over(reading)
            return
        # Opened first, for a picture is handed over when somebody is there to take it.
        feed = reading.landmarkers.serve(source.still)
        under_way = _UnderWay(picture, number, published, self._now_us(), resumed)
        if not published:
            self._ledger.count_frame_read()
        try:
            feed.hand_over(picture.image)
        except (LandmarkerFailed, NoLandmarkerFree) as error:
            self._finish_all(reading)
            self._lose(under_way, reading, error)
            return
        reading.under_way.append(under_way)
        # Nobody knows when a camera's next one comes, so it does not wait for that.
        ahead = _FILE_AHEAD if source.drop_policy is DropPolicy.WAIT else 1
        while feed.is_full(ahead):
            self._finish_oldest(reading)

    def _finish_all(self, reading: _Reading) -> None:
        while reading.under_way:
            self._finish_oldest(reading)

    def _finish_oldest(self, reading: _Reading) -> None:
        source, report, done = reading.source, reading.report, reading.under_way.popleft()
        try:
            seen = reading.landmarkers.serve(source.still).take()
        except (LandmarkerFailed, NoLandmarkerFree) as error:
            self._lose(done, reading, error)
            return
        if done.resumed is not None or seen.anew:
            reading.numbering = done.resumed
        if done.published:
            # It was looked at for the sake of those that follow: they are tracked on from it.
            self._pass_over(reading)
            return
        if reading.numbering is None:
            reading.numbering = self._epochs.begin(source.stream_id, done.handed_over_us)
            report.epoch = reading.numbering.epoch
            reading.progress.begin_epoch(reading.numbering.epoch, done.number)
        mirrored = self._settings.mirrored
        frame = make_frame(
            done.picture, seen.found, reading.numbering, self._now_us(), mirrored=mirrored, model=seen.model
        )
        report.frames += 1
        report.frames_with_person += frame.has_person
        self._publisher.publish(frame, done.handed_over_us)
        for watcher in self._watchers:
            watcher.frame_processed(source, frame)

    def _lose(self, lost: _UnderWay, reading: _Reading, error: HolisticError) -> None:
        """The landmarker broke at a picture: it gives no frame, and what follows is another epoch."""
        reading.numbering = lost.resumed
        if lost.published:
            self._pass_over(reading)
            return
        self._ledger.count_frame_rejected(RefusalReason.INFERENCE_FAILED)
        name = f"{reading.source.name}, picture {lost.picture.index}"
        self._refuse(Refused(name, RefusalReason.INFERENCE_FAILED, error.message), reading)

    def _follow_epochs(self, number: int, reading: _Reading) -> FrameNumbering | None:
        """Where an earlier run began an epoch, begin it again: tracking was new there."""
        epoch = reading.progress.epoch_at(number)
        if epoch is None:
            return None
        self._finish_all(reading)
        if reading.numbering is not None and not reading.source.still:
            reading.forget_tracking()
        reading.report.epoch = epoch
        return self._epochs.resume(reading.source.stream_id, epoch)

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
        self._finish_all(reading)
        reading.forget_tracking()
        for watcher in self._watchers:
            watcher.source_interrupted(reading.source, interrupted)

    def _refuse(self, refused: Refused, reading: _Reading) -> None:
        reading.report.refuse(refused)
        for watcher in self._watchers:
            watcher.input_refused(reading.source, refused)
