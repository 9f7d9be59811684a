"""What the pipeline asks of whatever finds landmarks."""

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from keypoints.errors import Transient
from keypoints.frame import Float32Array
from keypoints.landmarks import FACE_MIRROR, POSE_MIRROR, Part
from producer_service.capture.captured import RgbImage

LANDMARKERS_A_PICTURE: Final = 5
"""So many a picture is handed to while each is lost through no fault of its own: others' may take several in a row."""


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """The parts found in one picture, laid out as in HolisticFrame; a part not found is None."""

    pose: Float32Array | None = None
    pose_world: Float32Array | None = None
    face: Float32Array | None = None
    left_hand: Float32Array | None = None
    right_hand: Float32Array | None = None

    @property
    def has_person(self) -> bool:
        """Whether anything at all was found."""
        return any(getattr(self, part.value) is not None for part in Part)


class LandmarkerFailed(Transient):
    """The landmarker gave up on a picture and cannot be used any more; a new one may. Fields: width, height."""


class LandmarkerLost(Transient):
    """The landmarker is gone through no fault of this picture, which a new one can look at. Fields: worker."""


class NoLandmarkerFree(Transient):
    """As many streams are open as this machine is to track. Fields: streams."""


class Landmarker(Protocol):
    """Finds one person in the pictures of one stream, in order. Used by one thread at a time, closed once."""

    @property
    def model(self) -> str:
        """The model and its settings, as frames carry it."""

    def find(self, image: RgbImage) -> Landmarks:
        """Landmarks of the most prominent person in u8[height, width, 3]. Raises LandmarkerFailed."""

    def close(self) -> None:
        """Release the model."""


class ReusableLandmarker(Landmarker, Protocol):
    """A landmarker that can serve one stream after another."""

    def reset(self) -> None:
        """Forget what was seen: the next picture is the first of a new stream. Raises LandmarkerFailed."""


def put_sides_right(mirrored: Landmarks) -> Landmarks:
    """What was found in a mirrored picture, with the person's own left and right.

    In a mirror a left hand looks like a right one, so hands change places and the body's and the face's points change
    sides. Points of the picture stay where they are in the picture; the body in metres is no picture, so its x turns
    round and it is the person's real posture.
    """
    pose, world, face = mirrored.pose, mirrored.pose_world, mirrored.face
    return Landmarks(
        pose=None if pose is None else pose[POSE_MIRROR],
        pose_world=None if world is None else world[POSE_MIRROR] * _X_TURNED,
        face=None if face is None else face[FACE_MIRROR[: len(face)]],
        left_hand=mirrored.right_hand,
        right_hand=mirrored.left_hand,
    )


_X_TURNED = np.array([-1.0, 1.0, 1.0, 1.0], dtype=np.float32)
