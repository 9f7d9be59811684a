"""A picture as it is handed to a stream: decoded by its source, or as bytes nobody has looked at."""

from dataclasses import dataclass

from producer_service.capture.captured import Captured


@dataclass(frozen=True, slots=True, eq=False)
class EncodedPicture:
    """A JPEG, PNG or WebP as it came from outside, not trusted, and when it was taken (µs since 1970).

    `origin` is the (topic, partition, offset) of the record it came in, where it came from Kafka: its frame's identity.
    """

    data: bytes
    captured_at_us: int
    index: int = 0
    origin: tuple[str, int, int] | None = None


Picture = Captured | EncodedPicture
