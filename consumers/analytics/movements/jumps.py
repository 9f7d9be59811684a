"""Jumps: both feet leave the floor, and the hips rise with them, for less than a second."""

from dataclasses import dataclass
from typing import Final

from consumers.analytics.facts import BodyFacts
from consumers.analytics.finding import Change, Evidence, Phase
from consumers.analytics.movements.marks import SECOND_US, Mark, seconds_between, surpass, tell

# Body scales.
_OFF_FLOOR: Final = 0.07
_LEAST_HEIGHT: Final = 0.12
_LEAST_HIPS_RISE: Final = 0.08
_LANDED: Final = 0.3
"""The hips come down as well, to within so much of where they were: who gets up from the floor stays up."""
_ASIDE: Final = 1.5
"""Of its height: who moves farther aside meanwhile walks, seen by a camera held aslant."""
_SETTLES_S: Final = 0.6
_LONGEST_US: Final = 1_000_000
_MOST_LEAN_DEG: Final = 35.0


@dataclass(slots=True)
class Jumps:
    """Where the lower foot and the hips are by and by (image heights, downwards), and how far above they are now."""

    floor_y: float | None = None
    hips_y: float = 0.0
    last: Mark | None = None
    first: Mark | None = None
    """The last frame on the floor."""
    height: float = 0.0
    hips_rise: float = 0.0
    """Body scales, the greatest so far; so is the next."""
    aside: float = 0.0
    from_x: float = 0.0
    """Image heights: where the hips were on the floor."""

    def advance(self, body: BodyFacts, mark: Mark, changes: list[Change]) -> None:
        """Take the next frame with a body."""
        left_up, right_up = body.left_ankle_up, body.right_ankle_up
        scale = body.scale
        foot_y = body.hips_y - (left_up if left_up < right_up else right_up) * scale
        if not (foot_y == foot_y and left_up == left_up and right_up == right_up):
            return
        floor_y, last = self.floor_y, self.last
        self.last = mark
        if floor_y is None or last is None:
            self.floor_y, self.hips_y = foot_y, body.hips_y
            return
        height = (floor_y - foot_y) / scale
        first = self.first
        if height > _OFF_FLOOR:
            if first is None:
                self.first = first = last
                self.height = self.hips_rise = self.aside = 0.0
                self.from_x = body.hips_x
            self.height = max(self.height, height)
            self.hips_rise = max(self.hips_rise, (self.hips_y - body.hips_y) / scale)
            self.aside = max(self.aside, abs(body.hips_x - self.from_x) / scale)
            if mark.at_us - first.at_us > _LONGEST_US:
                # Who walks away from the camera stands higher in the image, and does not come down.
                self.first, self.floor_y, self.hips_y = None, foot_y, body.hips_y
            return
        hips_stay_up = self.hips_y - body.hips_y > _LANDED * scale
        step_s = (mark.at_us - last.at_us) / SECOND_US
        share = step_s / (step_s + _SETTLES_S)
        self.floor_y = floor_y + share * (foot_y - floor_y)
        self.hips_y += share * (body.hips_y - self.hips_y)
        if first is not None:
            self.first = None
            if (
                self.height > _LEAST_HEIGHT
                and self.hips_rise > _LEAST_HIPS_RISE
                and not hips_stay_up
                and self.aside < _ASIDE * self.height
                and mark.at_us - first.at_us <= _LONGEST_US
                and not body.trunk_lean > _MOST_LEAN_DEG
            ):
                changes.append(self._tell(first, mark))

    def forget(self) -> None:
        """The legs are out of sight for good."""
        self.floor_y = self.last = self.first = None

    def _tell(self, first: Mark, landed: Mark) -> Change:
        evidence: Evidence = {
            "height_body_scales": self.height,
            "hips_rise_body_scales": self.hips_rise,
            "air_s": seconds_between(first, landed),
        }
        confidence = surpass(self.height, _LEAST_HEIGHT)
        return tell(Phase.OCCURRED, "jump", "body", first, landed, confidence, evidence)
