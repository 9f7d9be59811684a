"""Kalidokit's answers for recorded frames, as local rotations in our order and space.

Its results are for a VRM 0 model that faces the camera and mirrors the performer: Euler angles x, y, z of three.js, in
a right-handed space in which the model looks along −z. A model of Unity's looks along +z: z and with it the rotations
about x and y change sign. And the mirror is taken back: its right arm is the performer's left one.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.humanoid.skeleton import BONE_COUNT, Bone
from keypoints import FrameBatch
from keypoints.landmarks import Part

HERE: Final = Path(__file__).parent
PACKAGE: Final = HERE / "node_modules" / "kalidokit"
EASING: Final = 0.3
"""How far its examples go from what is shown to what was solved, at each frame."""

_PARTS: Final = {
    Part.POSE_WORLD: "pose_world",
    Part.POSE: "pose",
    Part.FACE: "face",
    Part.LEFT_HAND: "left_hand",
    Part.RIGHT_HAND: "right_hand",
}


def solve_with_kalidokit(batch: FrameBatch) -> tuple[NDArray[np.float64], list[dict[str, float]]]:
    """Rotations float64[N, 55, 4], NaN where it gives none, and the shapes of each frame by VRM's names."""
    lines = [json.dumps(_write_frame(batch, row)) for row in range(len(batch))]
    done = subprocess.run(
        [str(Path(sys.executable).parent / "node"), str(HERE / "solve.mjs")],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env=os.environ | {"NODE_NO_WARNINGS": "1"},
    )
    answers: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    rotations = np.full((len(batch), BONE_COUNT, 4), np.nan)
    for row, answer in enumerate(answers):
        for name, angles in answer["bones"].items():
            bone = next(bone for bone in Bone if bone.unity_name == _swap_sides(name))
            rotations[row, bone] = _read_rotation(angles)
    return rotations, [answer["shapes"] for answer in answers]


def ease(rotations: NDArray[np.float64]) -> NDArray[np.float64]:
    """What its examples show of these: each frame a part of the way from what was shown; what is lost stays."""
    shown = np.empty_like(rotations)
    now = np.tile([0.0, 0.0, 0.0, 1.0], (rotations.shape[1], 1))
    for row, aim in enumerate(rotations):
        for bone in np.flatnonzero(np.isfinite(aim[:, 0])):
            now[bone] = _slerp(now[bone], aim[bone], EASING)
        shown[row] = now
    return shown


def _write_frame(batch: FrameBatch, row: int) -> dict[str, object]:
    frame = batch.frame(row)
    parts = {name: frame.part(part) for part, name in _PARTS.items()}
    listed = {name: None if points is None else points.tolist() for name, points in parts.items()}
    return {"width": frame.width, "height": frame.height, **listed}


def _swap_sides(name: str) -> str:
    if name.startswith("Left"):
        return name.replace("Left", "Right")
    return name.replace("Right", "Left")


def _read_rotation(angles: dict[str, float]) -> NDArray[np.float64]:
    x, y, z = (0.5 * float(angles[axis] or 0.0) for axis in "xyz")
    cx, cy, cz, sx, sy, sz = np.cos(x), np.cos(y), np.cos(z), np.sin(x), np.sin(y), np.sin(z)
    # Turned about x, then about the y and the z that came of it: three.js's order XYZ.
    three = np.array(
        [
            sx * cy * cz + cx * sy * sz,
            cx * sy * cz - sx * cy * sz,
            cx * cy * sz + sx * sy * cz,
            cx * cy * cz - sx * sy * sz,
        ]
    )
    unity = three * [-1.0, -1.0, 1.0, 1.0]
    mirrored: NDArray[np.float64] = unity * [1.0, -1.0, -1.0, 1.0]
    return mirrored


def _slerp(start: NDArray[np.float64], end: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    cosine = float(start @ end)
    end, cosine = (-end, -cosine) if cosine < 0.0 else (end, cosine)
    angle = np.arccos(min(cosine, 1.0))
    if angle < 1e-6:
        return end
    mixed: NDArray[np.float64] = (np.sin((1 - share) * angle) * start + np.sin(share * angle) * end) / np.sin(angle)
    return mixed / np.linalg.norm(mixed)
