"""A landmarker in a worker process, as a stream sees it."""

from collections.abc import Callable, Sequence

import numpy as np

from producer_service.capture.captured import RgbImage
from producer_service.isolation.picture_memory import PictureMemory
from producer_service.landmarks.feed import Answer
from producer_service.landmarks.landmarker import LandmarkerFailed, LandmarkerLost, Landmarks
from producer_service.landmarks.pool.wire import unpack_landmarks
from producer_service.landmarks.pool.worker import Worker


class PooledLandmarker:
    """One stream's landmarker. Used by one thread at a time; stays on its worker for as long as it lives.

    It has as many memories as pictures may be under way, and uses them in turn.
    """

    def __init__(self, worker: Worker, stream: int, memories: Sequence[PictureMemory], *, still: bool) -> None:
        """Open it on a worker that has room for it. Raises LandmarkerFailed or LandmarkerLost."""
        self.worker = worker
        self.stream = stream
        self._memories = tuple(memories)
        self._next = 0
        self._on_close: Callable[[PooledLandmarker], None] = lambda _: None
        head = {"do": "open", "stream": stream, "still": still}
        answer, _ = worker.ask(head, fds=[memory.fd for memory in memories])
        self.model = str(answer["model"])

    @property
    def memory(self) -> PictureMemory:
        """Where the next picture is read from."""
        return self._memories[self._next]

    @property
    def ahead(self) -> int:
        """One picture for each memory."""
        return len(self._memories)

    def on_close(self, call: "Callable[[PooledLandmarker], None]") -> None:
        """Call this once, when it is closed."""
        self._on_close = call

    def begin(self, image: RgbImage) -> Answer:
        """Hand over u8[height, width, 3], copied into `memory` unless it is there; at most `ahead` at once.

        Raises LandmarkerLost when its worker is gone or to be replaced; the answer raises LandmarkerFailed as well.
        """
        if self.worker.retiring:
            raise LandmarkerLost(f"worker {self.worker.pid} is to be replaced", worker=self.worker.pid)
        height, width = image.shape[:2]
        memory, place = self.memory, self._next
        if not memory.holds(image):
            np.copyto(memory.reserve(height, width), image)
        head = {"do": "find", "stream": self.stream, "memory": place, "height": height, "width": width}
        asked = self.worker.begin(head)
        self._next = (place + 1) % len(self._memories)

        def answer() -> Landmarks:
            head, body = self.worker.wait_for(asked)
            try:
                return unpack_landmarks(head["parts"], body)
            except (KeyError, ValueError, TypeError) as error:
                message = f"the worker's answer cannot be read: {error}"
                raise LandmarkerFailed(message, worker=self.worker.pid) from error

        return answer

    def find(self, image: RgbImage) -> Landmarks:
        """Landmarks of the most prominent person in u8[height, width, 3].

        Raises LandmarkerFailed, and LandmarkerLost when its worker is gone or to be replaced.
        """
        return self.begin(image)()

    def close(self) -> None:
        """Have the worker forget the stream; a worker that is gone has forgotten it."""
        call, self._on_close = self._on_close, lambda _: None
        try:
            self.worker.ask({"do": "close", "stream": self.stream})
        except (LandmarkerFailed, LandmarkerLost):
            pass
        finally:
            for memory in self._memories:
                memory.close()
            call(self)
