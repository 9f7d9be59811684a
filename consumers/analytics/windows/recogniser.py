"""The windows of one stream: tumbling ones of 10 s and 60 s, and one of 60 s every 10 s, in event time."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Final

from consumers.analytics.facts import FrameFacts
from consumers.analytics.features.motion import LONGEST_STEP_US
from consumers.analytics.finding import Change, Moment, Phase
from consumers.analytics.windows.anchors import Anchors
from consumers.analytics.windows.pane import PANE_US, Pane, add_up_panes
from consumers.analytics.windows.window_row import WindowKind, WindowRow

CLOSES_AFTER_US: Final = 2_000_000
"""A window is over when its stream's time has passed its end by so much: findings are said with some delay, and frames
that overtook each other come within it."""
LATE_US: Final = 10_000_000
"""A frame older than its stream's newest by more than this is too late even for a window that is not over."""
MINUTE_US: Final = 60_000_000
_SMOOTHED_OVER_US: Final = 250_000


@dataclass(slots=True)
class OpenFinding:
    """A finding that goes on."""

    kind: str
    counted_to_us: int
    """Event time up to which panes have what it lasted."""


@dataclass(slots=True)
class Windows:
    """Told of every frame of its stream: in order by `advance`, late by `take_late`; and by `count`, after `advance`,
    of what the recognisers said of the frame.

    Plain data, as the state of a recogniser is. Panes of 10 s hold what windows are made of; those of the last minute
    are kept.
    """

    panes: list[Pane] = field(default_factory=list)
    """Rising in time; without those in which nothing came."""
    closed_to_us: int = 0
    """The windows that end up to here are over. It means nothing without panes before the first frame of a stretch."""
    last_us: int | None = None
    """Event time of the stream's newest frame; None before the first of a stretch."""
    activity: float = 0.0
    """Body scales a second, smoothed."""
    anchors: Anchors = field(default_factory=Anchors)
    findings: dict[str, OpenFinding] = field(default_factory=dict)
    """By category, kind and subject."""
    too_late_frames: int = 0
    """Of those that came when there was no window: for the next there is."""
    stretch: int = 0
    """How often the stream has ended, or its time was set back."""

    def advance(self, moment: Moment, facts: FrameFacts) -> list[WindowRow]:
        """Take the stream's next frame, in order of time. Returns the windows that are over with it."""
        at_us, last_us = moment.at_us, self.last_us
        closed: list[WindowRow] = []
        if last_us is None or not self.panes or at_us >= self.panes[-1].start_us + PANE_US:
            self._open_pane(at_us)
        if at_us >= self.closed_to_us + (PANE_US + CLOSES_AFTER_US):
            closed = self._close(at_us - CLOSES_AFTER_US)
        pane = self.panes[-1]
        pane.observe(facts)
        self.last_us = at_us
        if last_us is not None and 0 < at_us - last_us <= LONGEST_STEP_US:
            self._pass_time(pane, last_us, at_us, facts)
        else:
            self.activity = 0.0
            if facts.body is not None:
                self.anchors.follow(at_us, facts.body)
        return closed

    def take_late(self, at_us: int, facts: FrameFacts) -> bool:
        """Take a frame that came after a newer one.

        Returns whether it counts: it is 10 s older than the newest at most, and its ten seconds are not over. If not it
        is only counted as too late, in the newest window.
        """
        if self.last_us is None:
            self.too_late_frames += 1
            return False
        if not max(self.closed_to_us, self.last_us - LATE_US) <= at_us <= self.last_us:
            self.panes[-1].too_late_frames += 1
            return False
        pane = self._find_pane(at_us)
        pane.observe(facts)
        pane.late_frames += 1
        return True

    def count(self, changes: Iterable[Change]) -> None:
        """Take what the recognisers said: of the frame `advance` took, or at the stream's end, before `end`."""
        if not self.panes:
            return
        for phase, finding in changes:
            name = f"{finding.category}/{finding.kind}/{finding.subject}"
            if phase is Phase.START:
                if name not in self.findings:
                    self.findings[name] = self._begin(finding.kind, finding.started_us)
                continue
            going_on = self.findings.pop(name, None) if phase is Phase.END else None
            _spend(self.panes, going_on or self._begin(finding.kind, finding.started_us), finding.last_us)

    def end(self) -> list[WindowRow]:
        """The stream is over, or its time was set back: so are all its windows."""
        closed = self._close(self.panes[-1].start_us + MINUTE_US) if self.panes else []
        self.last_us = None
        self.anchors = Anchors()
        self.findings = {}
        self.stretch += 1
        return closed

    def open_rows(self) -> list[WindowRow]:
        """The windows that are not over, as far as they are known; of the sliding ones those in their last 10 s."""
        if not self.panes or self.last_us is None:
            return []
        panes = [replace(pane, findings=pane.copy_findings()) for pane in self.panes]
        for finding in self.findings.values():
            _spend(panes, replace(finding), self.last_us)
        last = panes[-1]
        rows: list[WindowRow] = []
        for end_us in range(max(self.closed_to_us, panes[0].start_us) + PANE_US, last.end_us + 1, PANE_US):
            rows += self._add_up_ending(panes, end_us, provisional=True)
        minute_us = last.start_us - last.start_us % MINUTE_US
        if minute_us + MINUTE_US > last.end_us:
            rows += self._add_up(panes, minute_us, MINUTE_US, (WindowKind.TUMBLING,), provisional=True)
        return rows

    def _pass_time(self, pane: Pane, last_us: int, at_us: int, facts: FrameFacts) -> None:
        """Count the time since the frame before; that before the pane began is of the pane before."""
        body, motion = facts.body, facts.motion
        is_moving = False
        if body is not None:
            left, right = self.anchors.follow(at_us, body)
            is_moving = self.anchors.is_moving(at_us)
            if left is not None:
                pane.left_wrist_travel = left + (pane.left_wrist_travel or 0.0)
            if right is not None:
                pane.right_wrist_travel = right + (pane.right_wrist_travel or 0.0)
        elapsed_us = at_us - last_us
        if motion is not None and motion.activity == motion.activity:
            pane.active_us += elapsed_us
            pane.activity_scales += motion.activity * (elapsed_us / 1e6)
            self.activity += elapsed_us / (elapsed_us + _SMOOTHED_OVER_US) * (motion.activity - self.activity)
            pane.activity_peak = max(pane.activity_peak, self.activity)
        earlier_us = pane.start_us - last_us
        if earlier_us > 0:
            self.panes[-2].pass_time(earlier_us, has_body=body is not None, is_moving=is_moving)
            elapsed_us -= earlier_us
        (pane if elapsed_us > earlier_us else self.panes[-2]).steps += 1
        pane.pass_time(elapsed_us, has_body=body is not None, is_moving=is_moving)

    def _open_pane(self, at_us: int) -> None:
        start_us = at_us - at_us % PANE_US
        if self.last_us is None:
            # What comes late may be of the ten seconds before.
            self.closed_to_us = start_us - PANE_US
        self.panes.append(Pane(start_us, too_late_frames=self.too_late_frames))
        self.too_late_frames = 0

    def _find_pane(self, at_us: int) -> Pane:
        """The pane of a time that is not over, made where nothing came in it so far."""
        start_us = at_us - at_us % PANE_US
        place = bisect_left(self.panes, start_us, key=attrgetter("start_us"))
        if place == len(self.panes) or self.panes[place].start_us != start_us:
            self.panes.insert(place, Pane(start_us))
        return self.panes[place]

    def _begin(self, kind: str, started_us: int) -> OpenFinding:
        """Count a finding in the ten seconds it began in. One that is said when they are over counts in the oldest that
        are not."""
        began_us = max(started_us, self.closed_to_us)
        pane = next((pane for pane in self.panes if pane.end_us > began_us), self.panes[-1])
        pane.tally(kind).started += 1
        return OpenFinding(kind, began_us)

    def _close(self, until_us: int) -> list[WindowRow]:
        """The windows that end up to `until_us`, in order of their ends."""
        rows: list[WindowRow] = []
        while self.panes:
            # Nothing ends in a pause, however long.
            end_us = max(self.closed_to_us, self.panes[0].start_us) + PANE_US
            if end_us > until_us:
                break
            for finding in self.findings.values():
                _spend(self.panes, finding, end_us if self.last_us is None else min(end_us, self.last_us))
                finding.counted_to_us = max(finding.counted_to_us, end_us)
            rows += self._add_up_ending(self.panes, end_us, provisional=False)
            self.closed_to_us = end_us
            self.panes = [pane for pane in self.panes if pane.start_us > end_us - MINUTE_US]
        self.closed_to_us = max(self.closed_to_us, until_us - until_us % PANE_US)
        return rows

    def _add_up_ending(self, panes: Sequence[Pane], end_us: int, *, provisional: bool) -> list[WindowRow]:
        kinds = (WindowKind.TUMBLING, WindowKind.SLIDING) if end_us % MINUTE_US == 0 else (WindowKind.SLIDING,)
        return [
            *self._add_up(panes, end_us - PANE_US, PANE_US, (WindowKind.TUMBLING,), provisional=provisional),
            *self._add_up(panes, end_us - MINUTE_US, MINUTE_US, kinds, provisional=provisional),
        ]

    def _add_up(
        self, panes: Sequence[Pane], start_us: int, length_us: int, kinds: Sequence[WindowKind], *, provisional: bool
    ) -> list[WindowRow]:
        """One window, as each of its kinds; none where nothing came."""
        within = [pane for pane in panes if start_us <= pane.start_us < start_us + length_us]
        if not within:
            return []
        row = add_up_panes(within, start_us, length_us, kinds[0], stretch=self.stretch, provisional=provisional)
        return [row, *(replace(row, kind=kind) for kind in kinds[1:])]


def _spend(panes: Iterable[Pane], finding: OpenFinding, until_us: int) -> None:
    """Count what a finding lasted, from where that was counted so far, in the panes it went through."""
    for pane in panes:
        lasted_us = min(until_us, pane.end_us) - max(finding.counted_to_us, pane.start_us)
        if lasted_us > 0:
            pane.tally(finding.kind).lasted_us += lasted_us
    finding.counted_to_us = max(finding.counted_to_us, until_us)
