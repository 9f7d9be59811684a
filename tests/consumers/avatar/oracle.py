"""Random poses within what bodies do, and how far a solver's answer is from them, bone by bone.

The oracle shares nothing with a solver: it has a table of ranges of its own, draws rotation matrices, and compares in
Unity's space, where an error of a bone is one of all that hang on it.

What landmarks do not show is drawn as anatomy has it, or not compared:
- hips and spine: how much of a bend forward is the hips' and how much the spine's is not seen; the spine turns and
  leans here, a third in each bone, and bends not;
- clavicles: shoulder joints do not tell a raised clavicle from a leaning chest; they rise here by a third of what an
  arm is raised above the level (Inman, Saunders and Abbott, 1944), and are compared by where they point;
- neck and head: only the head is seen; the neck takes two fifths of its turn;
- upper arms and thighs: turned about themselves they show it in a bent elbow or knee alone, so those are bent by 35°
  and more; forearms and hands share the twist of the palm in halves, and without a palm it is not seen;
- fingers: bent knuckles hardly spread, and hardly show it: spread falls with the cosine of the bend;
- feet and toes: compared by where they point; toes bend only under a heel raised from the floor;
- thumbs, whose saddle has axes of its own, and eyes and jaw, which no bone but themselves depends on, are not compared.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.humanoid.skeleton import PARENTS, Bone
from tests.consumers.avatar.puppet import (
    HEEL,
    TOE_TIP,
    Matrix,
    Pose,
    degrees_between,
    matrix_of,
    point_on,
    spaces,
    turn,
)

FINGERS: Final = ("Index", "Middle", "Ring", "Little")
_SIDES: Final = (("Left", 1.0), ("Right", -1.0))

_ACROSS: Final = np.array([1.0, 0.0, 0.0])
_AHEAD: Final = np.array([0.0, 0.0, 1.0])
DIRECTIONS: Final[dict[str, NDArray[np.float64]]] = {
    "LeftShoulder": _ACROSS, "RightShoulder": _ACROSS, "LeftFoot": _AHEAD, "RightFoot": _AHEAD,
    "LeftToes": _AHEAD, "RightToes": _AHEAD,
}  # fmt: skip
"""Bones that are seen but for a turn about this axis of theirs."""

OBSERVABLE: Final = (
    "Hips", "Spine", "Chest", "UpperChest", "Neck", "Head",
    *(f"{side}{name}" for side, _ in _SIDES for name in (
        "Shoulder", "UpperArm", "LowerArm", "Hand", "UpperLeg", "LowerLeg", "Foot", "Toes",
        *(f"{finger}{segment}" for finger in FINGERS for segment in ("Proximal", "Intermediate", "Distal")),
    )),
)  # fmt: skip
"""The bones compared."""

RANGES_DEG: Final[dict[str, tuple[float, float]]] = {
    "hips yaw": (-60, 60), "hips pitch": (-10, 30), "hips roll": (-10, 10),
    "spine turn": (-35, 35), "spine lean": (-20, 20),
    "head turn": (-40, 40), "head nod": (-25, 25), "head tilt": (-20, 20),
    "arm down": (-75, 85), "arm forward": (-20, 80), "arm twist": (-60, 60), "elbow": (35, 130),
    "palm twist": (-100, 100), "wrist": (-45, 45),
    "finger spread": (-12, 12), "knuckle": (0, 75), "finger": (0, 90), "fingertip": (0, 60),
    "hip bent": (0, 95), "hip apart": (0, 30), "hip twist": (-30, 30), "knee": (35, 115), "ankle": (-18, 40),
}  # fmt: skip
_ON_FLOOR_M: Final = 0.01
_OFF_FLOOR_M: Final = 0.05
_STEEPEST_ON_TOES_DEG: Final = 40.0
_MOST_ROLLED: Final = 0.25
"""The sine of how far a foot that stands on its toes is rolled to a side."""


def random_poses(count: int, seed: int) -> list[Pose]:
    """So many poses, the same for the same seed."""
    chance = np.random.default_rng(seed)
    return [_draw_pose(chance) for _ in range(count)]


def errors_by_bone(poses: Sequence[Pose], rotations: NDArray[np.float64]) -> dict[str, tuple[float, float]]:
    """Mean and largest error in degrees of each bone that can be seen, of local rotations float64[N, 55, 4] in Unity's
    space and the order of Bone. What was not solved (NaN) does not turn."""
    errors: dict[str, list[float]] = {bone: [] for bone in OBSERVABLE}
    for pose, solved in zip(poses, rotations, strict=True):
        true, found = spaces(pose), solved_spaces(solved)
        for bone in OBSERVABLE:
            errors[bone].append(_compare(bone, true[bone][0], found[bone]))
    return {bone: (float(np.mean(found)), float(np.max(found))) for bone, found in errors.items()}


def solved_spaces(rotations: NDArray[np.float64]) -> dict[str, Matrix]:
    """Each bone's rotation in Unity's space, by its name there, of local rotations float64[55, 4]."""
    found: dict[Bone, Matrix] = {}

    def place(bone: Bone) -> Matrix:
        if bone not in found:
            here = matrix_of(rotations[bone]) if np.isfinite(rotations[bone]).all() else np.eye(3)
            parent = PARENTS[bone]
            found[bone] = here if parent is None else place(parent) @ here
        return found[bone]

    return {bone.unity_name: place(bone) for bone in Bone}


def _compare(bone: str, true: Matrix, found: Matrix) -> float:
    axis = DIRECTIONS.get(bone)
    if axis is None:
        return degrees_between(true, found)
    there, here = true @ axis, found @ axis
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(there, here)), there @ here)))


def _draw_pose(chance: np.random.Generator) -> Pose:
    draw = partial(_draw, chance)
    pose = {"Hips": turn("y", draw("hips yaw")) @ turn("x", draw("hips pitch")) @ turn("z", draw("hips roll"))}
    bend = share(np.array([0.0, draw("spine turn"), draw("spine lean")]), 1.0 / 3.0)
    pose |= dict.fromkeys(("Spine", "Chest", "UpperChest"), bend)
    head = np.array([draw("head nod"), draw("head turn"), draw("head tilt")])
    pose |= {"Neck": share(head, 0.4), "Head": share(head, 0.6)}
    for side, sign in _SIDES:
        aim = turn("z", sign * draw("arm down")) @ turn("y", sign * draw("arm forward"))
        pose |= pose_arm(side, aim @ turn("x", draw("arm twist")))
        pose[f"{side}LowerArm"] = turn("y", sign * draw("elbow"))
        pose |= _turn_palm(pose[f"{side}LowerArm"], side, draw("palm twist"), turn("z", sign * draw("wrist")))
        for finger in FINGERS:
            curl = draw("knuckle")
            spread = turn("y", sign * draw("finger spread") * float(np.cos(np.radians(curl))))
            pose[f"{side}{finger}Proximal"] = spread @ turn("z", sign * curl)
            pose[f"{side}{finger}Intermediate"] = turn("z", sign * draw("finger"))
            pose[f"{side}{finger}Distal"] = turn("z", sign * draw("fingertip"))
    return _draw_legs(pose, chance)


def _draw(chance: np.random.Generator, name: str) -> float:
    return float(chance.uniform(*RANGES_DEG[name]))


def share(degrees: NDArray[np.float64], part: float) -> Matrix:
    """A part of the rotation about the vector, by its length in degrees (Rodrigues)."""
    angle = np.radians(np.linalg.norm(degrees))
    x, y, z = degrees / max(float(np.linalg.norm(degrees)), 1e-12)
    skew = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    matrix: Matrix = np.eye(3) + np.sin(part * angle) * skew + (1.0 - np.cos(part * angle)) * skew @ skew
    return matrix


def pose_arm(side: str, in_chest: Matrix) -> dict[str, Matrix]:
    """Clavicle and upper arm that together turn the arm so against the chest."""
    sign = 1.0 if side == "Left" else -1.0
    elevation = np.degrees(np.arcsin((in_chest @ [-sign, 0.0, 0.0])[1]))
    raised = turn("z", -sign * max(0.0, float(elevation)) / 3.0)
    return {f"{side}Shoulder": raised, f"{side}UpperArm": raised.T @ in_chest}


def _turn_palm(elbow: Matrix, side: str, twist: float, wrist: Matrix) -> dict[str, Matrix]:
    half, whole = turn("x", 0.5 * twist), turn("x", twist)
    return {f"{side}LowerArm": elbow @ half, f"{side}Hand": half.T @ wrist @ whole}


def _draw_legs(pose: Pose, chance: np.random.Generator) -> Pose:
    """Legs of which each foot is plainly on the floor, its toes flat there, or plainly off it, its toes straight."""
    while True:
        legs = dict(pose)
        for side, sign in _SIDES:
            opened = turn("z", -sign * _draw(chance, "hip apart")) @ turn("y", sign * _draw(chance, "hip twist"))
            legs[f"{side}UpperLeg"] = turn("x", -_draw(chance, "hip bent")) @ opened
            legs[f"{side}LowerLeg"] = turn("x", _draw(chance, "knee"))
            legs[f"{side}Foot"] = turn("x", _draw(chance, "ankle"))
        placed = spaces(legs)
        lower = min(("Left", "Right"), key=lambda side: placed[f"{side}Foot"][1][1])
        foot = placed[f"{lower}Foot"][0]
        steepness = float(np.degrees(np.arctan2(-foot[1, 2], foot[1, 1])))
        on_toes = steepness > 0.0
        if on_toes and (steepness > _STEEPEST_ON_TOES_DEG or abs(foot[1, 0]) > _MOST_ROLLED):
            continue
        if on_toes:
            legs[f"{lower}Toes"] = turn("x", -steepness)
        if _is_clear(legs, lower, on_toes):
            return legs


def _is_clear(pose: Pose, lower: str, on_toes: bool) -> bool:
    """Whether the lower foot alone is on the floor, or the other one points upwards."""
    placed = spaces(pose)
    tips: dict[str, float] = {}
    heels: dict[str, float] = {}
    for side in ("Left", "Right"):
        tips[side] = point_on(placed, "LeftToes", TOE_TIP, right=side == "Right")[1]
        heels[side] = point_on(placed, "LeftFoot", HEEL, right=side == "Right")[1]
    lowest = min(*tips.values(), *heels.values())
    if on_toes and tips[lower] > lowest + _ON_FLOOR_M:
        return False
    upper = "Left" if lower == "Right" else "Right"
    return bool(tips[upper] > heels[upper] or tips[upper] > lowest + _OFF_FLOOR_M)
