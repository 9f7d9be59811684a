"""Ways of holding the arms that mean something while they are held: a raised hand, crossed arms, a T-pose."""

from dataclasses import dataclass, field
from math import hypot
from typing import Final

from consumers.analytics.facts import BodyFacts
from consumers.analytics.finding import Change, Evidence, Phase
from consumers.analytics.movements.marks import Mark, seconds_between, tell

_HOLD_US: Final = 600_000
_BRIDGE_US: Final = 300_000
_MOST_LEAN_DEG: Final = 40.0
_LOOSER: Final = 0.1
"""Body scales by which a pose that is held may become looser."""


@dataclass(slots=True)
class Held:
    """One pose: since when it is held, and whether that was said."""

    first: Mark | None = None
    last: Mark | None = None
    is_on: bool = False

    def advance(self, mark: Mark, kind: str, subject: str, changes: list[Change], *, shows: bool) -> None:
        """Take the next frame in which it could be told whether it shows the pose."""
        if shows:
            if self.first is None:
                self.first = mark
            self.last = mark
            if not self.is_on and mark.at_us - self.first.at_us >= _HOLD_US:
                self.is_on = True
                changes.append(self._tell(Phase.START, kind, subject))
        elif self.last is not None and (not self.is_on or mark.at_us - self.last.at_us > _BRIDGE_US):
            self.stop(kind, subject, changes)

    def stop(self, kind: str, subject: str, changes: list[Change]) -> None:
        """It is over, or was too short."""
        if self.is_on:
            changes.append(self._tell(Phase.END, kind, subject))
        self.first, self.last, self.is_on = None, None, False

    def _tell(self, phase: Phase, kind: str, subject: str) -> Change:
        assert self.first is not None and self.last is not None  # noqa: S101, PT018
        evidence: Evidence = {"duration_s": seconds_between(self.first, self.last)}
        return tell(phase, kind, subject, self.first, self.last, 1.0, evidence)


@dataclass(slots=True)
class Poses:
    """All of them; each is measured only when the hands are where it needs them."""

    left_raised: Held = field(default_factory=Held)
    right_raised: Held = field(default_factory=Held)
    crossed: Held = field(default_factory=Held)
    t_pose: Held = field(default_factory=Held)

    def advance(self, body: BodyFacts, left_is: float, mark: Mark, changes: list[Change]) -> None:
        """Take the next frame with a body; `left_is` is 1 where its left is the image's right, else -1.

        What cannot be told is not shown.
        """
        left_up, right_up = body.left_wrist_up, body.right_wrist_up
        upright = not body.trunk_lean > _MOST_LEAN_DEG
        held = self.left_raised
        shows = upright and left_up > _RAISED_FROM and _is_raised(body, body.left_wrist_right, left_up, held)
        if shows or held.last is not None:
            held.advance(mark, "raised_hand", "left", changes, shows=shows)
        held = self.right_raised
        shows = upright and right_up > _RAISED_FROM and _is_raised(body, body.right_wrist_right, right_up, held)
        if shows or held.last is not None:
            held.advance(mark, "raised_hand", "right", changes, shows=shows)
        shows = (
            upright
            and left_up > _CROSSED_FROM
            and right_up > _CROSSED_FROM
            and _are_crossed(body, left_is, self.crossed)
        )
        if shows or self.crossed.last is not None:
            self.crossed.advance(mark, "crossed_arms", "both", changes, shows=shows)
        shows = upright and -_LEVEL < left_up < _LEVEL and -_LEVEL < right_up < _LEVEL and _is_t(body, left_is)
        if shows or self.t_pose.last is not None:
            self.t_pose.advance(mark, "t_pose", "body", changes, shows=shows)

    def forget(self, changes: list[Change]) -> None:
        """The body is out of sight for good."""
        self.left_raised.stop("raised_hand", "left", changes)
        self.right_raised.stop("raised_hand", "right", changes)
        self.crossed.stop("crossed_arms", "both", changes)
        self.t_pose.stop("t_pose", "body", changes)

    def shown(self, at_us: int) -> list[tuple[str, str]]:
        """Kind and subject of the poses held that the newest frame, of `at_us`, shows: they are not only bridged."""
        named = (
            (self.left_raised, "raised_hand", "left"),
            (self.right_raised, "raised_hand", "right"),
            (self.crossed, "crossed_arms", "both"),
            (self.t_pose, "t_pose", "body"),
        )
        return [
            (kind, subject)
            for held, kind, subject in named
            if held.is_on and held.last is not None and held.last.at_us == at_us
        ]


# Body scales, upwards from the shoulders.
_RAISED_FROM: Final = 0.3
_CROSSED_FROM: Final = -0.85
_LEVEL: Final = 0.35
_ABOVE_NOSE: Final = 0.2
_BESIDE_NOSE: Final = 0.35
_OVER_HEAD: Final = 0.5
_OVERLAP: Final = 0.08
_TO_ELBOW: Final = 0.5
_CROSSED_TO: Final = 0.15
_OUT: Final = 0.85
_ELBOW_OUT: Final = 0.45
_FOREARM_OUT: Final = 0.3
_ELBOW_LEVEL: Final = 0.3


def _is_raised(body: BodyFacts, wrist_right: float, wrist_up: float, held: Held) -> bool:
    """Above the eyes, and not laid on the head."""
    looser = _LOOSER if held.is_on else 0.0
    over_nose = wrist_up - (body.shoulders_y - body.nose_y) / body.scale + looser
    beside_nose = abs(wrist_right - (body.nose_x - body.shoulders_x) / body.scale) + looser
    return over_nose > _OVER_HEAD or (over_nose > _ABOVE_NOSE and beside_nose > _BESIDE_NOSE)


def _are_crossed(body: BodyFacts, left_is: float, held: Held) -> bool:
    """Each wrist at the other elbow, on the other side of the middle."""
    looser = _LOOSER if held.is_on else 0.0
    across = left_is * (body.right_wrist_right - body.left_wrist_right)
    return (
        across + looser > _OVERLAP
        and body.left_wrist_up < _CROSSED_TO
        and body.right_wrist_up < _CROSSED_TO
        and hypot(body.left_wrist_right - body.right_elbow_right, body.left_wrist_up - body.right_elbow_up)
        < _TO_ELBOW + looser
        and hypot(body.right_wrist_right - body.left_elbow_right, body.right_wrist_up - body.left_elbow_up)
        < _TO_ELBOW + looser
    )


def _is_t(body: BodyFacts, left_is: float) -> bool:
    """Both arms stretched to the sides at the height of the shoulders, the body's front or back to the camera."""
    return (
        left_is * body.left_wrist_right > _OUT
        and -left_is * body.right_wrist_right > _OUT
        and left_is * body.left_elbow_right > _ELBOW_OUT
        and -left_is * body.right_elbow_right > _ELBOW_OUT
        and left_is * (body.left_wrist_right - body.left_elbow_right) > _FOREARM_OUT
        and left_is * (body.right_elbow_right - body.right_wrist_right) > _FOREARM_OUT
        and abs(body.left_elbow_up) < _ELBOW_LEVEL
        and abs(body.right_elbow_up) < _ELBOW_LEVEL
    )
