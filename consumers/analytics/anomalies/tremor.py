"""A hand that trembles: small swings, one after the other, three to twelve times a second."""

from dataclasses import dataclass, field
from typing import Final

from consumers.analytics.anomalies.anomaly import AnomalyKind, tell_anomaly
from consumers.analytics.finding import Change, Evidence, Moment, Phase, Severity
from consumers.analytics.span import Span

_SMALLEST: Final = 0.03
"""Body scales from turn to turn, about 1.5 cm: what a swing is at least, well above what landmarks tremble by."""
_SMALLEST_IN_IMAGE: Final = 0.008
"""Image heights: of somebody far away landmarks tremble by more of a body scale."""
_LARGEST: Final = 0.45
_SHORTEST_US: Final = 30_000
_LONGEST_US: Final = 170_000
"""Half a period of 12 Hz as frames show it, and of 3 Hz."""
_STALE_US: Final = 250_000
"""So long after a turn the next one is no longer of the same trembling."""
_SWINGS: Final = 12
_TREMBLES_US: Final = 2_000_000
_OVER_US: Final = 600_000
_FEWEST_FPS: Final = 20.0
_LONGEST_STEP_US: Final = 120_000
_UNEVEN: Final = 0.3
"""The most that periods may differ from one another, as a share of their mean (one standard deviation)."""
_HERTZ: Final = (3.0, 12.0)


@dataclass(slots=True)
class Swings:
    """One coordinate that goes to and fro: the swings in a row that are small and quick enough."""

    rises: bool = True
    extreme: float = 0.0
    """The farthest since the last turn, …"""
    extreme_us: int = 0
    turned_at: float = 0.0
    """… and where that was."""
    turned_us: int = 0
    span: Span | None = None
    """From the first of the swings to the last."""
    swings: int = 0
    """How many."""
    widths: float = 0.0
    """The sum of the swings' widths, body scales; so are the next two of periods, in seconds."""
    periods_s: float = 0.0
    squares_s2: float = 0.0
    periods: int = 0
    half_s: float = 0.0
    """The last half period, or 0."""

    def take(self, moment: Moment, value: float, smallest: float) -> None:
        """Take where it is now, in body scales."""
        span = self.span
        if span is not None:
            if moment.at_us - span.last_us > _STALE_US:
                self.span, self.swings, self.half_s = None, 0, 0.0
            else:
                span.frames += 1
        if self.rises:
            if value > self.extreme:
                self.extreme, self.extreme_us = value, moment.at_us
            elif value < self.extreme - smallest:
                self._turn(moment, value)
        elif value < self.extreme:
            self.extreme, self.extreme_us = value, moment.at_us
        elif value > self.extreme + smallest:
            self._turn(moment, value)

    @property
    def trembles(self) -> bool:
        """Whether they have gone on for long enough, evenly enough, and were seen often enough."""
        span = self.span
        if span is None or self.swings < _SWINGS or span.last_us - span.started_us < _TREMBLES_US:
            return False
        mean_s = self.periods_s / self.periods
        variance = self.squares_s2 / self.periods - mean_s * mean_s
        return (
            _HERTZ[0] <= 1.0 / mean_s <= _HERTZ[1]
            and variance <= _UNEVEN * _UNEVEN * mean_s * mean_s
            and span.frames >= _FEWEST_FPS * span.seconds
        )

    def describe(self) -> Evidence:
        """How fast and how far."""
        return {
            "frequency_hz": self.periods / self.periods_s,
            "swing_scales": self.widths / self.swings,
            "swings": self.swings,
        }

    def _turn(self, moment: Moment, value: float) -> None:
        half_us, width = self.extreme_us - self.turned_us, abs(self.extreme - self.turned_at)
        if _SHORTEST_US <= half_us <= _LONGEST_US and width <= _LARGEST:
            self._count(moment, half_us / 1e6, width)
        else:
            self.span, self.swings, self.half_s = None, 0, 0.0
        self.turned_at, self.turned_us = self.extreme, self.extreme_us
        self.rises = not self.rises
        self.extreme, self.extreme_us = value, moment.at_us

    def _count(self, moment: Moment, half_s: float, width: float) -> None:
        if self.span is None:
            self.span = Span.at(moment)
            self.periods = 0
            self.widths = self.periods_s = self.squares_s2 = 0.0
        self.span.last_us, self.span.last_offset = moment
        self.swings += 1
        self.widths += width
        if self.half_s > 0.0:
            period_s = self.half_s + half_s
            self.periods += 1
            self.periods_s += period_s
            self.squares_s2 += period_s * period_s
        self.half_s = half_s


@dataclass(slots=True)
class Tremor:
    """One hand, by its wrist against the shoulders: a camera that shakes moves both."""

    hand: str
    right: Swings = field(default_factory=Swings)
    up: Swings = field(default_factory=Swings)
    seen_us: int = 0
    trembling: Span | None = None
    evidence: Evidence = field(default_factory=dict)

    def take(self, moment: Moment, right: float, up: float, scale: float) -> list[Change]:
        """Take where the wrist is, in body scales (NaN when it cannot be told), and the body scale in image heights."""
        if not (right == right and up == up):
            return self.pass_over(moment)
        if moment.at_us - self.seen_us > _LONGEST_STEP_US:
            self.right, self.up = Swings(extreme=right), Swings(extreme=up)
        self.seen_us = moment.at_us
        smallest = max(_SMALLEST, _SMALLEST_IN_IMAGE / scale)
        self.right.take(moment, right, smallest)
        self.up.take(moment, up, smallest)
        if self.trembling is not None:
            return self._go_on(moment, self.trembling)
        for swings in (self.right, self.up):
            if swings.swings >= _SWINGS and swings.span is not None and swings.trembles:
                span = swings.span
                self.trembling = Span(span.started_us, span.last_us, span.first_offset, span.last_offset, span.frames)
                self.evidence = swings.describe()
                return [self._tell(Phase.START, self.trembling)]
        return []

    def pass_over(self, moment: Moment) -> list[Change]:
        """Take a frame without the wrist."""
        return self._go_on(moment, self.trembling) if self.trembling is not None else []

    def end(self) -> list[Change]:
        """End what goes on."""
        self.right, self.up, self.seen_us = Swings(), Swings(), 0
        return self._close()

    def _go_on(self, moment: Moment, trembling: Span) -> list[Change]:
        for swings in (self.right, self.up):
            span = swings.span
            if span is not None and swings.swings > 1 and span.last_us > trembling.last_us:
                trembling.last_us, trembling.last_offset = span.last_us, span.last_offset
        return self._close() if moment.at_us - trembling.last_us > _OVER_US else []

    def _close(self) -> list[Change]:
        trembling, self.trembling = self.trembling, None
        return [] if trembling is None else [self._tell(Phase.END, trembling)]

    def _tell(self, phase: Phase, trembling: Span) -> Change:
        evidence: Evidence = {**self.evidence, "seconds": trembling.seconds}
        return tell_anomaly(phase, AnomalyKind.TREMOR, trembling, Severity.WARNING, evidence, subject=self.hand)
