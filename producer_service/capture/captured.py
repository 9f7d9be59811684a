"""What every source yields, whatever it reads from."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

RgbImage = NDArray[np.uint8]
"""u8[height, width, 3], red first, C-contiguous."""

Clock = Callable[[], int]
"""Wall time in µs since 1970 (UTC)."""


class RefusalReason(StrEnum):
    """Why an input gave no frame; the values appear in ledgers and machine output."""

    MISSING_FILE = "missing_file"
    UNREADABLE_FILE = "unreadable_file"
    EMPTY_FOLDER = "empty_folder"
    FILE_TOO_LARGE = "file_too_large"
    IMAGE_TOO_LARGE = "image_too_large"
    NOT_AN_IMAGE = "not_an_image"
    DAMAGED_IMAGE = "damaged_image"
    UNREADABLE_VIDEO = "unreadable_video"
    EMPTY_VIDEO = "empty_video"
    TRUNCATED_VIDEO = "truncated_video"
    NO_DEVICE = "no_device"
    BUSY_DEVICE = "busy_device"
    REFUSED_ADDRESS = "refused_address"
    WRONG_CREDENTIALS = "wrong_credentials"
    UNREADABLE_STREAM = "unreadable_stream"
    INFERENCE_FAILED = "inference_failed"
    DECODE_TIMEOUT = "decode_timeout"
    NO_PERSON = "no_person"


@dataclass(frozen=True, slots=True, eq=False)
class Captured:
    """One picture: its pixels, when it was taken (µs since 1970), and its place in its source, from 0."""

    image: RgbImage
    captured_at_us: int
    index: int


@dataclass(frozen=True, slots=True)
class Refused:
    """An input, or the rest of one, that gave no frame: which, why, and a sentence for people."""

    name: str
    reason: RefusalReason
    message: str


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The pictures that follow do not continue those before: tracking begins anew, under a new epoch.

    A live source yields it after it connected again, before the first picture of the new connection.
    """

    message: str


SourceItem = Captured | Refused | Interrupted
"""What reading a source gives."""


class DropPolicy(StrEnum):
    """What becomes of a source's pictures when they come faster than they can be taken."""

    WAIT = "wait"
    """The source waits, and no picture is lost: files."""
    DROP_OLDEST = "drop_oldest"
    """The oldest picture that still waits is dropped and counted: live sources, which must not fall behind."""


@runtime_checkable
class Stoppable(Protocol):
    """A source that may wait long for its next picture: a live one."""

    def stop(self) -> None:
        """Let its reading end within a moment. Safe from any thread."""


class Source(Protocol):
    """One stream of pictures, read once from its beginning.

    `still` says that the pictures have nothing to do with each other, so that no tracking is carried from one to the
    next. `expected_frames` is known once reading has begun, and only where the source tells it.
    """

    @property
    def name(self) -> str:
        """What a person calls the source: its path, or its address without what is secret in it."""

    @property
    def stream_id(self) -> str:
        """The stream its frames belong to."""

    @property
    def still(self) -> bool:
        """Whether its pictures are unrelated stills."""

    @property
    def expected_frames(self) -> int | None:
        """How many frames it says to have, or None while that is not known."""

    @property
    def drop_policy(self) -> DropPolicy:
        """What becomes of its pictures when they come too fast."""

    def read(self) -> Generator[SourceItem, None, None]:
        """Yield every picture in order. Closing the iterator releases the file. Never raises for a bad input.

        A live source goes on until the iterator is closed, or until it is told to stop.
        """
