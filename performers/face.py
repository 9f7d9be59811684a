"""The face mesh over time: a face at rest, and what each expression moves.

The numbers in face_mesh.npz are of this project's own making: a hand-placed face filled up over the mesh's edges.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keypoints.landmarks import FaceLandmark
from performers.posture import Face
from performers.rotations import FloatArray, cos_sin

Float32Array = NDArray[np.float32]

_STEP_M: Final = 1e-5
_EYEBALL_RADIUS_M: Final = 0.0110
EYEBALL_BEHIND_EYE_LINE_M: Final = 0.0090
"""How far the middle of an eyeball lies behind the origin of the mesh, which is the middle of the eye line."""

_EXPRESSIONS: Final = (Face.JAW_OPEN, Face.SMILE, Face.PUCKER, Face.BLINK_LEFT, Face.BLINK_RIGHT, Face.BROW_RAISE)
_IRISES: Final = slice(FaceLandmark.RIGHT_IRIS_CENTER, FaceLandmark.LEFT_IRIS_BOTTOM + 1)


@dataclass(frozen=True)
class FaceModel:
    """float32 metres in the head's axes from the middle of the eye line: `template` (3, 478), and for each expression
    the points it moves (M,) and by how much at its full strength (3, M)."""

    template: Float32Array
    moves: dict[Face, tuple[NDArray[np.intp], Float32Array]]

    @property
    def centre(self) -> FloatArray:
        """(3,): the mean of the face at rest, from which MediaPipe counts a face's depth."""
        return np.asarray(self.template.mean(axis=1), dtype=np.float64)

    def shape(self, face: FloatArray) -> Float32Array:
        """float32 (3, N, 478) metres in the head's axes for the `Face` values (8, N)."""
        strength = face.astype(np.float32)
        points = np.repeat(self.template[:, None], face.shape[-1], axis=1)
        for expression, (moved, by_m) in self.moves.items():
            weight = strength[expression]
            if weight.any():
                points[:, :, moved] += weight[:, None] * by_m[:, None]
        points[:, :, _IRISES] += _look(face[Face.GAZE_YAW], face[Face.GAZE_PITCH])[:, :, None]
        return points


def _look(yaw_deg: FloatArray, pitch_deg: FloatArray) -> Float32Array:
    """float32 (3, N): how far a turn of the eyeballs moves the irises."""
    cos_yaw, sin_yaw = cos_sin(np.radians(yaw_deg))
    cos_pitch, sin_pitch = cos_sin(np.radians(pitch_deg))
    ahead = np.stack([sin_yaw * cos_pitch, -sin_pitch, cos_yaw * cos_pitch - 1.0])
    return (ahead * _EYEBALL_RADIUS_M).astype(np.float32)


@cache
def load_face() -> FaceModel:
    """The stored face."""
    with np.load(Path(__file__).with_name("face_mesh.npz"), allow_pickle=False) as stored:
        meshes = {name: (stored[name].T * _STEP_M).astype(np.float32) for name in stored.files}
    moves = {}
    for expression in _EXPRESSIONS:
        by_m = meshes[expression.name.lower()]
        moved = np.flatnonzero(by_m.any(axis=0))
        moves[expression] = (moved, np.ascontiguousarray(by_m[:, moved]))
    return FaceModel(np.ascontiguousarray(meshes["template"]), moves)
