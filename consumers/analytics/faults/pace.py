"""How a stream's frames follow one another in time: a clock that leaps, and a camera that slows down."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from consumers.analytics.faults.fault import FaultKind, tell_fault
from consumers.analytics.faults.verdict import Verdict
from consumers.analytics.finding import Change, Evidence, Moment, Phase
from consumers.analytics.span import Span

_LEAP_US: Final = 1_500_000
_LEAP_INTERVALS: Final = 6.0
_BACK_US: Final = 500_000
"""Times may go back by less, as where several threads stamp frames, without the clock having leapt."""
_RETURNS_WITHIN_US: Final = 15_000_000
"""A leap forward that is not taken back by then was a pause."""
_RETURN_SHARE: Final = 0.6
_LEARNT_INTERVALS: Final = 8
_SHARE_LEARNT: Final = 0.03
_SLOW: Final = 2.5
_NORMAL: Final = 1.8
"""Times the usual interval: what is slow, and what is as usual again."""
_SLOW_INTERVALS: Final = 3
_NORMAL_INTERVALS: Final = 2
_SLOW_US: Final = 300_000
_BECOMES_USUAL_US: Final = 60_000_000


@dataclass(slots=True)
class Leap:
    """The clock is `by_us` ahead (or behind, < 0) of where it would be; a leap forward may yet be a pause."""

    by_us: int
    began_us: int
    """On the stream's steady clock."""
    span: Span


@dataclass(slots=True)
class Pace:
    """A stream's clock, and the steady one that goes on as its frames do, whatever leaps."""

    steady_us: int = 0
    last_us: int | None = None
    interval_us: float = 0.0
    """The usual one; 0 as long as it is not known."""
    intervals: int = 0
    leap: Leap | None = None
    impossible: Span | None = None
    slow: Span | None = None
    slow_is_told: bool = False
    normal_intervals: int = 0
    usual_fps: float = 0.0
    """When it became slow."""

    def take(self, moment: Moment, verdict: Verdict, *, is_next: bool) -> list[Change]:
        """Take a frame that goes on; `is_next` when none is missing before it."""
        changes = [] if self.impossible is None else self._end_impossible()
        last_us, self.last_us = self.last_us, moment.at_us
        if last_us is None:
            return changes
        elapsed_us = moment.at_us - last_us
        leap_us = max(_LEAP_US, _LEAP_INTERVALS * self.interval_us)
        if elapsed_us < -_BACK_US or self.leap is not None or (elapsed_us > leap_us and is_next):
            changes += self._follow_leaps(moment, elapsed_us, verdict, leaps_forward=elapsed_us > leap_us and is_next)
        if 0 < elapsed_us <= (leap_us if is_next else _RETURNS_WITHIN_US):
            self.steady_us += elapsed_us
            if is_next:
                changes += self._follow_rate(moment, elapsed_us)
        else:
            self.steady_us += int(self.interval_us)
        return changes

    def take_impossible(self, moment: Moment) -> list[Change]:
        """Take a frame whose time cannot be. It is told with the time of the frame before it."""
        at_us = 0 if self.last_us is None else self.last_us
        if self.impossible is not None:
            self.impossible.last_offset = moment.offset
            self.impossible.frames += 1
            return []
        self.impossible = Span(at_us, at_us, moment.offset, moment.offset)
        return [tell_fault(Phase.START, FaultKind.TIME_JUMP, self.impossible, {"impossible": True, "frames": 1})]

    def end(self) -> list[Change]:
        """End what goes on."""
        changes = self._end_impossible()
        # A leap forward may be what the time is set back from: it is told, or forgotten, with the next frame.
        leap = self.leap
        if leap is not None and leap.by_us < 0:
            self.leap = None
            changes.append(_tell_leap(Phase.END, leap))
        return changes + self._end_slow()

    def _end_impossible(self) -> list[Change]:
        span, self.impossible = self.impossible, None
        if span is None:
            return []
        evidence: Evidence = {"impossible": True, "frames": span.frames}
        return [tell_fault(Phase.END, FaultKind.TIME_JUMP, span, evidence)]

    def _follow_leaps(
        self, moment: Moment, elapsed_us: int, verdict: Verdict, *, leaps_forward: bool
    ) -> Sequence[Change]:
        leap = self.leap
        if leap is not None and leap.by_us < 0:
            # Back in line with a step forward, or by having caught up.
            if elapsed_us > -_RETURN_SHARE * leap.by_us or verdict.is_judged:
                self.leap = None
                return [_tell_leap(Phase.END, leap)]
            if elapsed_us >= -_BACK_US:
                leap.span.extend(moment)
                return ()
        if elapsed_us < -_BACK_US:
            self.leap = None
            if leap is not None and leap.by_us > 0 and -elapsed_us > _RETURN_SHARE * leap.by_us:
                return [_tell_leap(Phase.OCCURRED, leap)]
            back = Leap(elapsed_us - int(self.interval_us), self.steady_us, Span.at(moment))
            if verdict is Verdict.SET_BACK:
                return [_tell_leap(Phase.OCCURRED, back)]
            self.leap = back
            return [_tell_leap(Phase.START, back)]
        if leaps_forward:
            self.leap = Leap(elapsed_us - int(self.interval_us), self.steady_us, Span.at(moment))
        elif leap is not None:
            leap.span.extend(moment)
            if self.steady_us - leap.began_us > _RETURNS_WITHIN_US:
                self.leap = None
        return ()

    def _follow_rate(self, moment: Moment, elapsed_us: int) -> Sequence[Change]:
        usual_us = self.interval_us
        if self.intervals < _LEARNT_INTERVALS:
            self.intervals += 1
            self.interval_us += (elapsed_us - usual_us) / self.intervals
            return ()
        slow = self.slow
        if elapsed_us <= _NORMAL * usual_us:
            self.interval_us += _SHARE_LEARNT * (elapsed_us - usual_us)
            if slow is None:
                return ()
            self.normal_intervals += 1
            return self._end_slow() if not self.slow_is_told or self.normal_intervals >= _NORMAL_INTERVALS else ()
        if elapsed_us < _SLOW * usual_us:
            if slow is None:
                self.interval_us += _SHARE_LEARNT * (elapsed_us - usual_us)
            return ()
        self.normal_intervals = 0
        if slow is None:
            self.slow = Span(moment.at_us - elapsed_us, moment.at_us, moment.offset, moment.offset)
            self.usual_fps = 1e6 / usual_us
            return ()
        slow.extend(moment)
        elapsed_slow_us = moment.at_us - slow.started_us
        if self.slow_is_told:
            if elapsed_slow_us > _BECOMES_USUAL_US:
                self.interval_us = elapsed_slow_us / slow.frames
                return self._end_slow()
        elif slow.frames >= _SLOW_INTERVALS and elapsed_slow_us >= _SLOW_US:
            self.slow_is_told = True
            return [self._tell_slow(Phase.START, slow)]
        return ()

    def _end_slow(self) -> list[Change]:
        slow, self.slow = self.slow, None
        told, self.slow_is_told, self.normal_intervals = self.slow_is_told, False, 0
        return [self._tell_slow(Phase.END, slow)] if slow is not None and told else []

    def _tell_slow(self, phase: Phase, slow: Span) -> Change:
        slow_fps = 1e6 * slow.frames / max(slow.last_us - slow.started_us, 1)
        evidence: Evidence = {
            "usual_fps": self.usual_fps,
            "fps": slow_fps,
            "frames": slow.frames,
            "seconds": slow.seconds,
        }
        return tell_fault(phase, FaultKind.RATE_DROP, slow, evidence)


def _tell_leap(phase: Phase, leap: Leap) -> Change:
    return tell_fault(phase, FaultKind.TIME_JUMP, leap.span, {"by_s": leap.by_us / 1e6, "frames": leap.span.frames})
