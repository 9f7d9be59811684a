"""One-Euro filters for rotations and for plain values: still things are smoothed hard, fast ones hardly.

Casiez, Roussel and Vogel (2012): a low-pass whose cutoff grows with the speed, cutoff = least + gain · speed, the speed
itself low-passed at 2 Hz; here on steps of any length in time, and for rotations on the sphere: the speed is the vector
of angular velocity, so that noise about a pose cancels out, and a step is a slerp. No rotation turns faster than 700° a
second, which hardly a body does and mostly a wrong landmark asks for.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.humanoid.rotations import IDENTITY, Quaternions, invert, limit_angle, multiply, normalise, slerp
from consumers.avatar.humanoid.skeleton import BONE_COUNT

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]

_SPEED_CUTOFF_HZ: Final = 2.0
_SHORTEST: Final = 1e-12
_FASTEST_RAD_PER_S: Final = np.radians(700.0)


@dataclass(frozen=True, slots=True)
class Tuning:
    """`least_hz` the cutoff of what is still, `gain` Hz for each unit of speed (rad/s, or 1/s for plain values)."""

    least_hz: Values
    gain: Values


BONE_TUNING: Final = Tuning(np.full(BONE_COUNT, 0.3), np.full(BONE_COUNT, 3.0))
"""At 30 frames a second 0.6° of noise on a still bone becomes 0.15°, and a hand waved at 1.5 Hz lags 15 ms."""


class RotationFilter:
    """Smoothed rotations of `count` bones, unit length at all times."""

    def __init__(self, tuning: Tuning) -> None:
        count = len(tuning.least_hz)
        self.value: Quaternions = np.tile(IDENTITY, (count, 1))
        self._tuning = tuning
        self._raw = self.value.copy()
        self._speed = np.zeros((count, 3))
        self._at_s = np.full(count, -np.inf)
        self._last_at_s = -np.inf

    def observe(self, measured: Quaternions, seen: Flags, restarted: Flags, at_s: float) -> None:
        """Take measured rotations (count, 4) at a time later than the last; only `seen` rows are read, and those
        `restarted` are taken as they are."""
        begin, go_on = seen & restarted, np.flatnonzero(seen & ~restarted)
        self.value[begin], self._raw[begin], self._speed[begin] = measured[begin], measured[begin], 0.0
        step_s = at_s - self._at_s[go_on]
        aim = measured[go_on]
        velocity = _rotation_vector(multiply(aim, invert(self._raw[go_on]))) / step_s[:, None]
        speed = self._speed[go_on]
        speed += _share(_SPEED_CUTOFF_HZ, step_s)[:, None] * (velocity - speed)
        size = np.sqrt((speed * speed).sum(axis=-1))
        share = _share(self._tuning.least_hz[go_on] + self._tuning.gain[go_on] * size, step_s)
        before = self.value[go_on]
        turn = multiply(slerp(before, aim, share), invert(before))
        # Shown was the last value until now, however long ago the bone was seen: its step is that of the frames.
        furthest = np.full(len(go_on), _FASTEST_RAD_PER_S * (at_s - self._last_at_s))
        self.value[go_on] = normalise(multiply(limit_angle(turn, furthest), before))
        self._raw[go_on], self._speed[go_on] = aim, speed
        self._at_s[seen] = at_s
        self._last_at_s = at_s


class ValueFilter:
    """Smoothed plain values."""

    def __init__(self, tuning: Tuning) -> None:
        count = len(tuning.least_hz)
        self.value: Values = np.zeros(count)
        self._tuning = tuning
        self._raw = np.zeros(count)
        self._speed = np.zeros(count)
        self._at_s = np.full(count, -np.inf)

    def observe(self, measured: Values, seen: Flags, restarted: Flags, at_s: float) -> None:
        """Take measured values (count,), as RotationFilter does."""
        begin, go_on = seen & restarted, np.flatnonzero(seen & ~restarted)
        self.value[begin], self._raw[begin], self._speed[begin] = measured[begin], measured[begin], 0.0
        step_s = at_s - self._at_s[go_on]
        aim, speed = measured[go_on], self._speed[go_on]
        speed += _share(_SPEED_CUTOFF_HZ, step_s) * ((aim - self._raw[go_on]) / step_s - speed)
        share = _share(self._tuning.least_hz[go_on] + self._tuning.gain[go_on] * np.abs(speed), step_s)
        self.value[go_on] += share * (aim - self.value[go_on])
        self._raw[go_on], self._speed[go_on] = aim, speed
        self._at_s[seen] = at_s


def _share(cutoff_hz: float | Values, step_s: Values) -> Values:
    """How far a low-pass goes towards its input in one step."""
    turn: Values = 2.0 * np.pi * cutoff_hz * step_s
    return turn / (1.0 + turn)


def _rotation_vector(rotation: Quaternions) -> Values:
    upright = np.where(rotation[:, 3:] < 0.0, -rotation, rotation)
    length = np.sqrt((upright[:, :3] ** 2).sum(axis=-1, keepdims=True))
    angle = 2.0 * np.arctan2(length, upright[:, 3:])
    scale: Values = np.where(length > _SHORTEST, angle / np.where(length > _SHORTEST, length, 1.0), 2.0)
    return upright[:, :3] * scale
