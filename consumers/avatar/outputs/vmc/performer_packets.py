"""What a VMC Performer takes (specification 3.1: Marionette or Assistant → Performer).

That is virtual devices, expressions, a camera and what the eyes look at; not bones, which a Performer makes itself. The
devices are where forward kinematics puts the target's own bones, in the scale of its avatar.
"""

from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.humanoid.kinematics import list_levels, place_bones
from consumers.avatar.humanoid.rotations import Vectors, normalise, rotate
from consumers.avatar.humanoid.skeleton import PARENTS, Bone
from consumers.avatar.outputs.output import Shown
from consumers.avatar.outputs.vmc.expressions import ExpressionSlots
from consumers.avatar.outputs.vmc.missing_bones import fold_turns, plan_folds
from consumers.avatar.outputs.vmc.osc import OscLayout
from consumers.avatar.outputs.vmc.parts import Part
from consumers.avatar.outputs.vmc.state_packets import Wanted, add_camera
from consumers.avatar.states import Flags

_DEVICES: Final = {
    Bone.HEAD: "/VMC/Ext/Hmd/Pos",
    Bone.LEFT_HAND: "/VMC/Ext/Con/Pos",
    Bone.RIGHT_HAND: "/VMC/Ext/Con/Pos",
    Bone.HIPS: "/VMC/Ext/Tra/Pos",
    Bone.LEFT_FOOT: "/VMC/Ext/Tra/Pos",
    Bone.RIGHT_FOOT: "/VMC/Ext/Tra/Pos",
}
"""Which kind of device is where which bone is; its serial number is the bone's name."""

_IDENTITY: Final = (0.0, 0.0, 0.0, 1.0)
_FORWARD: Final = np.array([0.0, 0.0, 1.0])
_EYES: Final = [Bone.LEFT_EYE, Bone.RIGHT_EYE]
_LOOKS_AT_M: Final = 1.0


def _list_ancestors(bone: Bone) -> list[Bone]:
    parent = PARENTS[bone]
    return [bone] if parent is None else [bone, *_list_ancestors(parent)]


_LEVELS: Final = list_levels(set(chain.from_iterable(map(_list_ancestors, _DEVICES))))


class PerformerPackets:
    """The packets of one set of known bones and shapes: devices, gaze, camera, expressions."""

    def __init__(self, wanted: Wanted, bones_known: Flags, shapes_known: Flags) -> None:
        layout = OscLayout(wanted.profile.bundles)
        self._wanted, self._folds = wanted, plan_folds(wanted.profile.without)
        self._offsets_m = wanted.rest_offsets_m.copy()
        self._offsets_m[list(wanted.profile.without)] = 0.0
        sent = set(wanted.list_bones(bones_known))
        self._devices = [bone for bone in _DEVICES if bone in sent]
        slots = [
            layout.add(_DEVICES[bone], ",sfffffff", bone.unity_name, 0.0, 0.0, 0.0, *_IDENTITY)
            for bone in self._devices
        ]
        self._slots: NDArray[np.intp] = np.array(slots, dtype=np.intp)[:, None] + np.arange(7)
        self._gaze_slot = layout.add("/VMC/Ext/Set/Eye", ",ifff", 1, *_FORWARD.tolist()) if sent >= set(_EYES) else None
        if wanted.profile.camera is not None:
            add_camera(layout, wanted.profile.camera)
        with_face = Part.FACE in wanted.parts and bool(shapes_known.any())
        self._expressions = ExpressionSlots(layout, wanted.profile) if with_face else None
        self._buffer = layout.finish()

    def write(self, shown: Shown) -> list[memoryview]:
        """The state as datagrams, good until the next one is written."""
        floats, rotations = self._buffer.floats, shown.states.rotations[shown.row]
        if self._devices:
            floats[self._slots] = self._place_devices(shown)
        if self._gaze_slot is not None:
            floats[self._gaze_slot + 1 : self._gaze_slot + 4] = self._find_gaze(rotations[_EYES])
        if self._expressions is not None:
            self._expressions.write(floats, shown)
        return self._buffer.datagrams

    def _place_devices(self, shown: Shown) -> NDArray[np.float64]:
        """float64[D, 7]: each device's place and rotation."""
        row, wanted = slice(shown.row, shown.row + 1), self._wanted
        moved_m = shown.states.root_m[row] * (wanted.metres if wanted.moves_hips else 0.0)
        rotations = fold_turns(shown.states.rotations[shown.row], self._folds)[None]
        places, turns = place_bones(rotations, moved_m, self._offsets_m, _LEVELS)
        return np.concatenate((places[0, self._devices], turns[0, self._devices]), axis=1)

    def _find_gaze(self, eyes: NDArray[np.float64]) -> Vectors:
        """What both eyes look at, a metre away, as seen from the head (since version 2.8 of the protocol)."""
        between_m = self._wanted.rest_offsets_m[_EYES].mean(axis=0)
        gaze: Vectors = between_m + _LOOKS_AT_M * normalise(rotate(eyes, _FORWARD).sum(axis=0))
        return gaze
