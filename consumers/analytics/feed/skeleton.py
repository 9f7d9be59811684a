"""One frame as a page draws it: body, hands and the face's outlines, in few bytes."""

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from keypoints.codec import RawRecord, decode_records
from keypoints.frame import HolisticFrame
from keypoints.landmarks import FACE_CONTOURS, HAND_CONNECTIONS, POSE_CONNECTIONS, Part, landmark_names
from keypoints.schemas import SchemaLookup

UNIT: Final = 10_000
"""Numbers are whole ten-thousandths: of the image's width and height, and of certainty."""
_FARTHEST: Final = 100 * UNIT
_X_Y: Final = [0, 1]
_X_Y_VISIBILITY: Final = [0, 1, 3]
_FACE_OUTLINE: Final = sorted({point for lines in FACE_CONTOURS.values() for line in lines for point in line})

Line = tuple[int, int]


def read_skeleton(record: RawRecord, schemas: SchemaLookup | None) -> HolisticFrame:
    """The frame a record of the tracking topic holds. Raises HolisticError for one that is no frame."""
    decoded = decode_records([record], schemas)
    if decoded.rejected:
        raise decoded.rejected[0].error
    return decoded.batch.frame(0)


def write_skeleton(frame: HolisticFrame) -> bytes:
    """As JSON: who and when, and for each part a flat list of whole numbers, or null where it was not seen.

    `pose` has x, y, visibility of 33 points; `left_hand` and `right_hand` x, y of 21; `face` x, y of the points of its
    outlines, in the order of `describe_strokes`. A coordinate that is no number is null.
    """
    face = None
    if frame.face is not None:
        face = np.full((len(_FACE_OUTLINE), 2), np.nan, np.float32)
        there = [place for place, point in enumerate(_FACE_OUTLINE) if point < len(frame.face)]
        face[there] = frame.face[[_FACE_OUTLINE[place] for place in there]][:, _X_Y]
    return orjson.dumps(
        {
            "stream_id": frame.stream_id,
            "epoch": frame.epoch,
            "sequence": frame.sequence,
            "captured_at_us": frame.captured_at_us,
            "width": frame.width,
            "height": frame.height,
            "pose": None if frame.pose is None else _write_points(frame.pose[:, _X_Y_VISIBILITY]),
            "left_hand": None if frame.left_hand is None else _write_points(frame.left_hand[:, _X_Y]),
            "right_hand": None if frame.right_hand is None else _write_points(frame.right_hand[:, _X_Y]),
            "face": None if face is None else _write_points(face),
        }
    )


def _write_points(points: NDArray[np.float32]) -> list[int | None]:
    values = points.ravel()
    known = np.isfinite(values)
    whole = np.clip(np.where(known, values, 0.0) * UNIT, -_FARTHEST, _FARTHEST).round().astype(np.int64).tolist()
    return whole if known.all() else [value if is_known else None for value, is_known in zip(whole, known, strict=True)]


def describe_strokes() -> dict[str, list[dict[str, Any]]]:
    """What is joined to what: `{part: [{"side", "lines", "unless"}]}`, for JSON; points as `write_skeleton` counts.

    A side is the person's own left or right, or middle. `unless` names the part that shows better what the pose only
    guesses: its lines are left out where that part was seen.
    """
    places = {point: place for place, point in enumerate(_FACE_OUTLINE)}
    face = [
        _stroke(_side_of([name]), [(places[start], places[end]) for start, end in lines])
        for name, lines in FACE_CONTOURS.items()
    ]
    names = landmark_names(Part.POSE)
    pose: dict[tuple[str, Part | None], list[Line]] = {}
    for start, end in POSE_CONNECTIONS:
        ends = (names[start], names[end])
        pose.setdefault((_side_of(ends), _shown_better_by(ends)), []).append((start, end))
    return {
        "pose": [_stroke(side, lines, unless) for (side, unless), lines in pose.items()],
        "left_hand": [_stroke("left", HAND_CONNECTIONS)],
        "right_hand": [_stroke("right", HAND_CONNECTIONS)],
        "face": face,
    }


def _stroke(side: str, lines: Iterable[Line], unless: Part | None = None) -> dict[str, Any]:
    return {"side": side, "lines": list(lines), "unless": unless}


def _side_of(names: Iterable[str]) -> str:
    """The side all of the names are of."""
    sides = {next((side for side in ("left", "right") if side in name.split("_")), "middle") for name in names}
    return sides.pop() if len(sides) == 1 else "middle"


def _shown_better_by(names: Iterable[str]) -> Part | None:
    joined = {word for name in names for word in name.split("_")}
    if "foot" not in joined and joined & {"pinky", "index", "thumb"}:
        return Part.LEFT_HAND if "left" in joined else Part.RIGHT_HAND
    return Part.FACE if joined & {"nose", "eye", "ear", "mouth"} else None


def name_stream(record: RawRecord) -> str:
    """The stream a record is of, by its key; those without one are named as the classic form's are."""
    if record.key is None:
        return f"default-{record.partition}"
    return record.key.decode(errors="replace")
