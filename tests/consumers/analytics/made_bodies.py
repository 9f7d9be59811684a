"""Bodies made of straight bones, as the landmarker would see them from far away: how they stand is known."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from keypoints.frame import HolisticFrame
from keypoints.landmarks import PoseLandmark

Points = NDArray[np.float64]

START_US = 1_700_000_000_000_000
HEIGHTS_PER_M = 0.4
TRUNK_M = 0.5
SHOULDER_WIDTH_M = 0.36

# The person's left side, metres from the middle of the hips: x to their left, y up, z to the front.
_LEFT = {
    "EYE_INNER": (0.015, 0.74, 0.10), "EYE": (0.03, 0.74, 0.095), "EYE_OUTER": (0.045, 0.74, 0.085),
    "EAR": (0.075, 0.72, 0.0), "MOUTH": (0.025, 0.66, 0.095),
    "SHOULDER": (0.18, 0.5, 0.0), "ELBOW": (0.22, 0.22, 0.0), "WRIST": (0.24, -0.03, 0.05),
    "PINKY": (0.24, -0.11, 0.06), "INDEX": (0.22, -0.11, 0.08), "THUMB": (0.21, -0.07, 0.08),
    "HIP": (0.1, 0.0, 0.0), "KNEE": (0.11, -0.42, 0.02), "ANKLE": (0.11, -0.84, 0.0),
    "HEEL": (0.11, -0.89, -0.04), "FOOT_INDEX": (0.13, -0.89, 0.14),
}  # fmt: skip


def stand_up() -> Points:
    """float64 (33, 3): a person who stands upright with hanging arms, a mirror image of themselves; metres."""
    body = np.zeros((len(PoseLandmark), 3))
    body[PoseLandmark.NOSE] = (0.0, 0.70, 0.12)
    for name, place in _LEFT.items():
        left, right = ("MOUTH_LEFT", "MOUTH_RIGHT") if name == "MOUTH" else (f"LEFT_{name}", f"RIGHT_{name}")
        body[PoseLandmark[left]] = place
        body[PoseLandmark[right]] = (-place[0], *place[1:])
    return body


def rotation(axis: tuple[float, float, float], degrees: float) -> Points:
    """(3, 3), right-handed."""
    x, y, z = np.array(axis) / np.sqrt(np.sum(np.square(axis)))
    skew = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    angle = np.radians(degrees)
    return np.asarray(np.eye(3) + np.sin(angle) * skew + (1.0 - np.cos(angle)) * (skew @ skew))


def see_body(
    body: Points,
    *,
    heights_per_m: float = HEIGHTS_PER_M,
    hips_at: tuple[float, float] = (0.8, 0.5),
    width: int = 1280,
    height: int = 720,
    hidden: Mapping[PoseLandmark, float] | None = None,
    at_us: int = START_US,
    sequence: int = 0,
    stream_id: str = "stage",
) -> HolisticFrame:
    """A frame of the body (33, 3): its hips are at `hips_at` image heights; `hidden` says which landmarks are less than
    wholly visible."""
    visibility = np.ones(len(PoseLandmark))
    for landmark, seen in (hidden or {}).items():
        visibility[landmark] = seen
    aspect = width / height
    image = np.column_stack(
        [
            (hips_at[0] + heights_per_m * body[:, 0]) / aspect,
            hips_at[1] - heights_per_m * body[:, 1],
            -heights_per_m * body[:, 2] / aspect,
            visibility,
        ]
    )
    return HolisticFrame(
        stream_id=stream_id,
        sequence=sequence,
        epoch=1,
        captured_at_us=at_us,
        processed_at_us=at_us,
        width=width,
        height=height,
        pose=image.astype(np.float32),
        pose_world=np.column_stack([body * (1.0, -1.0, -1.0), visibility]).astype(np.float32),
    )
