"""Hands made of straight bones, as the landmarker would see them: what shape they have is known, not measured."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from keypoints.frame import HolisticFrame
from keypoints.landmarks import HandLandmark

Points = dict[HandLandmark, tuple[float, float, float]]

START_US = 1_700_000_000_000_000
FRAME_US = 33_333

# Hand space: x from the little finger to the index finger, y to the fingertips, z out of the palm; the palm is 1 long.
_KNUCKLES = {
    "INDEX_FINGER": (0.25, 0.95, 0.0),
    "MIDDLE_FINGER": (0.0, 1.0, 0.0),
    "RING_FINGER": (-0.22, 0.93, 0.0),
    "PINKY": (-0.42, 0.82, 0.0),
}
_BONES = (0.45, 0.28, 0.22)
_STRAIGHT = (3.0, 4.0, 3.0)
_CURLED = (80.0, 100.0, 60.0)
_TO_THUMB = (50.0, 60.0, 30.0)

_THUMBS = {
    "spread": ((0.3, 0.2, 0.05), (0.55, 0.45, 0.08), (0.75, 0.68, 0.08), (0.9, 0.88, 0.08)),
    "out": ((0.25, 0.2, 0.05), (0.45, 0.4, 0.1), (0.75, 0.5, 0.1), (1.05, 0.55, 0.1)),
    "across": ((0.25, 0.2, 0.1), (0.4, 0.45, 0.25), (0.3, 0.7, 0.5), (0.05, 0.85, 0.55)),
    "on_palm": ((0.25, 0.2, 0.1), (0.35, 0.45, 0.2), (0.1, 0.6, 0.25), (-0.15, 0.65, 0.2)),
}
# For each finger its bends, degrees, and its spread towards the thumb; and the thumb.
_SHAPES: Mapping[str, tuple[tuple[tuple[float, ...], float], ...]] = {
    "open": ((_STRAIGHT, 8), (_STRAIGHT, 0), (_STRAIGHT, -6), (_STRAIGHT, -14)),
    "closed": ((_CURLED, 0),) * 4,
    "thumb_out": ((_CURLED, 0),) * 4,
    "pointing": ((_STRAIGHT, 0), (_CURLED, 0), (_CURLED, 0), (_CURLED, 0)),
    "victory": ((_STRAIGHT, 12), (_STRAIGHT, -10), (_CURLED, 0), (_CURLED, 0)),
    "together": ((_STRAIGHT, -6), (_STRAIGHT, 2), (_CURLED, 0), (_CURLED, 0)),
    "three": ((_STRAIGHT, 10), (_STRAIGHT, 0), (_STRAIGHT, -10), (_CURLED, 0)),
    "four": ((_STRAIGHT, 8), (_STRAIGHT, 0), (_STRAIGHT, -6), (_STRAIGHT, -14)),
    "ok": ((_TO_THUMB, 0), (_STRAIGHT, 0), (_STRAIGHT, -6), (_STRAIGHT, -14)),
    "pinch": ((_TO_THUMB, 0), (_CURLED, 0), (_CURLED, 0), (_CURLED, 0)),
    "rock": ((_STRAIGHT, 4), (_CURLED, 0), (_CURLED, 0), (_STRAIGHT, -12)),
    "i_love_you": ((_STRAIGHT, 4), (_CURLED, 0), (_CURLED, 0), (_STRAIGHT, -12)),
}
_THUMB_OF = {"open": "spread", "thumb_out": "out", "four": "on_palm", "i_love_you": "out"}


def make_hand(
    shape: str,
    *,
    turned_deg: float = 0.0,
    tilted_deg: float = 0.0,
    side: str = "right",
    size_px: float = 80.0,
    width: int = 1280,
    height: int = 720,
) -> NDArray[np.float32]:
    """float32 (21, 3) in fractions of the image: the palm of a hand held up to the camera, turned clockwise in it.

    Before it is turned it is tilted about its own length, the thumb's side towards the camera.
    `size_px` is the palm's length. The person's right hand has its thumb on the image's left when seen from its back,
    and here shows its palm: thumb on the image's right; the left hand is its mirror image.
    """
    points = _bones_of(shape)
    hand = np.array([points[landmark] for landmark in HandLandmark])
    if side == "left":
        hand[:, 0] *= -1
    tilt = np.radians(tilted_deg if side == "right" else -tilted_deg)
    hand[:, 0], hand[:, 2] = (
        hand[:, 0] * np.cos(tilt) - hand[:, 2] * np.sin(tilt),
        hand[:, 0] * np.sin(tilt) + hand[:, 2] * np.cos(tilt),
    )
    angle = np.radians(turned_deg)
    x = hand[:, 0] * np.cos(angle) + hand[:, 1] * np.sin(angle)
    y = -hand[:, 0] * np.sin(angle) + hand[:, 1] * np.cos(angle)
    return np.column_stack(
        [0.5 + x * size_px / width, 0.5 - y * size_px / height, -hand[:, 2] * size_px / width]
    ).astype(np.float32)


def thumbs_up(side: str = "right") -> NDArray[np.float32]:
    """A fist turned so that its thumb, which points sideways, points up."""
    return make_hand("thumb_out", side=side, turned_deg=-75.0 if side == "right" else 75.0)


def thumbs_down(side: str = "right") -> NDArray[np.float32]:
    return make_hand("thumb_out", side=side, turned_deg=105.0 if side == "right" else -105.0)


def make_frames(
    right_hands: list[NDArray[np.float32] | None],
    *,
    stream_id: str = "stage-left",
    epoch: int = 1,
    start_us: int = START_US,
    frame_us: int = FRAME_US,
) -> list[HolisticFrame]:
    """Frames of a stream in which only a right hand is ever seen, and never twice in the very same place."""
    dice = np.random.default_rng(7)
    return [
        HolisticFrame(
            stream_id=stream_id,
            sequence=number,
            epoch=epoch,
            captured_at_us=start_us + number * frame_us,
            processed_at_us=start_us + number * frame_us,
            width=1280,
            height=720,
            right_hand=None if hand is None else hand + dice.normal(0, 0.0005, hand.shape).astype(np.float32),
        )
        for number, hand in enumerate(right_hands)
    ]


def _bones_of(shape: str) -> Points:
    points: Points = {HandLandmark.WRIST: (0.0, 0.0, 0.0)}
    for (finger, knuckle), (bends_deg, spread_deg) in zip(_KNUCKLES.items(), _SHAPES[shape], strict=True):
        joints = [np.array(knuckle)]
        for length, bend_deg in zip(_BONES, np.cumsum(bends_deg), strict=True):
            bend, spread = np.radians(bend_deg), np.radians(spread_deg)
            along = np.array([np.cos(bend) * np.sin(spread), np.cos(bend) * np.cos(spread), np.sin(bend)])
            joints.append(joints[-1] + length * along)
        for joint, place in zip(("MCP", "PIP", "DIP", "TIP"), joints, strict=True):
            points[HandLandmark[f"{finger}_{joint}"]] = tuple(place.tolist())
    thumb = list(_THUMBS[_THUMB_OF.get(shape, "across")])
    if shape in {"ok", "pinch"}:
        thumb[3] = points[HandLandmark.INDEX_FINGER_TIP]
        thumb[2] = (thumb[1][0], (thumb[1][1] + thumb[3][1]) / 2, (thumb[1][2] + thumb[3][2]) / 2)
    for joint, at in zip(("CMC", "MCP", "IP", "TIP"), thumb, strict=True):
        points[HandLandmark[f"THUMB_{joint}"]] = at
    return points
