"""One open stream: its pictures in order, on a thread of its own, through a landmarker that knows only them."""

import logging
import threading
from collections import deque
from concurrent.futures import Future

from producer_service.capture.captured import DropPolicy, RefusalReason
from producer_service.encode import FrameNumbering
from producer_service.landmarks.feed import LandmarkerFeed
from producer_service.landmarks.landmarker import LandmarkerFailed, NoLandmarkerFree
from producer_service.live.equipment import Equipment
from producer_service.live.job import Job
from producer_service.live.line_counts import LineCounts
from producer_service.live.outcome import DropReason, PictureOutcome
from producer_service.live.picture import Picture
from producer_service.live.picture_queue import PictureQueue
from producer_service.live.processing import Handling, Step, decode_picture, publish_landmarks

log = logging.getLogger(__name__)

_FILE_AHEAD = 2


class StreamLine:
    """Takes pictures of one stream until it is closed.

    The first landmarker is opened by the caller's thread, so that a stream for which there is no room is never open.
    Tracking begins anew, in a new epoch, when the landmarker is replaced or the source says that it was interrupted.
    """

    def __init__(self, stream_id: str, policy: DropPolicy, capacity: int, how: Handling, equipment: Equipment) -> None:
        """Raises NoLandmarkerFree or LandmarkerFailed."""
        self.stream_id = stream_id
        self.policy = policy
        self.counts = LineCounts(equipment.now_us)
        self._how = how
        self._equipment = equipment
        self._queue: PictureQueue[Job] = PictureQueue(capacity, policy)
        self._stretch = 0
        self._tracked_stretch = 0
        self._feed = LandmarkerFeed(equipment.landmarkers.open_stream)
        # A live picture that waited at the landmarker would be an old one.
        self._ahead = _FILE_AHEAD if policy is DropPolicy.WAIT else 1
        self._under_way: deque[tuple[Job, Step]] = deque()
        self._numbering: FrameNumbering | None = None
        self._thread = threading.Thread(target=self._run, name=f"stream {stream_id}", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Pictures that wait for their turn."""
        return len(self._queue)

    def submit(self, picture: Picture) -> "Future[PictureOutcome]":
        """Hand a picture in; the future always gets a result, and never an exception.

        A live stream's older pictures give way to it; a file's caller waits for room. Pictures of a stream that is
        closed are dropped as `stream_closed`.
        """
        job = Job(picture, self._equipment.now_us(), self._equipment.ledger, self._stretch)
        job.outcome.add_done_callback(self.counts.count)
        job.outcome.add_done_callback(self._equipment.watch_outcome)
        self._give_way(self._queue.put(job), own=job)
        return job.outcome

    def interrupt(self) -> None:
        """What follows does not continue what was: the next picture begins a new epoch. Called by who submits."""
        self._stretch += 1

    def close(self, *, drain: bool = True) -> None:
        """Take nothing more in, and wait until all is handed to Kafka; without `drain` what waits is dropped."""
        self._give_way(self._queue.close(drain=drain))
        self._thread.join()

    def _give_way(self, gave_way: list[Job], own: Job | None = None) -> None:
        for job in gave_way:
            if job is own or self._queue.closed:
                job.drop(DropReason.STREAM_CLOSED, f"the stream {self.stream_id} was closed")
            else:
                job.drop(DropReason.OVERTAKEN, "a newer picture of its stream came while it waited")

    def _run(self) -> None:
        try:
            while True:
                # With a picture under way, nobody waits for the next one before its landmarks are taken.
                job = self._queue.take(wait=not self._under_way)
                if job is not None:
                    self._hand_over(job)
                if self._under_way and (job is None or self._feed.is_full(self._ahead)):
                    self._take_oldest()
                elif job is None:
                    return
        finally:
            self._feed.close()

    def _hand_over(self, job: Job) -> None:
        if job.stretch != self._tracked_stretch:
            self._tracked_stretch = job.stretch
            self._take_all()
            self._feed.forget()
        try:
            step = decode_picture(job, self._feed.find_memory(), self._equipment)
            if step is not None:
                self._feed.hand_over(step.captured.image)
                self._under_way.append((job, step))
        except (LandmarkerFailed, NoLandmarkerFree) as error:
            job.reject(RefusalReason.INFERENCE_FAILED, error.message)
        except Exception as error:  # noqa: BLE001 - a stream outlives what nobody foresaw
            self._survive(job, error)

    def _take_all(self) -> None:
        while self._under_way:
            self._take_oldest()

    def _take_oldest(self) -> None:
        job, step = self._under_way.popleft()
        try:
            seen = self._feed.take()
            if seen.anew or self._numbering is None:
                self._numbering = self._equipment.epochs.begin(self.stream_id, job.handed_in_us)
                self.counts.begin_epoch(self._numbering.epoch)
            publish_landmarks(job, step, seen.found, self._numbering, seen.model, self._how, self._equipment)
        except (LandmarkerFailed, NoLandmarkerFree) as error:
            self._numbering = None
            job.reject(RefusalReason.INFERENCE_FAILED, error.message)
        except Exception as error:  # noqa: BLE001 - a stream outlives what nobody foresaw
            self._numbering = None
            self._survive(job, error)

    def _survive(self, job: Job, error: Exception) -> None:
        log.error("a picture could not be processed", extra={"stream": self.stream_id}, exc_info=error)
        job.reject(RefusalReason.INFERENCE_FAILED, f"the picture could not be processed: {error}")
