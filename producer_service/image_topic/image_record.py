"""What a record of the topic of images says: whose picture it is, when it was taken, and the picture's bytes."""

from dataclasses import dataclass
from typing import Final

from keypoints.codec import RawRecord
from keypoints.errors import Terminal
from keypoints.topics import check_stream_id
from producer_service.live.picture import EncodedPicture

CAPTURED_AT_HEADER: Final = "captured-at-us"
"""Capture time in µs since 1970; without it the record's timestamp counts, in ms."""
MIRRORED_HEADER: Final = "mirrored"
"""Anything but `false` and `0`: the person is shown as in a mirror."""
_NOT_MIRRORED: Final = frozenset({b"", b"0", b"false"})
_LARGEST_US: Final = 2**63 - 1
_MOST_DIGITS: Final = len(str(_LARGEST_US))


class UnusableImage(Terminal):
    """A record that gives no frame. Fields: reason, where the picture itself was refused."""


@dataclass(frozen=True, slots=True, eq=False)
class ImageRecord:
    """A stream's picture, not decoded and not trusted, with its record's identity as its origin."""

    stream_id: str
    mirrored: bool
    picture: EncodedPicture


def read_image(record: RawRecord) -> ImageRecord:
    """What the record says. Raises UnusableImage or InvalidStreamId."""
    if record.key is None:
        raise UnusableImage("the record has no key", hint="the key of an image is its stream's name, in UTF-8")
    try:
        stream_id = check_stream_id(record.key.decode())
    except UnicodeDecodeError as error:
        raise UnusableImage("the record's key is no UTF-8", hint="the key of an image is its stream's name") from error
    if not record.value:
        raise UnusableImage("the record holds no picture")
    headers = dict(record.headers)
    origin = (record.topic, record.partition, record.offset)
    picture = EncodedPicture(record.value, _read_capture_time(record, headers.get(CAPTURED_AT_HEADER)), origin=origin)
    mirrored = headers.get(MIRRORED_HEADER)
    return ImageRecord(stream_id, mirrored is not None and mirrored.lower() not in _NOT_MIRRORED, picture)


def _read_capture_time(record: RawRecord, said: bytes | None) -> int:
    if said is None:
        if record.timestamp < 0:
            raise UnusableImage("the record has no timestamp", hint="the timestamp of an image is its capture time")
        return record.timestamp * 1000
    # Python reads no number of thousands of digits, and raises what nobody expects.
    if not said.isdigit() or len(said) > _MOST_DIGITS or int(said) > _LARGEST_US:
        raise UnusableImage(f"the header {CAPTURED_AT_HEADER} is no time: {said[:32]!r}", hint="write µs since 1970")
    return int(said)
