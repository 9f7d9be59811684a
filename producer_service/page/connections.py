"""What the page draws, taken from the landmarks' own tables, so that no number of a landmark stands in the page."""

from collections.abc import Iterable
from typing import Any, Final

from keypoints.landmarks import (
    FACE_CONTOURS,
    HAND_CONNECTIONS,
    PART_SHAPES,
    POSE_CONNECTIONS,
    Part,
    landmark_names,
)

Line = tuple[int, int]

_POSE_NAMES: Final = landmark_names(Part.POSE)


def describe_connections() -> dict[str, Any]:
    """`{"strokes": {part: [{"name", "side", "lines", "points"}]}, "points": {part: number}}`, for JSON.

    `lines` are pairs of a part's points joined by a line, `points` all that are in them. A side is the person's own
    `left` or `right`, or `middle`.
    """
    return {
        "strokes": {
            Part.POSE.value: [
                _stroke(side, side, (line for line in POSE_CONNECTIONS if _side_of_line(line) == side))
                for side in ("middle", "left", "right")
            ],
            Part.LEFT_HAND.value: [_stroke("hand", "left", HAND_CONNECTIONS)],
            Part.RIGHT_HAND.value: [_stroke("hand", "right", HAND_CONNECTIONS)],
            Part.FACE.value: [_stroke(name, _side_of_name(name), lines) for name, lines in FACE_CONTOURS.items()],
        },
        "points": {part.value: shape[0] for part, shape in PART_SHAPES.items()},
    }


def _stroke(name: str, side: str, lines: Iterable[Line]) -> dict[str, Any]:
    joined = list(lines)
    return {"name": name, "side": side, "lines": joined, "points": sorted({point for line in joined for point in line})}


def _side_of_line(line: Line) -> str:
    sides = {_side_of_name(_POSE_NAMES[point]) for point in line}
    return sides.pop() if len(sides) == 1 else "middle"


def _side_of_name(name: str) -> str:
    words = name.split("_")
    return next((side for side in ("left", "right") if side in words), "middle")
