"""MediaPipe Holistic as a landmarker: the only place that knows MediaPipe."""

from typing import Final

import mediapipe as mp
import numpy as np
from mediapipe.python.solutions.holistic import Holistic

from keypoints.landmarks import PART_SHAPES, Part
from producer_service.capture.captured import RgbImage
from producer_service.landmarks.landmark_lists import read_landmarks
from producer_service.landmarks.landmarker import LandmarkerFailed, Landmarks

# 0 and 2 would download a model when the graph is made.
MODEL_COMPLEXITY: Final = 1

_RESULTS: Final = {
    Part.POSE: "pose_landmarks",
    Part.POSE_WORLD: "pose_world_landmarks",
    Part.FACE: "face_landmarks",
    Part.LEFT_HAND: "left_hand_landmarks",
    Part.RIGHT_HAND: "right_hand_landmarks",
}


class HolisticLandmarker:
    """One graph, for one stream: a graph carries what it saw from one picture to the next.

    `still` makes every picture stand alone. Opening runs one empty picture through, so that the first real one takes
    no longer than the others (0.2 s more otherwise); it leaves no trace in the landmarks that follow.
    """

    def __init__(self, *, still: bool) -> None:
        self.model = f"mediapipe-holistic-{mp.__version__}/complexity-{MODEL_COMPLEXITY}/refined-face" + (
            "/still" if still else ""
        )
        self._graph = Holistic(static_image_mode=still, model_complexity=MODEL_COMPLEXITY, refine_face_landmarks=True)
        self._closed = False
        self.find(np.zeros((192, 192, 3), dtype=np.uint8))

    def find(self, image: RgbImage) -> Landmarks:
        """Landmarks of the most prominent person in u8[height, width, 3].

        Left and right are as they are in an unmirrored picture. Raises LandmarkerFailed when the graph broke.
        """
        try:
            results = self._graph.process(image)
        except (RuntimeError, ValueError) as error:
            height, width = image.shape[:2]
            raise LandmarkerFailed(f"MediaPipe failed: {error}", width=width, height=height) from error
        found = {part: getattr(results, name) for part, name in _RESULTS.items()}
        return Landmarks(
            **{
                part.value: read_landmarks(landmarks, PART_SHAPES[part][1])
                for part, landmarks in found.items()
                if landmarks is not None
            }
        )

    def reset(self) -> None:
        """Forget the stream, and be as new (0.003 s, where opening takes 0.3 s). Raises LandmarkerFailed."""
        try:
            self._graph.reset()
        except (RuntimeError, ValueError) as error:
            raise LandmarkerFailed(f"MediaPipe failed: {error}") from error

    def close(self) -> None:
        """Release the graph; a second call does nothing, as MediaPipe's own raises."""
        if not self._closed:
            self._closed = True
            self._graph.close()
