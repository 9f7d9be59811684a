"""Record what MediaPipe finds in scikit-image's astronaut, as the reference of test_holistic.py.

    python -m tests.producer_service.record_landmarks

Run it only when the model itself is meant to change. The reference guards the resolution, which overrides MediaPipe's
pins of numpy, protobuf and OpenCV: a set of libraries that changes landmarks is noticed.
"""

import json
from pathlib import Path

import numpy as np
from skimage.data import astronaut

from keypoints.frame import Float32Array
from keypoints.landmarks import FaceLandmark, Part, PoseLandmark
from producer_service.landmarks.holistic import HolisticLandmarker
from producer_service.landmarks.landmarker import Landmarks

REFERENCE = Path(__file__).with_name("astronaut_landmarks.json")
DECIMALS = 4


def pick_points(found: Landmarks) -> dict[str, dict[str, list[float]]]:
    """The whole pose and the named points of the face, rounded, by part and name."""
    return {
        Part.POSE.value: _name_points(found.pose, PoseLandmark),
        Part.POSE_WORLD.value: _name_points(found.pose_world, PoseLandmark),
        Part.FACE.value: _name_points(found.face, FaceLandmark),
    }


def _name_points(points: Float32Array | None, names: type[PoseLandmark] | type[FaceLandmark]) -> dict[str, list[float]]:
    if points is None:
        return {}
    return {name.name.lower(): np.round(points[name].astype(float), DECIMALS).tolist() for name in names}


def main() -> None:
    landmarker = HolisticLandmarker(still=True)
    picked = pick_points(landmarker.find(astronaut()))
    landmarker.close()
    lines = [
        f' "{part}": {{\n' + ",\n".join(f'  "{name}": {json.dumps(point)}' for name, point in points.items()) + "\n }"
        for part, points in picked.items()
    ]
    REFERENCE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
