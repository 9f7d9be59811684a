"""Ten seconds of one stream, added up frame by frame; windows are made of panes."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from consumers.analytics.facts import BodyFacts, FrameFacts
from consumers.analytics.windows.window_row import DegreesRange, FindingTotal, WindowKind, WindowRow

PANE_US: Final = 10_000_000

_FIRST_ANGLE: Final = BodyFacts._fields.index("left_elbow")
_AFTER_ANGLES: Final = BodyFacts._fields.index("trunk_lean") + 1
ANGLES: Final = BodyFacts._fields[_FIRST_ANGLE:_AFTER_ANGLES]
"""Whose ranges are kept: the joints, and how far the trunk leans."""
# No angle is there: as long as a range is these, its angle was not told.
_LEAST_OF_NONE: Final = 999.0
_GREATEST_OF_NONE: Final = -1.0


@dataclass(slots=True)
class FindingTally:
    started: int = 0
    lasted_us: int = 0


@dataclass(slots=True)
class Pane:
    """Times are whole microseconds, so that what they add up to does not depend on the order."""

    start_us: int
    frames: int = 0
    late_frames: int = 0
    too_late_frames: int = 0
    body: int = 0
    """Frames with one; so are the next three."""
    face: int = 0
    left_hand: int = 0
    right_hand: int = 0
    steps: int = 0
    """From a frame to the next, within half a second."""
    covered_us: int = 0
    active_us: int = 0
    """During which the activity was known."""
    activity_scales: float = 0.0
    """Body scales: the sum of activity by the time it went on."""
    activity_peak: float = 0.0
    still_us: int = 0
    moving_us: int = 0
    left_wrist_travel: float | None = None
    right_wrist_travel: float | None = None
    least_deg: list[float] = field(default_factory=lambda: [_LEAST_OF_NONE] * len(ANGLES))
    greatest_deg: list[float] = field(default_factory=lambda: [_GREATEST_OF_NONE] * len(ANGLES))
    findings: dict[str, FindingTally] = field(default_factory=dict)

    @property
    def end_us(self) -> int:
        return self.start_us + PANE_US

    def observe(self, facts: FrameFacts) -> None:
        """Count a frame, by what of a person was there."""
        self.frames += 1
        if facts.face is not None:
            self.face += 1
        if facts.left is not None:
            self.left_hand += 1
        if facts.right is not None:
            self.right_hand += 1
        body = facts.body
        if body is None:
            return
        self.body += 1
        least, greatest = self.least_deg, self.greatest_deg
        for number, degrees in enumerate(body[_FIRST_ANGLE:_AFTER_ANGLES]):
            if degrees < least[number]:
                least[number] = degrees
            if degrees > greatest[number]:
                greatest[number] = degrees

    def pass_time(self, elapsed_us: int, *, has_body: bool, is_moving: bool) -> None:
        """Count time between frames."""
        self.covered_us += elapsed_us
        if not has_body:
            return
        if is_moving:
            self.moving_us += elapsed_us
        else:
            self.still_us += elapsed_us

    def tally(self, kind: str) -> FindingTally:
        """That of a kind of finding."""
        tally = self.findings.get(kind)
        if tally is None:
            tally = self.findings[kind] = FindingTally()
        return tally

    def copy_findings(self) -> dict[str, FindingTally]:
        return {kind: replace(tally) for kind, tally in self.findings.items()}


def add_up_panes(
    panes: Sequence[Pane], start_us: int, length_us: int, kind: WindowKind, *, stretch: int, provisional: bool
) -> WindowRow:
    """The window that consists of these panes, which are in order; at least one."""
    frames = sum(pane.frames for pane in panes)
    steps, covered_us = sum(pane.steps for pane in panes), sum(pane.covered_us for pane in panes)
    active_us = sum(pane.active_us for pane in panes)
    still_us, moving_us = sum(pane.still_us for pane in panes), sum(pane.moving_us for pane in panes)
    has_body_time = still_us + moving_us > 0

    def share(count: int) -> float | None:
        return count / frames if frames else None

    return WindowRow(
        start_us=start_us,
        length_us=length_us,
        kind=kind,
        stretch=stretch,
        provisional=provisional,
        frames=frames,
        late_frames=sum(pane.late_frames for pane in panes),
        too_late_frames=sum(pane.too_late_frames for pane in panes),
        body_share=share(sum(pane.body for pane in panes)),
        face_share=share(sum(pane.face for pane in panes)),
        left_hand_share=share(sum(pane.left_hand for pane in panes)),
        right_hand_share=share(sum(pane.right_hand for pane in panes)),
        seconds_covered=covered_us / 1e6,
        frames_per_s=steps * 1e6 / covered_us if covered_us else None,
        activity_mean=_sum_of([pane.activity_scales for pane in panes]) * 1e6 / active_us if active_us else None,
        activity_peak=max(pane.activity_peak for pane in panes) if active_us else None,
        seconds_still=still_us / 1e6 if has_body_time else None,
        seconds_moving=moving_us / 1e6 if has_body_time else None,
        left_wrist_travel=_add_known([pane.left_wrist_travel for pane in panes]),
        right_wrist_travel=_add_known([pane.right_wrist_travel for pane in panes]),
        ranges_deg=_join_ranges(panes),
        findings=_join_findings(panes),
    )


def _sum_of(values: Sequence[float]) -> float:
    """Term by term: `sum` compensates its rounding since Python 3.12, and would differ between versions."""
    total = 0.0
    for value in values:
        total += value
    return total


def _add_known(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return _sum_of(known) if known else None


def _join_ranges(panes: Sequence[Pane]) -> dict[str, DegreesRange]:
    ranges = {}
    for number, name in enumerate(ANGLES):
        least = min(pane.least_deg[number] for pane in panes)
        greatest = max(pane.greatest_deg[number] for pane in panes)
        if least <= greatest:
            ranges[name] = DegreesRange(least, greatest)
    return ranges


def _join_findings(panes: Sequence[Pane]) -> dict[str, FindingTotal]:
    tallies: dict[str, list[FindingTally]] = {}
    for pane in panes:
        for kind, tally in pane.findings.items():
            tallies.setdefault(kind, []).append(tally)
    return {
        kind: FindingTotal(sum(tally.started for tally in found), sum(tally.lasted_us for tally in found) / 1e6)
        for kind, found in sorted(tallies.items())
    }
