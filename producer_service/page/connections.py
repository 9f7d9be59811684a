"""What the page draws, taken from the landmarks' own tables, so that no number of a landmark stands in the page."""

from collections.abc import Iterable
from typing import Any, Final

from keypoints.landmarks import (
    FACE_CONTOURS,
    HAND_CONNECTIONS,
    POSE_CONNECTIONS,
    Part,
    landmark_names,
)

Line = tuple[int, int]

_POSE_NAMES: Final = landmark_names(Part.POSE)
_OF_A_HAND: Final = frozenset({"pinky", "index", "thumb"})
_OF_THE_FACE: Final = frozenset({"nose", "eye", "ear", "mouth"})


def describe_connections() -> dict[str, Any]:
    """`{"strokes": {part: [{"name", "side", "lines", "points", "unless"}]}}`, for JSON.

    `lines` are pairs of a part's points joined by a line, `points` all that are in them. A side is the person's own
    `left` or `right`, or `middle`. What the pose guesses of a hand or the face is not drawn where that part itself was
    found: `unless` names it, else it is null.
    """
    hand = [_stroke("hand", "left", HAND_CONNECTIONS)], [_stroke("hand", "right", HAND_CONNECTIONS)]
    return {
        "strokes": {
            Part.POSE.value: _pose_strokes(),
            Part.LEFT_HAND.value: hand[0],
            Part.RIGHT_HAND.value: hand[1],
            Part.FACE.value: [_stroke(name, _side_of_name(name), lines) for name, lines in FACE_CONTOURS.items()],
        }
    }


def _pose_strokes() -> list[dict[str, Any]]:
    grouped: dict[tuple[str, Part | None], list[Line]] = {}
    for line in POSE_CONNECTIONS:
        names = {_POSE_NAMES[point] for point in line}
        sides = {_side_of_name(name) for name in names}
        side = sides.pop() if len(sides) == 1 else "middle"
        grouped.setdefault((side, _seen_better_as(names, side)), []).append(line)
    return [_stroke(f"{side} {instead or 'body'}", side, lines, instead) for (side, instead), lines in grouped.items()]


def _seen_better_as(names: Iterable[str], side: str) -> Part | None:
    words = {word for name in names for word in name.split("_")}
    if words & _OF_A_HAND and "foot" not in words:
        return Part.LEFT_HAND if side == "left" else Part.RIGHT_HAND
    return Part.FACE if words & _OF_THE_FACE else None


def _stroke(name: str, side: str, lines: Iterable[Line], unless: Part | None = None) -> dict[str, Any]:
    joined = list(lines)
    points = sorted({point for line in joined for point in line})
    return {"name": name, "side": side, "lines": joined, "points": points, "unless": unless}


def _side_of_name(name: str) -> str:
    words = name.split("_")
    return next((side for side in ("left", "right") if side in words), "middle")
