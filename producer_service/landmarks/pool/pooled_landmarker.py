"""A landmarker in a worker process, as a stream sees it."""

from collections.abc import Callable

import numpy as np

from producer_service.capture.captured import RgbImage
from producer_service.isolation.picture_memory import PictureMemory
from producer_service.landmarks.landmarker import LandmarkerFailed, LandmarkerLost, Landmarks
from producer_service.landmarks.pool.wire import unpack_landmarks
from producer_service.landmarks.pool.worker import Worker


class PooledLandmarker:
    """One stream's landmarker. Used by one thread at a time; stays on its worker for as long as it lives."""

    def __init__(self, worker: Worker, stream: int, memory: PictureMemory, *, still: bool) -> None:
        """Open it on a worker that has room for it. Raises LandmarkerFailed or LandmarkerLost."""
        self.worker = worker
        self.memory = memory
        self.stream = stream
        self._on_close: Callable[[PooledLandmarker], None] = lambda _: None
        answer, _ = worker.ask({"do": "open", "stream": stream, "still": still}, fds=[memory.fd])
        self.model = str(answer["model"])

    def on_close(self, call: "Callable[[PooledLandmarker], None]") -> None:
        """Call this once, when it is closed."""
        self._on_close = call

    def find(self, image: RgbImage) -> Landmarks:
        """Landmarks of the most prominent person in u8[height, width, 3]; copied into `memory` unless it is there.

        Raises LandmarkerFailed, and LandmarkerLost when its worker is gone or to be replaced.
        """
        if self.worker.retiring:
            raise LandmarkerLost(f"worker {self.worker.pid} is to be replaced", worker=self.worker.pid)
        height, width = image.shape[:2]
        if not self.memory.holds(image):
            np.copyto(self.memory.reserve(height, width), image)
        head = {"do": "find", "stream": self.stream, "height": height, "width": width}
        answer, body = self.worker.ask(head)
        try:
            return unpack_landmarks(answer["parts"], body)
        except (KeyError, ValueError, TypeError) as error:
            raise LandmarkerFailed(f"the worker's answer cannot be read: {error}", worker=self.worker.pid) from error

    def close(self) -> None:
        """Have the worker forget the stream; a worker that is gone has forgotten it."""
        call, self._on_close = self._on_close, lambda _: None
        try:
            self.worker.ask({"do": "close", "stream": self.stream})
        except (LandmarkerFailed, LandmarkerLost):
            pass
        finally:
            self.memory.close()
            call(self)
