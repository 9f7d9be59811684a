"""Kalidokit's answers for recorded frames, as local rotations in our order and space.

Its results are for a VRM 0 model that faces the camera and mirrors the performer: Euler angles x, y, z of three.js, in
a right-handed space in which the model looks along −z. A model of Unity's looks along +z: z and with it the rotations
about x and y change sign. And the mirror is taken back: its right arm is the performer's left one.

Read so it does best. On random poses all six orders of angles, all signs, and both sides were tried for each bone: no
other reading is nearer to the truth by more than 2° of some 50°, and that for forearms and hands alone, each by
another. Where its examples give a part of a turn to a bone, they are followed (`EXAMPLES`); `WHOLE` gives hips and neck
the whole turn, which is nearer for one who stands turned. Hands are given to it in pixels, as it makes faces itself,
for as fractions of a wide picture, which its examples give it, they cost it five degrees a finger segment.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.humanoid.skeleton import BONE_COUNT, Bone
from keypoints import FrameBatch
from keypoints.landmarks import Part

Values = NDArray[np.float64]
Shares = Mapping[str, tuple[str, float]]
"""Of which result a bone takes how much; a bone that is not named takes the whole of its own."""

HERE: Final = Path(__file__).parent
PACKAGE: Final = HERE / "node_modules" / "kalidokit"
EXAMPLES: Final[Shares] = {
    "Hips": ("Hips", 0.7),
    "Spine": ("Spine", 0.45),
    "Chest": ("Spine", 0.25),
    "Neck": ("Head", 0.7),
    "Head": ("Head", 0.0),
}
WHOLE: Final[Shares] = {**EXAMPLES, "Hips": ("Hips", 1.0), "Neck": ("Head", 1.0)}
EASING: Final = 0.3
"""How far its examples go from what is shown to what was solved, at each frame."""

_PARTS: Final = {
    Part.POSE_WORLD: "pose_world",
    Part.POSE: "pose",
    Part.FACE: "face",
    Part.LEFT_HAND: "left_hand",
    Part.RIGHT_HAND: "right_hand",
}


@dataclass(frozen=True)
class Answers:
    """What it solved of N frames: by frame and name, Euler angles and the numbers of the face."""

    turns: list[dict[str, dict[str, float]]]
    face: list[dict[str, float]]

    def rotations(self, shares: Shares = EXAMPLES) -> Values:
        """float64[N, 55, 4]: local rotations, NaN where it gives none."""
        angles = np.full((len(self.turns), BONE_COUNT, 3), np.nan)
        for bone in Bone:
            result, share = shares.get(bone.unity_name, (_swap_sides(bone.unity_name), 1.0))
            for row, turns in enumerate(self.turns):
                if share > 0.0 and result in turns:
                    # An angle that its arithmetic could not find comes as null, and three.js takes that for 0.
                    angles[row, bone] = [share * float(turns[result][axis] or 0.0) for axis in "xyz"]
        return _read_rotations(angles)


def solve_with_kalidokit(batch: FrameBatch) -> Answers:
    """Solve every frame in Node.

    Raises subprocess.CalledProcessError when Kalidokit fails, or is not installed.
    """
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
    return Answers([answer["turns"] for answer in answers], [answer["face"] for answer in answers])


def ease(rotations: Values) -> Values:
    """What its examples show of these: each frame a part of the way from what was shown; what is lost stays."""
    shown = np.empty_like(rotations)
    now = np.tile([0.0, 0.0, 0.0, 1.0], (rotations.shape[1], 1))
    for row, aim in enumerate(rotations):
        seen = np.isfinite(aim[:, 0])
        now[seen] = _slerp(now[seen], aim[seen], EASING)
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


def _read_rotations(angles: Values) -> Values:
    (cx, cy, cz), (sx, sy, sz) = (np.moveaxis(part(0.5 * angles), -1, 0) for part in (np.cos, np.sin))
    # Turned about x, then about the y and the z that came of it: three.js's order XYZ.
    three = (
        sx * cy * cz + cx * sy * sz,
        cx * sy * cz - sx * cy * sz,
        cx * cy * sz + sx * sy * cz,
        cx * cy * cz - sx * sy * sz,
    )
    unity = np.stack(three, axis=-1) * [-1.0, -1.0, 1.0, 1.0]
    mirrored: Values = unity * [1.0, -1.0, -1.0, 1.0]
    return mirrored


def _slerp(start: Values, end: Values, share: float) -> Values:
    cosine = (start * end).sum(axis=-1, keepdims=True)
    nearer = np.copysign(1.0, cosine) * end
    angle = np.maximum(np.arccos(np.minimum(np.abs(cosine), 1.0)), 1e-6)
    mixed: Values = (np.sin((1 - share) * angle) * start + np.sin(share * angle) * nearer) / np.sin(angle)
    mixed /= np.linalg.norm(mixed, axis=-1, keepdims=True)
    return mixed
