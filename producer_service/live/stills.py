"""Single pictures that belong to no open stream: uploads. Each stands alone, and is an epoch of its own."""

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor

from keypoints.errors import Transient
from producer_service.capture.captured import RefusalReason
from producer_service.landmarks.landmarker import LANDMARKERS_A_PICTURE, LandmarkerFailed, LandmarkerLost
from producer_service.live.equipment import Equipment
from producer_service.live.job import Job
from producer_service.live.outcome import DropReason, PictureOutcome
from producer_service.live.picture import Picture
from producer_service.live.processing import Handling, decode_picture, publish_landmarks

log = logging.getLogger(__name__)


class StillsBusy(Transient):
    """More single pictures wait than may wait; try again in a moment. Fields: waiting."""


class Stills:
    """Finds people in single pictures, `at_once` at a time; at most `waiting` more may wait."""

    def __init__(self, at_once: int, waiting: int, equipment: Equipment) -> None:
        self._equipment = equipment
        self._room = threading.Semaphore(at_once + waiting)
        self._waiting = waiting
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="still")

    def submit(self, picture: Picture, stream_id: str, how: Handling) -> "Future[PictureOutcome]":
        """Hand a picture in; the future always gets a result, and never an exception. Raises StillsBusy."""
        if not self._room.acquire(blocking=False):
            raise StillsBusy(
                f"{self._waiting} pictures wait already", hint="send it again in a second", waiting=self._waiting
            )
        job = Job(picture, self._equipment.now_us(), self._equipment.ledger)
        job.outcome.add_done_callback(self._equipment.watch_outcome)
        try:
            self._threads.submit(self._take, job, stream_id, how)
        except RuntimeError:
            self._room.release()
            job.drop(DropReason.STREAM_CLOSED, "the service is stopping")
        return job.outcome

    def close(self) -> None:
        """Finish what was handed in, and take nothing more."""
        self._threads.shutdown(wait=True)

    def _take(self, job: Job, stream_id: str, how: Handling) -> None:
        try:
            for attempt in range(LANDMARKERS_A_PICTURE):
                try:
                    self._process(job, stream_id, how)
                except LandmarkerLost as error:
                    if attempt + 1 == LANDMARKERS_A_PICTURE:
                        job.reject(RefusalReason.INFERENCE_FAILED, error.message)
                    continue
                return
        except LandmarkerFailed as error:
            job.reject(RefusalReason.INFERENCE_FAILED, error.message)
        except Exception as error:
            log.exception("a picture could not be processed", extra={"stream": stream_id})
            job.reject(RefusalReason.INFERENCE_FAILED, f"the picture could not be processed: {error}")
        finally:
            self._room.release()

    def _process(self, job: Job, stream_id: str, how: Handling) -> None:
        equipment = self._equipment
        with equipment.landmarkers.lend_still() as landmarker:
            step = decode_picture(job, landmarker.memory, equipment)
            if step is None:
                return
            found = landmarker.find(step.captured.image)
            numbering = equipment.epochs.begin(stream_id, job.handed_in_us)
            publish_landmarks(job, step, found, numbering, landmarker.model, how, equipment)
