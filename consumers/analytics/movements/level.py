"""Which way is up for a person whose camera is held aslant."""

from dataclasses import dataclass
from math import hypot
from typing import Final

from consumers.analytics.facts import BodyFacts
from consumers.analytics.movements.marks import SECOND_US

_SETTLES_S: Final = 5.0
_MOST_LEAN_DEG: Final = 45.0
_ASLANT: Final = 0.12
_LEVEL: Final = 0.08
"""Sines: from the one on, which is 7°, the camera is taken to be aslant, and not until the other is it level again."""
_LIMBS: Final = tuple(f"{side}_{joint}" for joint in ("elbow", "wrist", "knee", "ankle") for side in ("left", "right"))
_FROM_TRUNK: Final = tuple(
    (BodyFacts._fields.index(f"{limb}_right"), BodyFacts._fields.index(f"{limb}_up")) for limb in _LIMBS
)


@dataclass(slots=True)
class Level:
    """Where the trunk points by and by, to the image's right and upwards, as a vector about 1 long."""

    right: float = 0.0
    up: float = 1.0
    is_aslant: bool = False
    at_us: int | None = None
    """When that was last looked at."""

    def straighten(self, body: BodyFacts, at_us: int) -> BodyFacts:
        """The body with arms, legs and nose turned as if the trunk pointed up by and by; most bodies as they are."""
        self._follow(body, at_us)
        off = abs(self.right)
        self.is_aslant = off > (_LEVEL if self.is_aslant else _ASLANT)
        if not self.is_aslant:
            return body
        length = hypot(self.right, self.up)
        sine, cosine = self.right / length, self.up / length
        values = list(body)
        for across, upwards in _FROM_TRUNK:
            x, y = values[across], values[upwards]
            values[across], values[upwards] = x * cosine - y * sine, x * sine + y * cosine
        nose_x, nose_y = body.nose_x - body.shoulders_x, body.shoulders_y - body.nose_y
        return BodyFacts._make(values)._replace(
            nose_x=body.shoulders_x + nose_x * cosine - nose_y * sine,
            nose_y=body.shoulders_y - nose_x * sine - nose_y * cosine,
        )

    def _follow(self, body: BodyFacts, at_us: int) -> None:
        if not body.trunk_lean < _MOST_LEAN_DEG:
            return
        right, up = body.shoulders_x - body.hips_x, body.hips_y - body.shoulders_y
        length = hypot(right, up)
        if self.at_us is None:
            share = 1.0
        else:
            step_s = (at_us - self.at_us) / SECOND_US
            share = step_s / (step_s + _SETTLES_S)
        self.at_us = at_us
        self.right += share * (right / length - self.right)
        self.up += share * (up / length - self.up)
