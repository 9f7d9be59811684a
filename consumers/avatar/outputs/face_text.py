"""iFacialMocap's text: the face, the head and the eyes, as the phone app writes them.

One datagram a state (ifacialmocap.com/for-developer):
`name-value|…|=head#x,y,z,px,py,pz|rightEye#x,y,z|leftEye#x,y,z|`, values 0…100, angles in degrees. In version 2, which
a receiver asks for by `sendDataVersion=v2`, the values stand behind `&`.

The page does not say which way angles turn. The frame printed on it does, for the eyes: with eyeLookDown at 17 both
turn by +6.0 about x, with eyeLookIn_L at 4 and eyeLookIn_R at 6 the left by −1.7 and the right by +2.4 about y. So down
is +x and the person's left is +y: the axes of ARKit's face, right-handed, x to the person's left, y up, z out of the
face. It is taken for the head as well. Receivers read the angles by Unity's Quaternion.Euler, so they are in its order;
places are metres, the head's from where it is at rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.face.arkit import Blendshape
from consumers.avatar.humanoid.kinematics import list_levels, place_bones
from consumers.avatar.humanoid.rotations import mirror, to_euler
from consumers.avatar.humanoid.skeleton import PARENTS, REST_OFFSETS_M, Bone
from consumers.avatar.outputs.newest import OfNewestStates
from consumers.avatar.outputs.output import Shown
from consumers.avatar.outputs.vmc.numbers import KNOWN
from consumers.avatar.outputs.vmc.parts import ALL_PARTS, Part
from consumers.avatar.states import AvatarStates

_SEPARATORS: Final = {1: "-", 2: "&"}
_EYES: Final = (("rightEye", Bone.RIGHT_EYE), ("leftEye", Bone.LEFT_EYE))
_MOST_TEXTS: Final = 16

_DIRECTIONS: Final = frozenset(
    {Blendshape.JAW_LEFT, Blendshape.JAW_RIGHT, Blendshape.MOUTH_LEFT, Blendshape.MOUTH_RIGHT}
)
"""Shapes to one side, which have no partner on the other."""


def name_shape(shape: Blendshape) -> str:
    """The app's name of a shape: `eyeBlink_L`, where ARKit's is `eyeBlinkLeft`; directions keep theirs: `mouthLeft`."""
    name = shape.arkit_name
    if shape in _DIRECTIONS:
        return name
    return name.removesuffix("Left") + "_L" if name.endswith("Left") else _name_right(name)


def _name_right(name: str) -> str:
    return name.removesuffix("Right") + "_R" if name.endswith("Right") else name


def _list_head() -> list[Bone]:
    bones, bone = list[Bone](), Bone.HEAD
    while (parent := PARENTS[bone]) is not None:
        bones.append(bone)
        bone = parent
    return bones


_HEAD_LEVELS: Final = list_levels(_list_head())
_HEAD_AT_REST_M: Final = REST_OFFSETS_M[[Bone.HIPS, *_list_head()]].sum(axis=0)
_TO_ARKIT: Final = np.array([-1.0, 1.0, 1.0])


@dataclass(frozen=True, slots=True)
class _Faces:
    """What M faces show: `percents` int[M, 51], `heads` float64[M, 6] and `eyes` float64[M, 2, 3], right eye first."""

    percents: NDArray[np.int64]
    heads: NDArray[np.float64]
    eyes: NDArray[np.float64]


def _read_faces(states: AvatarStates) -> _Faces:
    places_m, turns = place_bones(states.rotations, states.root_m, levels=_HEAD_LEVELS)
    seen = np.concatenate((turns[:, [Bone.HEAD]], states.rotations[:, [Bone.RIGHT_EYE, Bone.LEFT_EYE]]), axis=1)
    angles_deg = np.degrees(to_euler(mirror(seen)))
    moved_m = (places_m[:, Bone.HEAD] - _HEAD_AT_REST_M) * _TO_ARKIT
    percents = np.rint(100.0 * np.clip(states.shapes, 0.0, 1.0)).astype(np.int64)
    return _Faces(percents, np.concatenate((angles_deg[:, 0], moved_m), axis=1), angles_deg[:, 1:])


_FACES: Final = OfNewestStates(_read_faces)


class FaceWriter:
    """Writes faces in version 1 or 2; `parts` are face, head and eyes, if chosen.

    A head that was not seen is straight, for the text must have one; eyes and shapes that were not are left out.
    """

    def __init__(self, version: int = 1, parts: frozenset[Part] = ALL_PARTS) -> None:
        self._separator = _SEPARATORS[version]
        self._parts = parts
        self._texts: dict[bytes, _Text | None] = {}

    def write(self, shown: Shown) -> bytes | None:
        """The datagram of a state; None before a face or a head was seen."""
        known = KNOWN.of(shown.states)[shown.row]
        if known not in self._texts:
            if len(self._texts) >= _MOST_TEXTS:
                self._texts.clear()
            self._texts[known] = self._lay_out(shown)
        text = self._texts[known]
        return None if text is None else text.fill(_FACES.of(shown.states), shown.row)

    def _lay_out(self, shown: Shown) -> "_Text | None":
        bones_known, shapes_known = shown.states.bones_known[shown.row], shown.states.shapes_known[shown.row]
        shapes = [shape for shape in Blendshape if shapes_known[shape]] if Part.FACE in self._parts else []
        has_head = Part.HEAD in self._parts and bool(bones_known[Bone.HEAD])
        eyes = [row for row, (_, bone) in enumerate(_EYES) if Part.EYES in self._parts and bones_known[bone]]
        return _Text(self._separator, shapes, has_head, eyes) if shapes or has_head else None


class _Text:
    """The text of one set of shapes, head and eyes, with a gap for each number."""

    def __init__(self, separator: str, shapes: Sequence[Blendshape], has_head: bool, eyes: Sequence[int]) -> None:
        head = ",".join(6 * ["%.6f" if has_head else "0"])
        blocks = [f"{name_shape(shape)}{separator}%d|" for shape in shapes]
        blocks += [f"=head#{head}|", *(f"{_EYES[row][0]}#%.6f,%.6f,%.6f|" for row in eyes)]
        self._template = "".join(blocks)
        self._shapes, self._has_head, self._eyes = list(shapes), has_head, list(eyes)

    def fill(self, faces: _Faces, row: int) -> bytes:
        """One face's datagram."""
        numbers = [*faces.percents[row, self._shapes].tolist()]
        if self._has_head:
            numbers += faces.heads[row].tolist()
        for eye in self._eyes:
            numbers += faces.eyes[row, eye].tolist()
        return (self._template % tuple(numbers)).encode("ascii")
