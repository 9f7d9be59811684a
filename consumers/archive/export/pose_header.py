"""The head of a .pose file: which points it has, what they are called, how they are drawn.

Components, names and formats are those `pose-format` gives to MediaPipe Holistic, so that its tools know the file.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from keypoints.landmarks import (
    FACE_CONTOURS,
    HAND_CONNECTIONS,
    POSE_CONNECTIONS,
    HandLandmark,
    Part,
    PoseLandmark,
)

POSE_VERSION: Final = 0.2
POINT_FORMAT: Final = "XYZC"
LARGEST_SIDE: Final = 65_535

PART_ORDER: Final = (Part.POSE, Part.FACE, Part.LEFT_HAND, Part.RIGHT_HAND, Part.POSE_WORLD)
_COMPONENT_NAMES: Final = {
    Part.POSE: "POSE_LANDMARKS",
    Part.FACE: "FACE_LANDMARKS",
    Part.LEFT_HAND: "LEFT_HAND_LANDMARKS",
    Part.RIGHT_HAND: "RIGHT_HAND_LANDMARKS",
    Part.POSE_WORLD: "POSE_WORLD_LANDMARKS",
}

Colour = tuple[int, int, int]
_BODY_COLOUR: Final = (255, 0, 0)
_FACE_COLOUR: Final = (128, 0, 0)
_PALM_COLOUR: Final = (208, 208, 208)
_FINGER_COLOURS: Final[dict[str, Colour]] = {
    "THUMB": (208, 32, 32),
    "INDEX": (32, 64, 224),
    "MIDDLE": (32, 176, 64),
    "RING": (32, 176, 192),
    "PINKY": (240, 144, 48),
}


@dataclass(frozen=True, slots=True)
class Component:
    """A group of points. One colour counts for all limbs, otherwise there is one for each."""

    name: str
    points: tuple[str, ...]
    limbs: tuple[tuple[int, int], ...]
    colours: tuple[Colour, ...]


def holistic_components(face_points: int) -> list[Component]:
    """What Holistic finds, in the order of the points in the body; the face with or without its irises."""
    return [_component(part, face_points) for part in PART_ORDER]


def encode_header(width: int, height: int, components: Sequence[Component]) -> bytes:
    """The bytes before the body. Sides in pixels are cut at what the format can say."""
    head = struct.pack("<fHHHH", POSE_VERSION, min(width, LARGEST_SIDE), min(height, LARGEST_SIDE), 0, len(components))
    return head + b"".join(_encode_component(component) for component in components)


def _component(part: Part, face_points: int) -> Component:
    name = _COMPONENT_NAMES[part]
    if part is Part.FACE:
        limbs = tuple(limb for ring in FACE_CONTOURS.values() for limb in ring if max(limb) < face_points)
        return Component(name, tuple(str(point) for point in range(face_points)), limbs, (_FACE_COLOUR,))
    if part in {Part.POSE, Part.POSE_WORLD}:
        return Component(name, tuple(point.name for point in PoseLandmark), POSE_CONNECTIONS, (_BODY_COLOUR,))
    colours = tuple(_colour_of_limb(limb) for limb in HAND_CONNECTIONS)
    return Component(name, tuple(point.name for point in HandLandmark), HAND_CONNECTIONS, colours)


def _colour_of_limb(limb: tuple[int, int]) -> Colour:
    """A finger's own within it; what joins fingers is the palm's."""
    fingers = {HandLandmark(point).name.partition("_")[0] for point in limb} - {"WRIST"}
    return _FINGER_COLOURS[fingers.pop()] if len(fingers) == 1 else _PALM_COLOUR


def _encode_component(component: Component) -> bytes:
    sizes = struct.pack("<HHH", len(component.points), len(component.limbs), len(component.colours))
    return b"".join(
        [
            _encode_text(component.name),
            _encode_text(POINT_FORMAT),
            sizes,
            *(_encode_text(point) for point in component.points),
            *(struct.pack("<HH", *limb) for limb in component.limbs),
            *(struct.pack("<HHH", *colour) for colour in component.colours),
        ]
    )


def _encode_text(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack("<H", len(encoded)) + encoded
