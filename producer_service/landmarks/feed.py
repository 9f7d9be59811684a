"""Keeps a stream's landmarker busy: the next picture is there before the one before it is done."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from producer_service.capture.captured import RgbImage
from producer_service.isolation.picture_memory import PictureMemory
from producer_service.landmarks.landmarker import (
    LANDMARKERS_A_PICTURE,
    Landmarker,
    LandmarkerFailed,
    LandmarkerLost,
    Landmarks,
)

Answer = Callable[[], Landmarks]
"""Waits for what was found. Raises LandmarkerFailed or LandmarkerLost."""


class StreamLandmarker(Landmarker, Protocol):
    """A landmarker of one stream, which takes a few pictures ahead. Used by one thread at a time."""

    @property
    def memory(self) -> PictureMemory | None:
        """Where its next picture is best put; None where that makes no difference."""

    @property
    def ahead(self) -> int:
        """How many pictures may be handed over before the first one's answer is waited for."""

    def begin(self, image: RgbImage) -> Answer:
        """Hand a picture over, u8[height, width, 3]. Raises LandmarkerFailed or LandmarkerLost."""


class LandmarkerHere:
    """A landmarker of this process as one of a stream: it looks when it is asked for its answer."""

    memory = None
    ahead = 1

    def __init__(self, landmarker: Landmarker) -> None:
        self.model = landmarker.model
        self._landmarker = landmarker

    def begin(self, image: RgbImage) -> Answer:
        """Keep the picture until its answer is asked for."""
        return lambda: self.find(image)

    def find(self, image: RgbImage) -> Landmarks:
        """Landmarks of the most prominent person in u8[height, width, 3]. Raises LandmarkerFailed."""
        return self._landmarker.find(image)

    def close(self) -> None:
        """Release the model."""
        self._landmarker.close()


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found in a picture; `anew` says that the tracking of those before it is gone, if there were any."""

    found: Landmarks
    model: str
    anew: bool


class LandmarkerFeed:
    """Pictures of one stream through its landmarker, in order, and through another when that one is gone.

    A picture that breaks the landmarker is the only one lost: those handed over after it are handed to the next.
    """

    def __init__(self, open_landmarker: Callable[[], StreamLandmarker]) -> None:
        """Opens the first landmarker at once. Raises NoLandmarkerFree or LandmarkerFailed."""
        self._open_landmarker = open_landmarker
        self._landmarker: StreamLandmarker | None = open_landmarker()
        self._anew = False
        self._images: deque[RgbImage] = deque()
        self._answers: deque[Answer] = deque()

    @property
    def model(self) -> str:
        """The model and its settings, as frames carry it. Raises NoLandmarkerFree or LandmarkerFailed."""
        return self._serve().model

    @property
    def waiting(self) -> int:
        """Pictures handed over whose landmarks were not taken."""
        return len(self._images)

    def find_memory(self) -> PictureMemory | None:
        """Where the next picture is best put. Raises NoLandmarkerFree or LandmarkerFailed."""
        return self._serve().memory

    def is_full(self, most: int) -> bool:
        """Whether an answer must be taken first: `most` wait, or as many as the landmarker takes ahead."""
        ahead = 1 if self._landmarker is None else self._landmarker.ahead
        return self.waiting >= min(most, ahead)

    def hand_over(self, image: RgbImage) -> None:
        """Hand over the next picture. Raises NoLandmarkerFree or LandmarkerFailed; then it was not."""
        landmarker = self._serve()
        try:
            answer = landmarker.begin(image)
        except LandmarkerLost as error:
            # Said when its turn comes, after those before it.
            answer = _raising(error)
        self._images.append(image)
        self._answers.append(answer)

    def take(self) -> Seen:
        """Wait for the oldest picture's landmarks.

        Raises LandmarkerFailed or NoLandmarkerFree: then it is spent, and tracking begins anew with the next one.
        """
        try:
            found = self._ask_for_oldest()
        except Exception as error:
            self._spend()
            self._begin_again()
            # Said by the error.
            self._anew = False
            if isinstance(error, LandmarkerLost):
                raise LandmarkerFailed(error.message) from error
            raise
        self._spend()
        anew, self._anew = self._anew, False
        return Seen(found, self.model, anew)

    def forget(self) -> None:
        """What follows does not continue what was. Only when no picture is waited for."""
        self.close()

    def close(self) -> None:
        """Let go of the landmarker; another is opened when a picture comes."""
        landmarker, self._landmarker = self._landmarker, None
        self._anew = True
        if landmarker is not None:
            landmarker.close()

    def _ask_for_oldest(self) -> Landmarks:
        for _ in range(LANDMARKERS_A_PICTURE - 1):
            try:
                return self._answers[0]()
            except LandmarkerLost:
                self._begin_again()
        return self._answers[0]()

    def _serve(self) -> StreamLandmarker:
        if self._landmarker is None:
            self._landmarker = self._open_landmarker()
        return self._landmarker

    def _spend(self) -> None:
        self._images.popleft()
        self._answers.popleft()

    def _begin_again(self) -> None:
        """Hand over anew, to a new landmarker, what is waited for; where there is none, each is told at its turn."""
        self.close()
        self._answers.clear()
        for image in self._images:
            try:
                self._answers.append(self._serve().begin(image))
            except Exception as error:  # noqa: BLE001 - raised when it is taken
                self._answers.append(_raising(error))


def _raising(error: Exception) -> Answer:
    def answer() -> Landmarks:
        raise error

    return answer
