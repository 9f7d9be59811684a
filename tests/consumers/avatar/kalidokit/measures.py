"""What is measured of both: errors, lag, and the faces and landmarks to measure them with."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from keypoints import FrameBatch, HolisticFrame
from keypoints.landmarks import PoseLandmark
from tests.consumers.avatar.puppet import IMAGE_HEIGHT, IMAGE_WIDTH

Values = NDArray[np.float64]

SEEN: Final = 0.5
"""The visibility from which a landmark of a recording counts."""
PIXELS_PER_MM: Final = 3.0


def rms(values: Values) -> float:
    """The root mean square."""
    return float(np.sqrt(np.mean(np.square(values))))


def mean_and_worst(errors: Values) -> tuple[float, float]:
    """The mean and the largest."""
    return float(errors.mean()), float(errors.max())


def best(errors: list[Values]) -> tuple[float, float]:
    """Of the reading with the smaller mean."""
    return min(mean_and_worst(one) for one in errors)


def point_arms(batch: FrameBatch, start: str, end: str) -> tuple[Values, NDArray[np.bool_]]:
    """float64[N, 2, 3]: where the left and the right arm's part from one joint to the other points by the landmarks, in
    Unity's space; and bool[N, 2]: whether both joints are seen, within the picture's height."""
    starts = [PoseLandmark[f"{side}_{start}"] for side in ("LEFT", "RIGHT")]
    ends = [PoseLandmark[f"{side}_{end}"] for side in ("LEFT", "RIGHT")]
    body = -batch.pose_world[..., :3].astype(np.float64)
    seen = (batch.pose[..., 3] > SEEN) & (batch.pose[..., 1] < 1.0)
    directions: Values = body[:, ends] - body[:, starts]
    return directions, seen[:, starts] & seen[:, ends]


def find_lag_s(at_s: Values, shown: Values, frames_s: Values, solved: Values) -> float:
    """The delay at which a solver's own directions fit best what is shown of them."""
    lags_s = np.arange(0.0, 0.25, 0.001)
    rows = (at_s > 1.0) & (at_s < frames_s[-1])
    errors: list[float] = []
    for lag_s in lags_s:
        then = np.stack([np.interp(at_s[rows] - lag_s, frames_s, axis) for axis in solved.T], axis=-1)
        errors.append(rms(then - shown[rows]))
    return float(lags_s[int(np.argmin(errors))])


def film_faces(faces: Values) -> FrameBatch:
    """Faces in millimetres of Unity's space, [N, 478, 3], before the camera."""
    middle = np.array([IMAGE_WIDTH / 2, IMAGE_HEIGHT / 2, 0.0])
    in_image = ((middle - PIXELS_PER_MM * faces) / [IMAGE_WIDTH, IMAGE_HEIGHT, IMAGE_WIDTH]).astype(np.float32)
    return FrameBatch.from_frames(
        HolisticFrame(
            stream_id="face",
            sequence=row,
            epoch=1,
            captured_at_us=row * 33_333,
            processed_at_us=row * 33_333,
            width=IMAGE_WIDTH,
            height=IMAGE_HEIGHT,
            face=face,
        )
        for row, face in enumerate(in_image)
    )
