"""States as the WebSocket has them, version 1: docs/avatar-stream.md is the reference."""

import struct
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from consumers.avatar.face.arkit import SHAPE_COUNT, Blendshape
from consumers.avatar.humanoid.skeleton import BONE_COUNT, PARENTS, REST_OFFSETS_M, Bone
from consumers.avatar.states import AvatarStates, Flags

VERSION: Final = 1
_STATES: Final = ord("A")
_HEADER: Final = struct.Struct("<BBHId")
_ROTATION_UNIT: Final = 32767.0
_SHAPE_UNIT: Final = 255.0
_WORD_BITS: Final = 32
_WORDS: Final = 2
_ROOT_DIGITS: Final = 5
_ROTATION_DIGITS: Final = 6
_SHAPE_DIGITS: Final = 4

RECORD: Final = np.dtype(
    [
        ("number", "<u4"),
        ("tracked", "u1"),
        ("zero", "u1", 3),
        ("captured_at_ms", "<f8"),
        ("received_at_ms", "<f8"),
        ("root_m", "<f4", 3),
        ("bones_known", "<u4", _WORDS),
        ("shapes_known", "<u4", _WORDS),
        ("rotations", "<i2", (BONE_COUNT, 4)),
        ("shapes", "u1", SHAPE_COUNT),
        ("more_zero", "u1", 13),
    ]
)
"""One performer's state."""

BONE_NAMES: Final = tuple(bone.unity_name for bone in Bone)
SHAPE_NAMES: Final = tuple(shape.arkit_name for shape in Blendshape)

Records = NDArray[np.void]
"""[M] of RECORD."""
Times = NDArray[np.int64]
"""[M] microseconds since 1970."""


def write_hello() -> bytes:
    """What the server says first, as JSON."""
    return orjson.dumps(
        {
            "type": "hello",
            "version": VERSION,
            "bones": BONE_NAMES,
            "parents": [-1 if parent is None else int(parent) for parent in PARENTS],
            "rest_offsets_m": REST_OFFSETS_M.tolist(),
            "shapes": SHAPE_NAMES,
            "record_bytes": RECORD.itemsize,
        }
    )


def make_records(numbers: Sequence[int], states: AvatarStates, captured_at_us: Times, received_at_us: Times) -> Records:
    """The states of M performers, who have these numbers, as M records."""
    records = np.zeros(len(states), RECORD)
    records["number"] = numbers
    records["tracked"] = states.tracked
    records["captured_at_ms"] = captured_at_us / 1000.0
    records["received_at_ms"] = received_at_us / 1000.0
    records["root_m"] = states.root_m
    records["bones_known"] = _pack(states.bones_known)
    records["shapes_known"] = _pack(states.shapes_known)
    records["rotations"] = np.rint(states.rotations * _ROTATION_UNIT)
    records["shapes"] = np.rint(np.clip(states.shapes, 0.0, 1.0) * _SHAPE_UNIT)
    return records


def write_binary(records: Records, at_us: int) -> bytes:
    """A message of these states, sent at `at_us` on the server's clock."""
    return _HEADER.pack(_STATES, VERSION, len(records), 0, at_us / 1000.0) + records.tobytes()


def write_entries(
    numbers: Sequence[int], states: AvatarStates, captured_at_us: Times, received_at_us: Times
) -> list[bytes]:
    """Each performer's state as a JSON object; `write_json` puts them into a message."""
    columns = (
        numbers,
        states.tracked.tolist(),
        (captured_at_us / 1000.0).tolist(),
        (received_at_us / 1000.0).tolist(),
        np.round(states.root_m, _ROOT_DIGITS).tolist(),
        np.round(states.rotations, _ROTATION_DIGITS).tolist(),
        states.bones_known.tolist(),
        np.round(np.clip(states.shapes, 0.0, 1.0), _SHAPE_DIGITS).tolist(),
        states.shapes_known.tolist(),
    )
    return [orjson.dumps(_describe(*row)) for row in zip(*columns, strict=True)]


def write_json(entries: Sequence[bytes], at_us: int) -> bytes:
    """A message of these states, sent at `at_us` on the server's clock."""
    return orjson.dumps(
        {"type": "states", "at_ms": at_us / 1000.0, "states": [orjson.Fragment(entry) for entry in entries]}
    )


def _describe(
    number: int,
    tracked: bool,
    captured_at_ms: float,
    received_at_ms: float,
    root_m: list[float],
    rotations: list[list[float]],
    bones_known: list[bool],
    shapes: list[float],
    shapes_known: list[bool],
) -> dict[str, Any]:
    return {
        "number": number,
        "tracked": tracked,
        "captured_at_ms": captured_at_ms,
        "received_at_ms": received_at_ms,
        "root_m": root_m,
        "bones": _pick(BONE_NAMES, rotations, bones_known),
        "shapes": _pick(SHAPE_NAMES, shapes, shapes_known),
    }


def _pick(names: Sequence[str], values: Sequence[Any], known: Sequence[bool]) -> dict[str, Any]:
    return {name: value for name, value, is_known in zip(names, values, known, strict=True) if is_known}


def _pack(known: Flags) -> NDArray[np.uint32]:
    """uint32[M, 2]: bit b % 32 of word b // 32 for each flag b."""
    bits = np.zeros((len(known), _WORDS * _WORD_BITS), np.bool_)
    bits[:, : known.shape[1]] = known
    return np.packbits(bits, axis=1, bitorder="little").view("<u4")
