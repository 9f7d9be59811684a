"""Swipes: one quick straight dash of a hand to the left, to the right, up or down, as the person sees it."""

from dataclasses import dataclass, field
from math import hypot
from typing import Final

from consumers.analytics.facts import BodyFacts
from consumers.analytics.finding import Change, Evidence, Phase
from consumers.analytics.movements.dashes import Dash, Dashes
from consumers.analytics.movements.marks import Mark, seconds_between, surpass, tell
from consumers.analytics.movements.view import View

# Body scales.
_LEAST_LENGTH: Final = 0.55
_WAIST_UP: Final = -0.8
"""A hand below it hangs or rests."""
_TO_FACE: Final = 0.3
"""From the nose: a dash up that ends there reaches for the face, one down that begins there comes from it."""
_LEAST_FASTEST: Final = 2.2
"""Body scales a second."""
# Shares.
_STRAIGHTNESS: Final = 0.85
_ASLANT: Final = 0.5
_LEAP: Final = 0.75
"""A hand that is here in one frame and there in the next was taken for another, or lost and found."""
_PARALLEL: Final = 0.6
_NEARLY: Final = 0.4
_LONGEST_US: Final = 650_000
_SETTLED_US: Final = 250_000
_RETURN_US: Final = 1_200_000
_RESTLESS_US: Final = 600_000
_MOST_LEAN_DEG: Final = 40.0


@dataclass(slots=True)
class Swipes:
    """A hand's dashes, and the one that will have been a swipe unless a to-and-fro comes of it."""

    dashes: Dashes = field(default_factory=Dashes)
    pending: Dash | None = None
    kind: str = ""
    """The swipe it would be."""
    has_returned: bool = False
    decided_us: int = 0
    previous: Dash | None = None
    """What the next dash may be the way back of."""
    restless_until_us: int = 0

    def advance(
        self,
        place: tuple[float, float],
        step: tuple[float, float, float],
        marks: tuple[Mark, Mark],
        view: View,
        subject: str,
        changes: list[Change],
    ) -> None:
        """Take where the hand is (body scales), the step that led there (x and y in body scales, seconds) and the
        frames it lies between."""
        dash = self.dashes.advance(place, step, marks)
        if dash is not None:
            self._take(dash, view, subject, changes)
        if self.pending is not None and self.dashes.under_way is None and marks[1].at_us >= self.decided_us:
            self._tell(subject, changes)

    def drop(self, at_us: int) -> None:
        """What the hand does is something else."""
        self.pending = None
        self.restless_until_us = at_us + _RESTLESS_US

    def doubt(self, at_us: int, *, may_return: bool) -> None:
        """Where the hand came from is not known: what it begins now is no swipe.

        If it `may_return`, what comes within a longer time is the way back of a dash that nobody saw.
        """
        if self.dashes.under_way is None:
            self.restless_until_us = at_us + (_RETURN_US if may_return else _RESTLESS_US)

    def forget(self) -> None:
        """The hand is out of sight for good: nobody knows whether it came back."""
        self.dashes.forget()
        self.pending = self.previous = None

    def _take(self, dash: Dash, view: View, subject: str, changes: list[Change]) -> None:
        at_us = dash.last.at_us
        pending, previous = self.pending, self.previous
        if pending is not None:
            cosine = dash.goes_with(pending)
            if cosine < -_PARALLEL and not self.has_returned:
                self.has_returned = True
                self.decided_us = at_us + _SETTLED_US
                self.previous = None
                return
            if abs(cosine) > _PARALLEL:
                self.drop(at_us)
                return
            # The hand goes elsewhere, as when it is lowered: there will be no to-and-fro.
            self._tell(subject, changes)
        if previous is not None and _is_way_back(dash, previous):
            self.previous = None
            return
        self.previous = dash
        if at_us < self.restless_until_us:
            self.restless_until_us = at_us + _RESTLESS_US
            return
        kind = _name(dash, view)
        if kind is not None:
            self.pending, self.kind, self.has_returned = dash, kind, False
            self.decided_us = at_us + _SETTLED_US

    def _tell(self, subject: str, changes: list[Change]) -> None:
        dash = self.pending
        assert dash is not None  # noqa: S101
        evidence: Evidence = {
            "length_body_scales": dash.length,
            "duration_s": seconds_between(dash.first, dash.last),
            "fastest_body_scales_per_s": dash.fastest,
            "came_back": self.has_returned,
        }
        self.pending = None
        confidence = surpass(dash.length, _LEAST_LENGTH)
        changes.append(tell(Phase.OCCURRED, self.kind, subject, dash.first, dash.last, confidence, evidence))


def _is_way_back(dash: Dash, previous: Dash) -> bool:
    """Whether a dash soon brings the hand about to where the dash before had set out."""
    return (
        dash.goes_with(previous) < -_PARALLEL
        and hypot(dash.to_x - previous.from_x, dash.to_y - previous.from_y) < _NEARLY * dash.length
        and dash.first.at_us - previous.last.at_us < _RETURN_US
    )


def _name(dash: Dash, view: View) -> str | None:
    """Which swipe a dash is, if it is one."""
    body = view.body
    by_x, by_y = dash.to_x - dash.from_x, dash.to_y - dash.from_y
    across, up = abs(by_x), abs(by_y)
    if (
        dash.length < max(_LEAST_LENGTH, _STRAIGHTNESS * dash.way)
        or dash.longest_step > _LEAP * dash.length
        or dash.fastest < _LEAST_FASTEST
        or dash.last.at_us - dash.first.at_us > _LONGEST_US
        or min(across, up) > _ASLANT * max(across, up)
        or (body is not None and not _is_before(body, dash))
    ):
        return None
    if up > across:
        return "swipe_up" if by_y > 0.0 else "swipe_down"
    return "swipe_left" if by_x * view.left_is > 0.0 else "swipe_right"


def _is_before(body: BodyFacts, dash: Dash) -> bool:
    """Whether the hand was raised before the body, and neither reaches for the face nor comes from it."""
    if body.trunk_lean > _MOST_LEAN_DEG or min(dash.from_y, dash.to_y) < _WAIST_UP:
        return False
    if abs(dash.to_x - dash.from_x) > abs(dash.to_y - dash.from_y):
        return True
    x, y = (dash.to_x, dash.to_y) if dash.to_y > dash.from_y else (dash.from_x, dash.from_y)
    nose_x, nose_y = (body.nose_x - body.shoulders_x) / body.scale, (body.shoulders_y - body.nose_y) / body.scale
    return not hypot(x - nose_x, y - nose_y) < _TO_FACE
