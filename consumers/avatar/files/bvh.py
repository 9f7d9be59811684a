"""BVH, Biovision's file of motion capture, which animation programs read: a hierarchy, and a line of angles a frame.

Source: the description in Meredith and Maddock, "Motion Capture File Formats Explained" (Sheffield, 2001). Centimetres
and degrees, right-handed, y up, the person faces +z. A joint's rotation is Rz · Rx · Ry, as its channels are named. The
root's offset is zero, since readers differ in whether its position is added to it.
"""

from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.files.motion_file import move_to_gltf, turn_to_gltf
from consumers.avatar.humanoid.rotations import Quaternions
from consumers.avatar.humanoid.skeleton import PARENTS, REST_OFFSETS_M, Bone
from consumers.avatar.states import AvatarStates

_CM: Final = 100.0
_COUNT_WIDTH: Final = 10
_TIP_SHARE: Final = 0.8
"""The last segment of a limb ends where it goes on by this share of its own length."""
_GIMBAL: Final = 1.0 - 1e-9


class BvhFile:
    """Streams to `file`, which must be seekable: memory does not grow with the take. `rate` is frames a second."""

    def __init__(self, file: BinaryIO, rate: float) -> None:
        self._file = file
        self._bones = _list_in_order(Bone.HIPS)
        self._frames = 0
        self._last_angles = np.zeros((len(self._bones), 3))
        file.write(b"HIERARCHY\n" + "\n".join(_describe_joint(Bone.HIPS, 0)).encode() + b"\nMOTION\nFrames: ")
        self._count_at = file.tell()
        file.write(f"{0:>{_COUNT_WIDTH}}\nFrame Time: {1.0 / rate:.9f}\n".encode())

    def add(self, states: AvatarStates) -> None:
        """As MotionFile says."""
        if not len(states):
            return
        angles = read_zxy_angles(turn_to_gltf(states.rotations[:, self._bones]))
        self._last_angles = follow_angles(angles, self._last_angles)
        degrees = np.degrees(angles)
        hips_cm = _CM * move_to_gltf(states.root_m + REST_OFFSETS_M[Bone.HIPS])
        rows = np.concatenate((hips_cm, degrees.reshape(len(states), -1)), axis=1) + 0.0
        line = " ".join(["%.4f"] * rows.shape[1]) + "\n"
        self._file.write("".join(line % tuple(row) for row in rows.tolist()).encode())
        self._frames += len(states)

    def finish(self) -> None:
        """As MotionFile says."""
        end = self._file.tell()
        self._file.seek(self._count_at)
        self._file.write(f"{self._frames:>{_COUNT_WIDTH}}".encode())
        self._file.seek(end)


def read_zxy_angles(rotations: Quaternions) -> NDArray[np.float64]:
    """float64[..., 3]: the angles about z, x and y, in radians, of rotations that are Rz · Rx · Ry; x is in ±π/2.

    From the elements of the rotation's matrix (Diebel, "Representing Attitude", 2006). Where x is ±π/2 only the sum of
    the others is known, and z takes it.
    """
    x, y, z, w = np.moveaxis(rotations, -1, 0)
    up = np.clip(2.0 * (y * z + w * x), -1.0, 1.0)
    locked = np.abs(up) > _GIMBAL
    about_z = np.where(
        locked,
        np.arctan2(2.0 * (x * y + w * z), 1.0 - 2.0 * (y * y + z * z)),
        np.arctan2(-2.0 * (x * y - w * z), 1.0 - 2.0 * (x * x + z * z)),
    )
    about_y = np.where(locked, 0.0, np.arctan2(-2.0 * (x * z - w * y), 1.0 - 2.0 * (x * x + y * y)))
    return np.stack((about_z, np.arcsin(up), about_y), axis=-1)


def follow_angles(angles: NDArray[np.float64], before: NDArray[np.float64]) -> NDArray[np.float64]:
    """Let angles float64[F, B, 3] about z, x and y go on from `before`, in place, so that curves have no jumps.

    Two triples less than a turn are the same rotation, (z, x, y) and (z + π, π − x, y + π), and each may be whole turns
    on: the nearest to the frame before is taken. Returns the last ones.
    """
    for row in angles:
        choices = np.stack((row, row * (1.0, -1.0, 1.0) + np.pi))
        choices -= 2.0 * np.pi * np.rint((choices - before) / (2.0 * np.pi))
        far = np.abs(choices - before).sum(axis=-1)
        row[:] = np.where((far[0] <= far[1])[:, None], choices[0], choices[1])
        before = row
    return before


def _children_of(bone: Bone) -> list[Bone]:
    return [child for child in Bone if PARENTS[child] == bone and child != Bone.JAW]


def _list_in_order(bone: Bone) -> list[Bone]:
    """Depth first, as the hierarchy is written and frames are read."""
    return [bone, *(below for child in _children_of(bone) for below in _list_in_order(child))]


def _describe_joint(bone: Bone, depth: int) -> list[str]:
    indent = "  " * depth
    children = _children_of(bone)
    root = PARENTS[bone] is None
    offset_cm = _CM * move_to_gltf(REST_OFFSETS_M[bone]) * (not root)
    channels = "6 Xposition Yposition Zposition" if root else "3"
    lines = [
        f"{indent}{'ROOT' if root else 'JOINT'} {bone.unity_name}",
        f"{indent}{{",
        f"{indent}  OFFSET {_write_place(offset_cm)}",
        f"{indent}  CHANNELS {channels} Zrotation Xrotation Yrotation",
        *(line for child in children for line in _describe_joint(child, depth + 1)),
    ]
    if not children:
        end = _write_place(_TIP_SHARE * offset_cm)
        lines += [f"{indent}  End Site", f"{indent}  {{", f"{indent}    OFFSET {end}", f"{indent}  }}"]
    return [*lines, f"{indent}}}"]


def _write_place(place_cm: NDArray[np.float64]) -> str:
    return " ".join(f"{value:.4f}" for value in (place_cm + 0.0).tolist())
