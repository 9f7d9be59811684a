"""Circles drawn in the air, as the viewer of the image that is not mirrored sees them."""

from dataclasses import dataclass
from math import atan2, degrees, hypot
from typing import Final

from consumers.analytics.finding import Change, Evidence, Phase
from consumers.analytics.movements.marks import Mark, seconds_between, tell

# Body scales.
_STEP: Final = 0.03
# Degrees.
_SHARPEST: Final = 105.0
_BACKWARDS: Final = 40.0
_BACK_AGAIN: Final = 60.0
_ROUND: Final = 345.0
"""A round less what the step has turned that has no heading before it."""
_WHOLE_ROUND: Final = 360.0
_BEGUN: Final = 150.0
# Shares of the diameter.
_ROUNDNESS: Final = 0.5
_OPENING: Final = 0.7
_SAME_SIZE: Final = 0.6
_NEEDED: Final = 2
"""Rounds: hands that explain something often draw a single loop."""
_PAUSE_US: Final = 350_000
_LONGEST_ROUND_US: Final = 3_000_000


@dataclass(slots=True)
class Box:
    """What a path has taken up so far."""

    left: float
    right: float
    low: float
    high: float

    def take(self, x: float, y: float) -> None:
        """The path goes on to a point."""
        self.left, self.right = min(self.left, x), max(self.right, x)
        self.low, self.high = min(self.low, y), max(self.high, y)

    @property
    def is_round(self) -> bool:
        """Whether it is nearly as high as wide."""
        width, height = self.right - self.left, self.high - self.low
        return min(width, height) > _ROUNDNESS * max(width, height)

    @property
    def across(self) -> float:
        """The mean of width and height."""
        return 0.5 * (self.right - self.left + self.high - self.low)


@dataclass(slots=True)
class Circles:
    """A point's path as steps of one length, and by how much its heading has turned one way."""

    x: float = 0.0
    y: float = 0.0
    """Where the last step ended; y is upwards."""
    at: Mark | None = None
    heading_x: float = 0.0
    heading_y: float = 0.0
    """Of the last step; 0 and 0 before the first."""
    turned_deg: float = 0.0
    """Clockwise is positive."""
    farthest_deg: float = 0.0
    """The farthest it has turned one way."""
    first: Mark | None = None
    round_from: Mark | None = None
    round_x: float = 0.0
    round_y: float = 0.0
    box: Box | None = None
    rounds: int = 0
    across_sum: float = 0.0
    last: Mark | None = None
    """Where the last whole round ended, and on from there."""

    def advance(self, x: float, y: float, mark: Mark, least: float, subject: str, changes: list[Change]) -> None:
        """Take where the point is now, in body scales; smaller circles than `least` across are none."""
        at = self.at
        if at is None:
            self.x, self.y, self.at = x, y, mark
            return
        by_x, by_y = x - self.x, y - self.y
        if by_x * by_x + by_y * by_y < _STEP * _STEP:
            if self.first is not None and mark.at_us - at.at_us > _PAUSE_US:
                self.stop(subject, changes)
            return
        self._step((by_x, by_y), (x, y), mark, least, subject, changes)

    @property
    def is_on(self) -> bool:
        """Whether what the point draws is, or may well become, a circle."""
        return self.rounds > 0 or (abs(self.turned_deg) > _BEGUN and self.box is not None and self.box.is_round)

    def stop(self, subject: str, changes: list[Change]) -> None:
        """The path ends here."""
        if self.rounds >= _NEEDED:
            changes.append(self._tell(Phase.END, subject))
        self.turned_deg = self.farthest_deg = self.heading_x = self.heading_y = 0.0
        self.first = self.round_from = self.box = self.last = None
        self.rounds, self.across_sum = 0, 0.0

    def forget(self, subject: str, changes: list[Change]) -> None:
        """The point is out of sight for good."""
        self.stop(subject, changes)
        self.at = None

    def _step(
        self,
        by: tuple[float, float],
        to: tuple[float, float],
        mark: Mark,
        least: float,
        subject: str,
        changes: list[Change],
    ) -> None:
        (by_x, by_y), (x, y) = by, to
        at = self.at
        assert at is not None  # noqa: S101
        ahead = self.heading_x * by_x + self.heading_y * by_y
        across = self.heading_y * by_x - self.heading_x * by_y
        turn = degrees(atan2(across, ahead)) if ahead or across else 0.0
        if (
            abs(turn) > _SHARPEST
            or (abs(turn) > _BACKWARDS and turn * self.turned_deg < 0.0)
            or abs(self.farthest_deg) - abs(self.turned_deg + turn) > _BACK_AGAIN
            or mark.at_us - at.at_us > _PAUSE_US
        ):
            self.stop(subject, changes)
            turn = 0.0
        if self.first is None or self.box is None:
            # The hand leaves its place with this step, however long it had rested there.
            self._begin_round(at)
            self.first = at
        assert self.box is not None  # noqa: S101
        self.box.take(x, y)
        self.turned_deg += turn
        if abs(self.turned_deg) > abs(self.farthest_deg):
            self.farthest_deg = self.turned_deg
        self.x, self.y, self.at, self.heading_x, self.heading_y = x, y, mark, by_x, by_y
        if self.rounds:
            self.last = mark
        if abs(self.turned_deg) >= self.rounds * _WHOLE_ROUND + _ROUND:
            self._close_round(mark, least, subject, changes)

    def _begin_round(self, mark: Mark) -> None:
        self.round_from, self.round_x, self.round_y = mark, self.x, self.y
        self.box = Box(self.x, self.x, self.y, self.y)

    def _close_round(self, mark: Mark, least: float, subject: str, changes: list[Change]) -> None:
        box, begun = self.box, self.round_from
        assert box is not None and begun is not None  # noqa: S101, PT018
        if (
            not box.is_round
            or box.across < least
            or hypot(self.x - self.round_x, self.y - self.round_y) > _OPENING * box.across
            or mark.at_us - begun.at_us > _LONGEST_ROUND_US
        ):
            self.stop(subject, changes)
            return
        mean = self.across_sum / self.rounds if self.rounds else box.across
        if not _SAME_SIZE < box.across / mean < 1.0 / _SAME_SIZE:
            self.stop(subject, changes)
            return
        self.rounds += 1
        self.across_sum += box.across
        self.last = mark
        self._begin_round(mark)
        if self.rounds == _NEEDED:
            changes.append(self._tell(Phase.START, subject))

    def _tell(self, phase: Phase, subject: str) -> Change:
        assert self.first is not None and self.last is not None  # noqa: S101, PT018
        turns = abs(self.turned_deg) / _WHOLE_ROUND
        evidence: Evidence = {"turns": turns, "radius_body_scales": 0.5 * self.across_sum / self.rounds}
        seconds = seconds_between(self.first, self.last)
        if seconds > 0.0:
            evidence["turns_per_s"] = turns / seconds
        kind = "circle_clockwise" if self.turned_deg > 0.0 else "circle_counter_clockwise"
        return tell(phase, kind, subject, self.first, self.last, min(1.0, 0.5 + 0.25 * turns), evidence)
