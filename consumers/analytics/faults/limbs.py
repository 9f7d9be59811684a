"""Limbs of impossible length or speed, against the stream's own usual lengths."""

from dataclasses import dataclass, field
from operator import le
from typing import Final

from consumers.analytics.facts import BodyFacts, MotionFacts
from consumers.analytics.faults.fault import FaultKind, tell_fault
from consumers.analytics.finding import Change, Evidence, Moment, Phase
from consumers.analytics.span import Span

_FIRST: Final = BodyFacts._fields.index("left_upper_arm_m")
_END: Final = BodyFacts._fields.index("shoulder_width_m")
_NAMES: Final = tuple(name.removesuffix("_m") for name in BodyFacts._fields[_FIRST:_END])
_NO_LIMB: Final = -1
_LONGEST: Final = 1.8
_SHORTEST: Final = 0.4
"""Times the usual length: what a bone cannot be, however it is seen."""
_LEARNT_FRAMES: Final = 8
_LEARN_EVERY: Final = 5
_SHARE_LEARNT: Final = 0.1
_FASTEST: Final = 45.0
"""Body scales a second, more than 20 m/s: no wrist or ankle goes so fast, …"""
_FARTHEST: Final = 0.8
"""… and so far from one frame to the next."""
_CLEAN_FRAMES: Final = 2
_BECOMES_USUAL_S: Final = 5.0
"""An impossible length that stays is another person's."""


@dataclass(slots=True)
class Limbs:
    """The usual lengths of one stream's eight limbs, and the limb that cannot be."""

    usual_m: list[float] = field(default_factory=lambda: [0.0] * len(_NAMES))
    """0 as long as it is not known."""
    longest_m: list[float] = field(default_factory=lambda: [0.0] * len(_NAMES))
    shortest_m: list[float] = field(default_factory=lambda: [0.0] * len(_NAMES))
    frames: int = 0
    doubted: str = ""
    """The limb that is not to be believed in the newest frame."""
    open: Span | None = None
    limb: str = ""
    length_m: float = 0.0
    length_usual_m: float = 0.0
    speed: float = 0.0
    clean_frames: int = 0

    def take(self, moment: Moment, body: BodyFacts | None, motion: MotionFacts | None) -> list[Change]:
        """Take a frame. Afterwards `doubted` says which limb is not to be believed in it."""
        self.doubted = ""
        if body is None:
            return []
        lengths_m = body[_FIRST:_END]
        if (
            self.frames >= _LEARNT_FRAMES
            and motion is not None
            and motion.greatest_step < _FARTHEST
            and all(map(le, lengths_m, self.longest_m))
            and all(map(le, self.shortest_m, lengths_m))
        ):
            limb, speed = _NO_LIMB, 0.0
        else:
            limb, speed = self._find(lengths_m), 0.0
            if limb < 0 and motion is not None:
                limb, speed = _find_fast(motion)
        if limb < 0:
            self.frames += 1
            if self.frames <= _LEARNT_FRAMES or self.frames % _LEARN_EVERY == 0:
                self._learn(lengths_m)
            return [] if self.open is None else self._clear()
        self.clean_frames = 0
        self.doubted = _NAMES[limb]
        if self.open is None:
            self.open, self.limb, self.speed = Span.at(moment), self.doubted, speed
            self.length_usual_m = self.usual_m[limb]
            self.length_m = lengths_m[limb] if lengths_m[limb] == lengths_m[limb] else self.length_usual_m
            return [self._tell(Phase.START, self.open)]
        self.open.extend(moment)
        if self.open.seconds > _BECOMES_USUAL_S:
            self.usual_m, self.frames = [0.0] * len(_NAMES), 0
            return self.end()
        return []

    def end(self) -> list[Change]:
        """End what goes on."""
        span, self.open = self.open, None
        return [] if span is None else [self._tell(Phase.END, span)]

    def _clear(self) -> list[Change]:
        self.clean_frames += 1
        return self.end() if self.clean_frames >= _CLEAN_FRAMES else []

    def _find(self, lengths_m: tuple[float, ...]) -> int:
        if self.frames < _LEARNT_FRAMES:
            return _NO_LIMB
        for limb, length_m in enumerate(lengths_m):
            usual_m = self.usual_m[limb]
            if usual_m > 0.0 and (length_m > _LONGEST * usual_m or length_m < _SHORTEST * usual_m):
                return limb
        return _NO_LIMB

    def _learn(self, lengths_m: tuple[float, ...]) -> None:
        for limb, length_m in enumerate(lengths_m):
            if length_m == length_m:
                usual_m = self.usual_m[limb]
                usual_m = length_m if usual_m <= 0.0 else usual_m + _SHARE_LEARNT * (length_m - usual_m)
                self.usual_m[limb] = usual_m
                self.longest_m[limb], self.shortest_m[limb] = _LONGEST * usual_m, _SHORTEST * usual_m

    def _tell(self, phase: Phase, span: Span) -> Change:
        evidence: Evidence = {
            "limb": self.limb,
            "frames": span.frames,
            "length_m": self.length_m,
            "usual_length_m": self.length_usual_m,
        }
        if self.speed > 0.0:
            evidence["speed_scales_per_s"] = self.speed
        return tell_fault(phase, FaultKind.LIMB, span, evidence)


def _find_fast(motion: MotionFacts) -> tuple[int, float]:
    """A limb whose end moved as no limb can while the hips did not, or none, and its speed in body scales a second."""
    if motion.greatest_step < _FARTHEST or motion.hips_speed * motion.elapsed_s > _FARTHEST / 2:
        return _NO_LIMB, 0.0
    for speed, name in (
        (motion.left_wrist_speed, "left_forearm"),
        (motion.right_wrist_speed, "right_forearm"),
        (motion.left_ankle_speed, "left_shin"),
        (motion.right_ankle_speed, "right_shin"),
    ):
        if speed > _FASTEST and speed * motion.elapsed_s > _FARTHEST:
            return _NAMES.index(name), speed
    return _NO_LIMB, 0.0
