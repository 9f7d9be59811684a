"""Parts of the mannequin: a surface, its colour, and which bones carry it.

Space: glTF's as VRM 1.0 wants it (right-handed, y up, metres), the model facing +z, so that its left is at +x.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.humanoid.skeleton import PARENTS, REST_OFFSETS_M, Bone
from consumers.avatar.mannequin.colours import Colour
from consumers.avatar.mannequin.solids import Place, Points
from consumers.avatar.mannequin.surface import Surface, Triangles

MIRROR: Final = np.array([-1.0, 1.0, 1.0])
"""From Unity's space to glTF's and back; and from one side of the body to the other."""

_INFLUENCES: Final = 4


def _place_joints() -> NDArray[np.float64]:
    places = np.zeros((len(Bone), 3))
    for bone in sorted(Bone, key=_depth):
        parent = PARENTS[bone]
        places[bone] = REST_OFFSETS_M[bone] * MIRROR + (0.0 if parent is None else places[parent])
    places.setflags(write=False)
    return places


def _depth(bone: Bone) -> int:
    parent = PARENTS[bone]
    return 0 if parent is None else 1 + _depth(parent)


JOINTS: Final = _place_joints()
"""float64[55, 3]: where each joint is at rest, in glTF's space."""


def joint(bone: Bone) -> Place:
    """Where a joint is at rest."""
    x, y, z = JOINTS[bone].tolist()
    return x, y, z


@dataclass(frozen=True, slots=True)
class Rod:
    """A bone carries what is near this segment."""

    bone: Bone
    start: Place
    end: Place


@dataclass(frozen=True, slots=True)
class Part:
    """`points` and `normals` float64[N, 3]; `triangles` int64[T, 3]; `colours` int64[N] (Colour); `bones` int64[N, 4]
    and `weights` float64[N, 4], which sum to one.
    """

    points: Points
    normals: Points
    triangles: Triangles
    colours: NDArray[np.int64]
    bones: NDArray[np.int64]
    weights: NDArray[np.float64]


def cover(surface: Surface, colour: Colour, rods: Sequence[Rod], softness_m: float = 0.012) -> Part:
    """A part of one colour, its weights falling with the distance to each rod beyond the nearest."""
    bones, weights = _weigh(surface.points, rods, softness_m)
    colours = np.full(len(surface.points), int(colour))
    return Part(surface.points, surface.normals, surface.triangles, colours, bones, weights)


def reflect(part: Part) -> Part:
    """The same part on the other side of the body."""
    return Part(
        part.points * MIRROR,
        part.normals * MIRROR,
        part.triangles[:, ::-1],
        part.colours,
        _OPPOSITE[part.bones],
        part.weights,
    )


def gather(parts: Sequence[Part]) -> Part:
    """Parts as one."""
    starts = np.cumsum([0, *(len(part.points) for part in parts[:-1])])
    return Part(
        np.concatenate([part.points for part in parts]),
        np.concatenate([part.normals for part in parts]),
        np.concatenate([part.triangles + start for part, start in zip(parts, starts, strict=True)]),
        np.concatenate([part.colours for part in parts]),
        np.concatenate([part.bones for part in parts]),
        np.concatenate([part.weights for part in parts]),
    )


def _weigh(points: Points, rods: Sequence[Rod], softness_m: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    distances: dict[Bone, NDArray[np.float64]] = {}
    for rod in rods:
        start, along = np.array(rod.start), np.array(rod.end) - np.array(rod.start)
        offsets = points - start
        share = np.clip(offsets @ along / max(float(along @ along), 1e-12), 0.0, 1.0)
        rest = offsets - share[:, None] * along
        distance = np.sqrt((rest * rest).sum(axis=1))
        distances[rod.bone] = np.minimum(distance, distances.get(rod.bone, distance))
    table = np.stack(list(distances.values()), axis=1)
    falling = np.exp((table.min(axis=1, keepdims=True) - table) / softness_m)
    order = np.argsort(-falling, axis=1, kind="stable")[:, :_INFLUENCES]
    chosen = np.take_along_axis(falling, order, axis=1)
    weights = chosen / chosen.sum(axis=1, keepdims=True)
    spare = _INFLUENCES - order.shape[1]
    bones = np.array(list(distances), dtype=np.int64)[order]
    return np.pad(bones, ((0, 0), (0, spare))), np.pad(weights, ((0, 0), (0, spare)))


def _name_opposite(bone: Bone) -> Bone:
    if bone.name.startswith("LEFT_"):
        return Bone[bone.name.replace("LEFT_", "RIGHT_")]
    return Bone[bone.name.replace("RIGHT_", "LEFT_")]


_OPPOSITE: Final = np.array([_name_opposite(bone) for bone in Bone], dtype=np.int64)
