"""A hand's dashes: the stretches of its path that are fast and keep their direction."""

from dataclasses import dataclass
from math import hypot, sqrt
from typing import Final

from consumers.analytics.movements.marks import Mark

# Body scales a second.
_FAST: Final = 1.2
_SLOW: Final = 0.75
_SMOOTHED_OVER_S: Final = 0.04
_LEAST_LENGTH: Final = 0.25
"""Body scales."""


@dataclass(slots=True)
class Dash:
    """One of them, in body scales to the image's right and upwards."""

    from_x: float
    from_y: float
    to_x: float
    to_y: float
    way: float
    """Body scales, along the path."""
    longest_step: float
    """Body scales, from one frame to the next."""
    fastest: float
    """Body scales a second."""
    first: Mark
    last: Mark

    @property
    def length(self) -> float:
        """Body scales, straight from end to end."""
        return hypot(self.to_x - self.from_x, self.to_y - self.from_y)

    def goes_with(self, other: "Dash") -> float:
        """-1 … 1: the cosine between the two."""
        along = (self.to_x - self.from_x) * (other.to_x - other.from_x)
        return (along + (self.to_y - self.from_y) * (other.to_y - other.from_y)) / (self.length * other.length)


@dataclass(slots=True)
class Dashes:
    """How fast a hand is, smoothed (body scales a second), and the dash it may be in."""

    speed_x: float = 0.0
    speed_y: float = 0.0
    under_way: Dash | None = None

    def advance(
        self, place: tuple[float, float], step: tuple[float, float, float], marks: tuple[Mark, Mark]
    ) -> Dash | None:
        """Take where the hand is, the step that led there (x, y, seconds) and the frames it lies between.

        Returns a dash that is over with it.
        """
        by_x, by_y, step_s = step
        share = step_s / (step_s + _SMOOTHED_OVER_S)
        speed_x = self.speed_x = self.speed_x + share * (by_x / step_s - self.speed_x)
        speed_y = self.speed_y = self.speed_y + share * (by_y / step_s - self.speed_y)
        square = speed_x * speed_x + speed_y * speed_y
        dash = self.under_way
        if dash is None:
            if square > _FAST * _FAST:
                (x, y), (before, mark) = place, marks
                way = hypot(by_x, by_y)
                self.under_way = Dash(x - by_x, y - by_y, x, y, way, way, sqrt(square), before, mark)
            return None
        dash.to_x, dash.to_y, dash.last = *place, marks[1]
        step_length = hypot(by_x, by_y)
        dash.way += step_length
        dash.longest_step = max(dash.longest_step, step_length)
        dash.fastest = max(dash.fastest, sqrt(square))
        ahead = (dash.to_x - dash.from_x) * speed_x + (dash.to_y - dash.from_y) * speed_y
        if square > _SLOW * _SLOW and ahead > 0.0:
            return None
        self.under_way = None
        return dash if dash.length >= _LEAST_LENGTH else None

    def forget(self) -> None:
        """The hand is out of sight for good."""
        self.speed_x = self.speed_y = 0.0
        self.under_way = None
