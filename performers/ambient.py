"""What a living body does whatever it is told: stands, sways, breathes, looks about, blinks."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

from performers.hand_shapes import HandShape, shape_angles
from performers.joints import SIDES
from performers.motions import blink_strength
from performers.posture import Face, Limb, Posture, Trunk
from performers.rotations import FloatArray, cos_sin

_STANDING: Final = {
    Limb.ARM_DOWN: 79.0, Limb.ARM_INTERNAL: 12.0, Limb.ELBOW: 16.0, Limb.PRONATION: 22.0, Limb.ARM_SWING: -2.0,
    Limb.HIP_ABDUCTION: 3.5, Limb.KNEE: 2.0, Limb.HIP_FLEX: 1.0, Limb.ANKLE: 1.0,
}  # fmt: skip


class _Wander(IntEnum):
    BREATH = 0
    SIDEWAYS = 1
    FORWARD = 2
    BEND = 3
    TWIST = 4
    NOD = 5
    LOOK = 6
    TILT = 7
    GAZE = 8
    GAZE_UP = 9
    ARM_LEFT = 10
    ARM_RIGHT = 11


_WAVES: Final = 3
_BLINK_CELL_S: Final = 4.0
_SLOWEST_HZ: Final = 0.04
_FASTEST_HZ: Final = 0.30
_BREATH_HZ: Final = 0.26
_BLINKS_DRAWN: Final = 256


@dataclass(frozen=True)
class Ambient:
    """One body's own way of standing: frequencies (12, 3) in Hz and phases (12, 3) in turns of its wanderings, and
    where in each cell of time it blinks, 0 to 1. `cell_s` is a cell's length."""

    frequencies: FloatArray
    phases: FloatArray
    blinks: FloatArray
    cell_s: float

    @classmethod
    def draw(cls, seed: int, loop_s: float | None) -> "Ambient":
        """By chance; with a loop, everything returns to where it was after `loop_s` seconds."""
        chance = np.random.Generator(np.random.Philox(key=seed))
        frequencies = chance.uniform(_SLOWEST_HZ, _FASTEST_HZ, (len(_Wander), _WAVES))
        frequencies[_Wander.BREATH] = _BREATH_HZ * chance.uniform(0.9, 1.1)
        phases = chance.uniform(0.0, 1.0, frequencies.shape)
        phases[_Wander.BREATH] = phases[_Wander.BREATH, 0]
        cell_s, blinks = _BLINK_CELL_S, chance.uniform(0.0, 0.9, _BLINKS_DRAWN)
        if loop_s is not None:
            frequencies = np.maximum(np.round(frequencies * loop_s), 1.0) / loop_s
            cells = max(1, round(loop_s / _BLINK_CELL_S))
            cell_s, blinks = loop_s / cells, blinks[: min(cells, _BLINKS_DRAWN)]
        return cls(frequencies, phases, blinks, cell_s)

    def stand(self, at_s: FloatArray) -> Posture:
        """The posture of a body with nothing to do at the instants `at_s` (N,)."""
        posture = Posture.rest(len(at_s))
        self._carry_limbs(posture, at_s)
        trunk, face = posture.trunk, posture.face
        breath = self._wander(_Wander.BREATH, at_s)
        trunk[Trunk.SPINE_PITCH] = 1.5 - 0.5 * breath + 0.5 * self._wander(_Wander.BEND, at_s)
        trunk[Trunk.SPINE_YAW] = 1.6 * self._wander(_Wander.TWIST, at_s)
        trunk[Trunk.NECK_PITCH] = 1.8 * self._wander(_Wander.NOD, at_s)
        trunk[Trunk.NECK_YAW] = 5.0 * self._wander(_Wander.LOOK, at_s)
        trunk[Trunk.NECK_ROLL] = 1.5 * self._wander(_Wander.TILT, at_s)
        face[Face.GAZE_YAW] = 5.0 * self._wander(_Wander.GAZE, at_s)
        face[Face.GAZE_PITCH] = 2.0 * self._wander(_Wander.GAZE_UP, at_s)
        face[[Face.BLINK_LEFT, Face.BLINK_RIGHT]] = self._blink(at_s)
        return posture

    def blinks_s(self, until_s: float) -> FloatArray:
        """When the body's own blinks begin, up to `until_s`."""
        cells = np.arange(int(until_s / self.cell_s) + 1)
        starts: FloatArray = (cells + self.blinks[cells % len(self.blinks)]) * self.cell_s
        return starts[starts < until_s]

    def _carry_limbs(self, posture: Posture, at_s: FloatArray) -> None:
        breath = self._wander(_Wander.BREATH, at_s)
        sideways, forward = self._wander(_Wander.SIDEWAYS, at_s), self._wander(_Wander.FORWARD, at_s)
        for side in SIDES:
            limb = posture.limbs[side]
            for dof, degrees in _STANDING.items():
                limb[dof] = degrees
            sign = 1.0 - 2.0 * side
            limb[Limb.HIP_ABDUCTION] += -sign * 0.8 * sideways
            limb[Limb.HIP_FLEX] += 0.5 * forward
            limb[Limb.ANKLE] += 0.5 * forward
            limb[Limb.SHOULDER_RAISE] = 0.5 + 0.5 * breath
            limb[Limb.ARM_DOWN] += 0.4 * breath
            limb[Limb.ARM_SWING] += 1.5 * self._wander(_Wander.ARM_LEFT + side, at_s)
            posture.fingers[side] = shape_angles(HandShape.RELAXED)[:, None]

    def _wander(self, channel: int, at_s: FloatArray) -> FloatArray:
        """A slow quasi-random walk about 0, seldom beyond -1 and 1."""
        turns = self.frequencies[channel][:, None] * at_s + self.phases[channel][:, None]
        waves = cos_sin(2.0 * np.pi * turns)[1]
        mixed: FloatArray = waves[0]
        for wave in waves[1:]:
            mixed = mixed + wave
        return mixed * (1.0 / _WAVES if channel == _Wander.BREATH else _WAVES**-0.5)

    def _blink(self, at_s: FloatArray) -> FloatArray:
        cell = np.floor(at_s / self.cell_s)
        start = self.blinks[cell.astype(np.intp) % len(self.blinks)]
        return blink_strength(at_s - (cell + start) * self.cell_s)
