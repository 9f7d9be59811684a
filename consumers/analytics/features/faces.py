"""What a face does, measured: pure functions on columns of face meshes.

Distances are taken in space, so that a face turned away keeps its measures; z has the scale of x.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.analytics.facts import FaceFacts
from consumers.analytics.features.geometry import Floats, angle_of, cross, dot, length, turn_to_rows
from keypoints.landmarks import FaceLandmark as Landmark

NOSE_BOTTOM_AHEAD: Final = 0.152
"""In MediaPipe's canonical face, which looks straight ahead: how far the bottom of the nose lies before the top of the
forehead, against how far below it; 8.7 degrees."""

_SIDES: Final = ("LEFT", "RIGHT")
_LIDS: Final = ("", "_OUTER", "_INNER")
_POINTS: Final = [
    Landmark.FOREHEAD_TOP,
    Landmark.NOSE_BOTTOM,
    Landmark.MOUTH_LEFT,
    Landmark.MOUTH_RIGHT,
    Landmark.UPPER_LIP_INNER,
    Landmark.LOWER_LIP_INNER,
    Landmark.LEFT_IRIS_CENTER,
    Landmark.RIGHT_IRIS_CENTER,
    *(Landmark[f"{side}_EYE_{corner}"] for side in _SIDES for corner in ("OUTER", "INNER")),
    *(Landmark[f"{side}_EYE_{lid}{at}"] for side in _SIDES for lid in ("UPPER", "LOWER") for at in _LIDS),
]
_ROWS: Final = {landmark: row for row, landmark in enumerate(_POINTS)}


def measure_faces(faces: NDArray[np.float32], aspect: Floats, mirrored: NDArray[np.bool_]) -> list[FaceFacts]:
    """Measure N faces, float32 (N, 478, 3), in fractions of images of an aspect (N,); irises may be NaN."""
    with np.errstate(all="ignore"):
        face = _Faces(faces, aspect, np.where(mirrored, -1.0, 1.0))
        columns = face.measure_eyes() | face.measure_mouth() | face.measure_gaze() | face.measure_head()
        rows = np.stack([columns[name] for name in FaceFacts._fields], axis=1)
    return list(map(FaceFacts._make, rows.tolist()))


class _Faces:
    """N faces turned so that one landmark's coordinate is one contiguous row; image heights."""

    def __init__(self, faces: NDArray[np.float32], aspect: Floats, side_of_left: Floats) -> None:
        places = turn_to_rows(faces[:, _POINTS], aspect)
        self._places = np.where(np.isfinite(places), places, np.nan)
        self._eyes_apart = self.vector(Landmark.RIGHT_EYE_OUTER, Landmark.LEFT_EYE_OUTER)
        across = side_of_left * self._eyes_apart
        self._across = across / length(across)
        """To the image's right, when the face looks into the camera."""
        # No chin: it falls when the mouth opens.
        to_nose = self.vector(Landmark.FOREHEAD_TOP, Landmark.NOSE_BOTTOM)
        ahead = cross(to_nose, self._across)
        downwards = to_nose / length(to_nose) - NOSE_BOTTOM_AHEAD * ahead / length(ahead)
        ahead = cross(downwards, self._across)
        self._ahead = ahead / length(ahead)
        self._down = cross(self._across, self._ahead)

    def vector(self, start: Landmark, end: Landmark) -> Floats:
        """(3, N)."""
        return np.asarray(self._places[:, _ROWS[end]] - self._places[:, _ROWS[start]])

    def measure_eyes(self) -> dict[str, Floats]:
        columns = {}
        for side in _SIDES:
            outer, middle, inner = (
                length(self.vector(Landmark[f"{side}_EYE_UPPER{at}"], Landmark[f"{side}_EYE_LOWER{at}"]))
                for at in ("_OUTER", "", "_INNER")
            )
            width = length(self.vector(Landmark[f"{side}_EYE_OUTER"], Landmark[f"{side}_EYE_INNER"]))
            columns[f"{side.lower()}_eye_openness"] = (outer + middle + inner) / 3.0 / width
        return columns

    def measure_mouth(self) -> dict[str, Floats]:
        width = length(self.vector(Landmark.MOUTH_RIGHT, Landmark.MOUTH_LEFT))
        lips = length(self.vector(Landmark.UPPER_LIP_INNER, Landmark.LOWER_LIP_INNER))
        # Down from the corners; the upper lip, because the lower one falls when the mouth opens.
        fall = dot(
            self.vector(Landmark.MOUTH_RIGHT, Landmark.UPPER_LIP_INNER)
            + self.vector(Landmark.MOUTH_LEFT, Landmark.UPPER_LIP_INNER),
            self._down,
        )
        return {
            "mouth_openness": lips / width,
            "mouth_width": width / length(self._eyes_apart),
            "smile": 0.5 * fall / width,
        }

    def measure_gaze(self) -> dict[str, Floats]:
        """Of both eyes, in half eye widths from the middle between their corners."""
        right, down = np.zeros_like(self._across[0]), np.zeros_like(self._across[0])
        for side in _SIDES:
            corners = Landmark[f"{side}_EYE_OUTER"], Landmark[f"{side}_EYE_INNER"]
            iris = Landmark[f"{side}_IRIS_CENTER"]
            from_middle = 0.5 * (self.vector(corners[0], iris) + self.vector(corners[1], iris))
            width = length(self.vector(*corners))
            right = right + dot(from_middle, self._across) / width
            down = down + dot(from_middle, self._down) / width
        return {"gaze_right": _within_one(right), "gaze_up": _within_one(-down)}

    def measure_head(self) -> dict[str, Floats]:
        """First turned, then nodded, then tilted: from the way the face looks, and its eye line around that."""
        x, y, z = self._ahead
        level = np.sqrt(x * x + z * z)
        zero = np.zeros_like(x)
        to_right = np.stack([-z, zero, x]) / level
        tilt, upright = dot(self._across, cross(to_right, self._ahead)), dot(self._across, to_right)
        return dict(
            zip(
                ("yaw", "pitch", "roll"),
                angle_of(np.stack([x, y, tilt]), np.stack([-z, level, upright])),
                strict=True,
            )
        )


def _within_one(values: Floats) -> Floats:
    return np.asarray(np.minimum(np.maximum(values, -1.0), 1.0))
