"""A performer's state as VMC packets (protocol.vmc.info, specification 3.1: Performer → Marionette)."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.humanoid.skeleton import FINGER_BONES, REST_OFFSETS_M, Bone
from consumers.avatar.outputs.output import Shown
from consumers.avatar.outputs.vmc.camera import Camera
from consumers.avatar.outputs.vmc.expressions import ExpressionSlots
from consumers.avatar.outputs.vmc.missing_bones import Folds, fold_turns, plan_folds
from consumers.avatar.outputs.vmc.numbers import ROTATIONS
from consumers.avatar.outputs.vmc.osc import OscLayout
from consumers.avatar.outputs.vmc.parts import Part, select_bones
from consumers.avatar.outputs.vmc.profiles import Profile
from consumers.avatar.states import Flags

_LOADED: Final = 1
_CALIBRATED: Final = 3
_NORMAL_MODE: Final = 0
_MIXED_REALITY_MODE: Final = 1
_NOWHERE: Final = (0.0, 0.0, 0.0)
_IDENTITY: Final = (0.0, 0.0, 0.0, 1.0)
_FINGERS: Final = frozenset(Bone(row) for fingers in FINGER_BONES for row in range(len(Bone))[fingers])
_EYES: Final = frozenset({Bone.LEFT_EYE, Bone.RIGHT_EYE})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one target is sent: how, which parts, and each bone's place at rest, float64[55, 3], in metres."""

    profile: Profile
    parts: frozenset[Part]
    rest_offsets_m: NDArray[np.float64]

    @property
    def metres(self) -> float:
        """How far the target's model goes where the built-in skeleton goes one metre: by the heights of their hips."""
        ours, theirs = float(REST_OFFSETS_M[Bone.HIPS, 1]), float(self.rest_offsets_m[Bone.HIPS, 1])
        return theirs / ours if theirs > 0.0 else 1.0

    @property
    def moves_hips(self) -> bool:
        """Whether the place of the hips says how far the performer has moved."""
        return self.profile.moves_hips and Part.ROOT in self.parts

    @property
    def folds(self) -> Folds:
        """What missing bones of the chosen parts turn, for the bones that hang on them."""
        return plan_folds(self.profile.without.intersection(select_bones(self.parts)))

    def list_bones(self, known: Flags) -> list[Bone]:
        """The bones to send when those of bool[55] are known, in order."""
        left_out = self.profile.without
        if not self.profile.sends_fingers:
            left_out |= _FINGERS
        if self.profile.looks_by_expression:
            left_out |= _EYES
        chosen = [bone for bone in select_bones(self.parts) if bone not in left_out]
        return chosen if self.profile.sends_unknown else [bone for bone in chosen if known[bone]]


class StatePackets:
    """The packets of one set of known bones and shapes.

    In order: available (OK), time (T), root, camera, bones, expressions, apply.
    """

    def __init__(self, wanted: Wanted, bones_known: Flags, shapes_known: Flags) -> None:
        profile = wanted.profile
        layout = OscLayout(profile.bundles)
        mode = _NORMAL_MODE if profile.root_scale is None else _MIXED_REALITY_MODE
        status = (_LOADED, _CALIBRATED, mode, 0)[: profile.ok_values]
        first = layout.add("/VMC/Ext/OK", "," + "i" * len(status), *status)
        self._tracked_slot = first + 3 if len(status) == 4 else None
        self._time_slot = layout.add("/VMC/Ext/T", ",f", 0.0)
        if Part.ROOT in wanted.parts:
            _add_root(layout, profile.root_scale)
        if profile.camera is not None:
            add_camera(layout, profile.camera)
        bones = wanted.list_bones(bones_known)
        places = [
            layout.add("/VMC/Ext/Bone/Pos", ",sfffffff", bone.unity_name, *wanted.rest_offsets_m[bone], *_IDENTITY)
            for bone in bones
        ]
        self._rotation_slots = _list_fours([place + 3 for place in places])
        self._rotation_columns = _list_fours([4 * bone for bone in bones])
        self._folds = wanted.folds
        moved = wanted.moves_hips and Bone.HIPS in bones
        self._hips_slot = places[bones.index(Bone.HIPS)] if moved else None
        self._hips_at_rest_m, self._metres = wanted.rest_offsets_m[Bone.HIPS], wanted.metres
        with_face = Part.FACE in wanted.parts and bool(shapes_known.any())
        self._expressions = ExpressionSlots(layout, profile) if with_face else None
        self._buffer = layout.finish()

    def write(self, shown: Shown) -> list[memoryview]:
        """The state as datagrams, good until the next one is written."""
        states, row, floats = shown.states, shown.row, self._buffer.floats
        if self._tracked_slot is not None:
            self._buffer.ints[self._tracked_slot] = states.tracked[row]
        floats[self._time_slot] = shown.elapsed_s
        turns = ROTATIONS.of(states)[row]
        if self._folds:
            turns = fold_turns(states.rotations[row], self._folds).reshape(-1)
        floats[self._rotation_slots] = turns[self._rotation_columns]
        if self._hips_slot is not None:
            place_m = self._hips_at_rest_m + self._metres * states.root_m[row]
            floats[self._hips_slot : self._hips_slot + 3] = place_m
        if self._expressions is not None:
            self._expressions.write(floats, shown)
        return self._buffer.datagrams


def add_camera(layout: OscLayout, camera: Camera) -> None:
    """Append `/VMC/Ext/Cam`, which is the same in both directions of the protocol."""
    numbers = (*camera.position_m, *camera.rotation, camera.field_of_view_deg)
    layout.add("/VMC/Ext/Cam", ",sffffffff", "Camera", *map(float, numbers))


def _add_root(layout: OscLayout, scale: float | None) -> None:
    """The model's own place: the origin, for it is the hips that move; with the form of 2.1 if there is a scale."""
    if scale is None:
        layout.add("/VMC/Ext/Root/Pos", ",sfffffff", "root", *_NOWHERE, *_IDENTITY)
    else:
        layout.add("/VMC/Ext/Root/Pos", ",s" + 13 * "f", "root", *_NOWHERE, *_IDENTITY, *(3 * (scale,)), *_NOWHERE)


def _list_fours(first: list[int]) -> NDArray[np.intp]:
    """intp[4 N]: each number and the three after it."""
    return (np.array(first, dtype=np.intp)[:, None] + np.arange(4)).reshape(-1)
