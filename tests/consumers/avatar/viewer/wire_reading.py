"""The binary form read by hand, as docs/avatar-stream.md has it: it shares nothing with what writes it."""

import struct
from dataclasses import dataclass

BONES, SHAPES = 55, 51
RECORD_BYTES = 556


@dataclass(frozen=True)
class ReadState:
    """One record; what is unknown is left out."""

    number: int
    tracked: bool
    captured_at_ms: float
    received_at_ms: float
    root_m: tuple[float, float, float]
    bones: dict[int, tuple[float, float, float, float]]
    shapes: dict[int, float]


def read_message(message: bytes) -> tuple[float, list[ReadState]]:
    """The server's time, and the states."""
    kind, version, count, zero, at_ms = struct.unpack_from("<BBHId", message, 0)
    assert (chr(kind), version, zero) == ("A", 1, 0)
    assert len(message) == 16 + count * RECORD_BYTES
    return at_ms, [_read_state(message, 16 + row * RECORD_BYTES) for row in range(count)]


def _read_state(message: bytes, at: int) -> ReadState:
    number, tracked = struct.unpack_from("<IB", message, at)
    assert message[at + 5 : at + 8] == bytes(3)
    assert message[at + 543 : at + 556] == bytes(13)
    captured_at_ms, received_at_ms = struct.unpack_from("<dd", message, at + 8)
    root_m = struct.unpack_from("<fff", message, at + 24)
    bone_words = struct.unpack_from("<II", message, at + 36)
    shape_words = struct.unpack_from("<II", message, at + 44)
    bones = {
        bone: tuple(value / 32767 for value in struct.unpack_from("<hhhh", message, at + 52 + 8 * bone))
        for bone in range(BONES)
        if bone_words[bone // 32] >> bone % 32 & 1
    }
    shapes = {
        shape: message[at + 492 + shape] / 255 for shape in range(SHAPES) if shape_words[shape // 32] >> shape % 32 & 1
    }
    return ReadState(number, bool(tracked & 1), captured_at_ms, received_at_ms, root_m, bones, shapes)
