"""A frame's record as it lies on disk: its length and checksum (8 bytes), then what Kafka is to get, and its facts."""

import struct
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import BinaryIO, Final

import orjson

from keypoints.topics import record_key
from producer_service.encode import FrameRecord
from producer_service.travelling import FrameFacts

_FRAMING: Final = struct.Struct("<II")
_META_LENGTH: Final = struct.Struct("<I")
FRAMING_BYTES: Final = _FRAMING.size
LARGEST_BODY_BYTES: Final = 64 * 1024 * 1024
"""A length above this is damage, not a record."""


@dataclass(frozen=True, slots=True)
class SpilledFrame:
    """What is needed to publish a frame later, by another process if need be."""

    topic: str
    record: FrameRecord
    facts: FrameFacts


def pack_frame(frame: SpilledFrame) -> bytes:
    """The frame's bytes on disk, with length and checksum."""
    meta = orjson.dumps(
        {
            "topic": frame.topic,
            "timestamp_ms": frame.record.timestamp_ms,
            "headers": [[name, b64encode(value).decode()] for name, value in frame.record.headers],
            "facts": asdict(frame.facts),
        }
    )
    body = b"".join((_META_LENGTH.pack(len(meta)), meta, frame.record.value))
    return _FRAMING.pack(len(body), zlib.crc32(body)) + body


def unpack_frame(body: bytes) -> SpilledFrame:
    """The frame of a body whose checksum was right."""
    (meta_length,) = _META_LENGTH.unpack_from(body)
    values_at = _META_LENGTH.size + meta_length
    meta = orjson.loads(body[_META_LENGTH.size : values_at])
    facts = FrameFacts(**meta["facts"])
    headers = [(name, b64decode(value)) for name, value in meta["headers"]]
    record = FrameRecord(record_key(facts.stream_id), body[values_at:], headers, meta["timestamp_ms"])
    return SpilledFrame(meta["topic"], record, facts)


def read_bodies(file: BinaryIO) -> Iterator[bytes]:
    """The bodies of the whole records from where the file stands; ends at the first that is torn or damaged."""
    while len(framing := file.read(FRAMING_BYTES)) == FRAMING_BYTES:
        length, checksum = _FRAMING.unpack(framing)
        if length > LARGEST_BODY_BYTES:
            return
        body = file.read(length)
        if len(body) < length or zlib.crc32(body) != checksum:
            return
        yield body
