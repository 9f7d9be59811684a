"""What a live source reads from, one connection at a time."""

from typing import Protocol

from producer_service.capture.captured import RgbImage


class Carrier(Protocol):
    """A connection. One thread uses and closes it; any may interrupt it."""

    def interrupt(self) -> None:
        """Let whoever waits for something wait no more, where that can be done; returns at once."""

    def close(self) -> None:
        """Release it."""


class Feed(Carrier, Protocol):
    """A connection to a camera that gives pictures."""

    def read(self) -> RgbImage:
        """The next picture, waited for. Raises FeedLost when there will be none, InvalidImage for a damaged one."""


class Camera(Protocol):
    """Where pictures come from for as long as it is there."""

    def connect(self) -> Feed:
        """Connect, anew each time.

        Raises SourceRefused, AddressRefused or InvalidAddress when another try will end like this one, and a Transient
        error when it may not.
        """
