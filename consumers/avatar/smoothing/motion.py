"""One performer's motion over time: smoothed while seen, held and faded when lost, led back on return."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.face.expressions import SHAPE_COUNT, Ratios
from consumers.avatar.humanoid.rotations import (
    IDENTITY,
    Angles,
    Quaternions,
    invert,
    limit_angle,
    multiply,
    normalise,
    slerp,
    smoothstep,
)
from consumers.avatar.humanoid.skeleton import BONE_COUNT, REST_POSE, Bone

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


HOLD_S: Final = 0.3
FADE_S: Final = 1.2
RETURN_S: Final = 0.8


class Presence:
    """Times of `count` channels, in seconds of the frames' own clock; every answer has shape (count,)."""

    def __init__(self, count: int) -> None:
        self._seen_at_s = np.full(count, -np.inf)
        self._returned_at_s = np.full(count, -np.inf)

    @property
    def known(self) -> Flags:
        """Which channels were ever seen."""
        known: Flags = np.isfinite(self._seen_at_s)
        return known

    def observe(self, seen: Flags, at_s: float) -> Flags:
        """Note what is seen now. Returns what was lost for longer than it is held, and has come back."""
        gone: Flags = at_s - self._seen_at_s > HOLD_S
        returned = seen & gone
        self._seen_at_s[seen] = at_s
        self._returned_at_s[returned] = at_s
        return returned

    def lost_share(self, at_s: float) -> Angles:
        """0 while a channel is seen or held, 1 once it has faded to rest."""
        return smoothstep(at_s - self._seen_at_s, HOLD_S, HOLD_S + FADE_S)

    def returned_share(self, at_s: float) -> Angles:
        """0 at the moment of a return, 1 once it is over."""
        return smoothstep(at_s - self._returned_at_s, 0.0, RETURN_S)

    def is_held(self, channel: int, at_s: float) -> bool:
        """Whether a channel is seen, or was a moment ago."""
        return bool(at_s - self._seen_at_s[channel] <= HOLD_S)

    def rebase(self, at_s: float) -> None:
        """Start another clock at `at_s`: what was known begins to fade there."""
        self._seen_at_s[self.known] = at_s - HOLD_S - 1e-3
        self._returned_at_s[:] = -np.inf


_SHAPE_TUNING: Final = Tuning(np.full(SHAPE_COUNT, 2.0), np.full(SHAPE_COUNT, 4.0))


@dataclass(frozen=True, slots=True)
class AvatarState:
    """What an avatar shows at one moment.

    `rotations` float64[55, 4] local, of unit length; `shapes` float64[7] in 0…1; `bones_known` and `shapes_known` say
    which of them were ever seen (the others are not to be sent); `tracked` whether the body is seen now.
    """

    rotations: Quaternions
    shapes: Ratios
    bones_known: Flags
    shapes_known: Flags
    tracked: bool


class Motion:
    """Times are seconds on the clock of the performer's own frames; `observe` wants them in ascending order."""

    def __init__(self) -> None:
        self._bones = Presence(BONE_COUNT)
        self._shapes = Presence(SHAPE_COUNT)
        self._rotation_filter = RotationFilter(BONE_TUNING)
        self._shape_filter = ValueFilter(_SHAPE_TUNING)
        self._rotations_before = REST_POSE.copy()
        self._shapes_before = np.zeros(SHAPE_COUNT)

    def observe(self, rotations: Quaternions, shapes: Ratios, at_s: float) -> None:
        """Take what the solver made of one frame: float64[55, 4] and float64[7], NaN where it saw nothing."""
        shown = self.state_at(at_s)
        bones_seen, shapes_seen = np.isfinite(rotations[:, 0]), np.isfinite(shapes)
        bones_back, shapes_back = self._bones.observe(bones_seen, at_s), self._shapes.observe(shapes_seen, at_s)
        self._rotations_before[bones_back] = shown.rotations[bones_back]
        self._shapes_before[shapes_back] = shown.shapes[shapes_back]
        self._rotation_filter.observe(rotations, bones_seen, bones_back, at_s)
        self._shape_filter.observe(shapes, shapes_seen, shapes_back, at_s)

    def state_at(self, at_s: float) -> AvatarState:
        """What to show at a moment at or after the last frame's."""
        live = slerp(self._rotations_before, self._rotation_filter.value, self._bones.returned_share(at_s))
        open_share = self._shapes.returned_share(at_s)
        open_live = self._shapes_before + open_share * (self._shape_filter.value - self._shapes_before)
        return AvatarState(
            rotations=slerp(live, REST_POSE, self._bones.lost_share(at_s)),
            shapes=open_live * (1.0 - self._shapes.lost_share(at_s)),
            bones_known=self._bones.known,
            shapes_known=self._shapes.known,
            tracked=self._bones.is_held(Bone.HIPS, at_s),
        )

    def rebase(self, old_s: float, new_s: float) -> None:
        """Go on with another clock, whose `new_s` is the old one's `old_s`, from the pose shown there."""
        shown = self.state_at(old_s)
        self._rotation_filter.value[:] = shown.rotations
        self._shape_filter.value[:] = shown.shapes
        self._bones.rebase(new_s)
        self._shapes.rebase(new_s)
