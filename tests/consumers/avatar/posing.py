"""A puppet's pose through the solver, and how far what comes out is from what was put in."""

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.humanoid.skeleton import PARENTS, Bone
from consumers.avatar.solver.solve import solve
from consumers.avatar.states import SolvedMotion
from tests.consumers.avatar.puppet import Face, Matrix, Pose, degrees_between, film_all, matrix_of, spaces, turn

FINGERS = ("Index", "Middle", "Ring", "Little")


def local(solved: SolvedMotion, bone: Bone, frame: int = 0) -> NDArray[np.float64]:
    rotation: NDArray[np.float64] = solved.rotations[frame, bone]
    return rotation


def solved_space(solved: SolvedMotion, bone: Bone, frame: int = 0) -> Matrix:
    """The bone's rotation in Unity's space: its own after all its parents'; bones not solved do not turn."""
    rotation = solved.rotations[frame, bone]
    here = matrix_of(rotation) if np.isfinite(rotation).all() else np.eye(3)
    parent = PARENTS[bone]
    return here if parent is None else solved_space(solved, parent, frame) @ here


def solve_pose(pose: Pose, face: Face | None = None) -> SolvedMotion:
    return solve(film_all([pose], face=face))


def bone_named(name: str) -> Bone:
    return next(bone for bone in Bone if bone.unity_name == name)


def space_errors(pose: Pose, names: list[str], face: Face | None = None) -> dict[str, float]:
    """Degrees between each bone's true and solved rotation in Unity's space."""
    solved, true = solve_pose(pose, face), spaces(pose)
    return {name: degrees_between(true[name][0], solved_space(solved, bone_named(name))) for name in names}


def direction_error(pose: Pose, name: str, axis: NDArray[np.float64]) -> float:
    """Degrees between where a bone truly points and where the solved one does."""
    true, found = spaces(pose)[name][0] @ axis, solved_space(solve_pose(pose), bone_named(name)) @ axis
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(true, found)), true @ found)))


def both_sides(bone: str, axis: str, degrees: float) -> dict[str, Matrix]:
    """A left bone's rotation, and the right one's that mirrors it."""
    mirrored = degrees if axis == "x" else -degrees
    return {f"Left{bone}": turn(axis, degrees), f"Right{bone}": turn(axis, mirrored)}
