"""The messages of a WebSocket of frames, as bytes. Numbers are little-endian.

In: `u32 number | f64 captured_at_ms (since 1970; 0: when it arrives) | JPEG, PNG or WebP`.
Out: `u32 bytes of the head | head, JSON padded with spaces to a multiple of 4 | float32 values of the parts found`.
"""

import struct
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

import numpy as np
import orjson

from keypoints.errors import Terminal
from keypoints.frame import HolisticFrame
from keypoints.landmarks import PART_SHAPES
from producer_service.gateway.answers import show_spent
from producer_service.live.outcome import Acknowledged, Dropped, PictureOutcome

_HEADER: Final = struct.Struct("<Id")
_HEAD_BYTES: Final = struct.Struct("<I")
_ALIGNMENT: Final = 4
_US_PER_MS: Final = 1000
# Beyond this a float64 has no whole milliseconds; it is some 285,000 years.
_LARGEST_MS: Final = 2.0**53


class DamagedMessage(Terminal):
    """A message that is too short to be one."""


@dataclass(frozen=True, slots=True)
class SentPicture:
    """A picture as it came. `captured_at_us` is None for one that was taken just now, -1 for a time that is none."""

    number: int
    captured_at_us: int | None
    data: bytes


def read_picture_message(message: bytes) -> SentPicture:
    """The parts of a message. Raises DamagedMessage."""
    if len(message) < _HEADER.size:
        raise DamagedMessage(f"a message of {len(message)} bytes has no room for its number and time")
    number, captured_at_ms = _HEADER.unpack_from(message)
    captured_at_us: int | None = None
    if captured_at_ms != 0:
        sane = isfinite(captured_at_ms) and 0 < captured_at_ms < _LARGEST_MS
        captured_at_us = int(captured_at_ms * _US_PER_MS) if sane else -1
    return SentPicture(number, captured_at_us, message[_HEADER.size :])


def write_outcome(number: int, outcome: PictureOutcome) -> bytes:
    """What became of a picture."""
    if isinstance(outcome, Acknowledged):
        return _write_acknowledged(number, outcome)
    reason = outcome.reason if isinstance(outcome, Dropped) else outcome.reason.value
    return write_refusal(number, "dropped" if isinstance(outcome, Dropped) else "rejected", reason, outcome.message)


def write_refusal(number: int, status: str, reason: str, message: str) -> bytes:
    """That a picture gave no record, and why."""
    return _write({"number": number, "status": status, "reason": reason, "message": message, "parts": []}, b"")


def _write_acknowledged(number: int, outcome: Acknowledged) -> bytes:
    frame, delivered = outcome.frame, outcome.delivered
    parts, values = _gather_parts(frame)
    head = {
        "number": number,
        "status": "acknowledged",
        "topic": delivered.topic,
        "partition": delivered.partition,
        "offset": delivered.offset,
        "epoch": frame.epoch,
        "sequence": frame.sequence,
        "captured_at_ms": frame.captured_at_us / _US_PER_MS,
        "width": frame.width,
        "height": frame.height,
        "mirrored": frame.mirrored,
        "spent": show_spent(outcome.spent),
        "parts": parts,
    }
    return _write(head, values)


def _gather_parts(frame: HolisticFrame) -> tuple[list[tuple[str, int, int]], bytes]:
    found = [(part.value, values) for part in PART_SHAPES if (values := frame.part(part)) is not None]
    described = [(name, values.shape[0], values.shape[1]) for name, values in found]
    return described, b"".join(values.astype(np.dtype("<f4"), copy=False).tobytes() for _, values in found)


def _write(head: dict[str, Any], values: bytes) -> bytes:
    text = orjson.dumps(head)
    text += b" " * (-len(text) % _ALIGNMENT)
    return _HEAD_BYTES.pack(len(text)) + text + values
