"""A frame as JSON: the classic form people already write by hand, with our fields beside it.

    {"timestamp": ms, "keypoints": {"pose": [{"x": …, "y": …, "z": …, "visibility": …}, …],
     "face": [{"x", "y", "z"}, …], "left_hand": […], "right_hand": […], "pose_world": […]},
     "stream_id": …, "sequence": …, "epoch": …, "captured_at": µs, "processed_at": µs, "width": …, "height": …,
     "mirrored": …, "model": …}

A part not seen is null (an empty list is read as null too). A coordinate that is NaN or infinite is written as null,
for JSON has no such numbers, and read as NaN. All but `keypoints` may be missing: the stream is then the record's key
or `default-<partition>`, times are the record's, the sequence is its offset, and width and height are 0 (unknown).
"""

from typing import Any, Final

import numpy as np
import orjson

from keypoints.avro import Undecodable
from keypoints.errors import Terminal
from keypoints.frame import Float32Array, HolisticFrame
from keypoints.landmarks import FACE_POINTS_WITHOUT_IRIS, PART_SHAPES, Part

_COORDINATES: Final = {3: ("x", "y", "z"), 4: ("x", "y", "z", "visibility")}


def write_json(frame: HolisticFrame) -> bytes:
    """A frame in the classic form with our fields beside it."""
    return orjson.dumps(
        {
            "timestamp": frame.captured_at_us // 1000,
            "stream_id": frame.stream_id,
            "sequence": frame.sequence,
            "epoch": frame.epoch,
            "captured_at": frame.captured_at_us,
            "processed_at": frame.processed_at_us,
            "width": frame.width,
            "height": frame.height,
            "mirrored": frame.mirrored,
            "model": frame.model,
            "keypoints": {part.value: _points_as_dicts(frame.part(part)) for part in PART_SHAPES},
        }
    )


def _points_as_dicts(points: Float32Array | None) -> list[dict[str, float]] | None:
    if points is None:
        return None
    names = _COORDINATES[points.shape[1]]
    return [dict(zip(names, point, strict=True)) for point in points.tolist()]


def read_json(
    value: bytes, *, key: bytes | None = None, partition: int = 0, offset: int = 0, timestamp_ms: int = 0
) -> HolisticFrame:
    """A frame from either form. Raises Undecodable, naming the field that is wrong."""
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise Undecodable(f"not JSON: {error}", reason="json") from error
    if not isinstance(document, dict) or not isinstance(document.get("keypoints"), dict):
        raise Undecodable("JSON without an object under `keypoints`", reason="json shape", field="keypoints")
    fields = _Fields(document)
    timestamp_ms = fields.integer("timestamp", timestamp_ms)
    captured_at_us = fields.integer("captured_at", timestamp_ms * 1000)
    keypoints = document["keypoints"]
    try:
        parts: dict[str, Any] = {part.value: _read_points(part, keypoints.get(part.value)) for part in PART_SHAPES}
        return HolisticFrame(
            stream_id=fields.text("stream_id", _stream_from_key(key, partition)),
            sequence=fields.integer("sequence", offset),
            epoch=fields.integer("epoch", 0),
            captured_at_us=captured_at_us,
            processed_at_us=fields.integer("processed_at", captured_at_us),
            width=fields.integer("width", 0, limit=2**31),
            height=fields.integer("height", 0, limit=2**31),
            mirrored=fields.boolean("mirrored", False),
            model=fields.text("model", "unknown"),
            **parts,
        )
    except Undecodable:
        raise
    except Terminal as error:
        raise Undecodable.because(error) from error


def _stream_from_key(key: bytes | None, partition: int) -> str:
    if not key:
        return f"default-{partition}"
    try:
        return key.decode()
    except UnicodeDecodeError as error:
        raise Undecodable("no stream_id, and the record's key is not UTF-8", reason="key", field="stream_id") from error


class _Fields:
    """The top-level fields of a document, each checked as it is taken; null counts as missing."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document

    def integer(self, name: str, default: int, limit: int = 2**63) -> int:
        value = self._document.get(name)
        if value is None:
            return default
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not -limit <= value < limit:
            raise Undecodable(f"`{name}` must be a whole number", reason="json field", field=name)
        return value

    def text(self, name: str, default: str) -> str:
        value = self._document.get(name)
        if value is None:
            return default
        if not isinstance(value, str):
            raise Undecodable(f"`{name}` must be text", reason="json field", field=name)
        return value

    def boolean(self, name: str, default: bool) -> bool:
        value = self._document.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise Undecodable(f"`{name}` must be true or false", reason="json field", field=name)
        return value


def _read_points(part: Part, points: object) -> Float32Array | None:
    if points is None or points == []:
        return None
    expected, width = PART_SHAPES[part]
    if not isinstance(points, list):
        raise Undecodable(f"`keypoints.{part}` must be a list of points or null", reason="json shape", part=part.value)
    if len(points) != expected and not (part is Part.FACE and len(points) == FACE_POINTS_WITHOUT_IRIS):
        raise Undecodable(
            f"`keypoints.{part}` has {len(points)} points, expected {expected}", reason="part size", part=part.value
        )
    try:
        columns = [[point[name] for point in points] for name in ("x", "y")]
        columns += [[point.get(name) for point in points] for name in _COORDINATES[width][2:]]
        # float64 first: numpy turns null into NaN there, and a number too large for float32 into infinity after.
        with np.errstate(over="ignore"):
            return np.ascontiguousarray(np.array(columns, dtype=np.float64).T.astype(np.float32))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Undecodable(
            f"`keypoints.{part}` must hold objects of numbers {', '.join(_COORDINATES[width])}",
            reason="json shape",
            part=part.value,
        ) from error
