"""Who walks out of the image, and who comes back."""

from dataclasses import dataclass, field
from typing import Final

from consumers.analytics.anomalies.anomaly import AnomalyKind, tell_anomaly
from consumers.analytics.facts import FrameFacts
from consumers.analytics.features.whereabouts import Whereabouts
from consumers.analytics.finding import Change, Evidence, Moment, Phase, Severity
from consumers.analytics.span import Span

_GONE_US: Final = 500_000
_BACK_FRAMES: Final = 3


@dataclass(slots=True)
class Leaving:
    """Where a person is, as long as they are there, and since when they have been gone."""

    whereabouts: Whereabouts = field(default_factory=Whereabouts)
    seen: Span | None = None
    """The newest frame with them; None once it is settled how they went."""
    gone: Span | None = None
    """From the last frame with them, once they have left."""
    edge: str = ""
    back_frames: int = 0

    def take(self, moment: Moment, facts: FrameFacts) -> list[Change]:
        """Take the stream's next frame, in order of time."""
        if facts.body is not None:
            self.whereabouts.follow(moment.at_us, facts)
            seen = self.seen
            if seen is None:
                self.seen = Span.at(moment)
            else:
                seen.last_us, seen.last_offset = moment
            if self.gone is None:
                return []
            self.back_frames += 1
            return self._close(back=True) if self.back_frames >= _BACK_FRAMES else []
        if facts.is_doubted or facts.has_person:
            return []
        self.back_frames = 0
        if self.gone is not None:
            self.gone.extend(moment)
            return []
        seen = self.seen
        if seen is None or moment.at_us - seen.last_us < _GONE_US:
            return []
        self.seen = None
        edge = self.whereabouts.edge(facts.image_width)
        if edge is None:
            return []
        self.edge, self.gone = edge, Span(seen.last_us, moment.at_us, seen.last_offset, moment.offset)
        return [self._tell(Phase.START, self.gone, back=False)]

    def end(self) -> list[Change]:
        """End what goes on, and forget who was there."""
        self.seen = None
        self.whereabouts = Whereabouts()
        return self._close(back=False)

    def _close(self, *, back: bool) -> list[Change]:
        gone, self.gone, self.back_frames = self.gone, None, 0
        return [] if gone is None else [self._tell(Phase.END, gone, back=back)]

    def _tell(self, phase: Phase, gone: Span, *, back: bool) -> Change:
        where = self.whereabouts
        evidence: Evidence = {"edge": self.edge, "seconds": gone.seconds}
        if phase is Phase.START:
            speed = (where.speed_x * where.speed_x + where.speed_y * where.speed_y) ** 0.5
            evidence["speed_scales_per_s"] = speed / where.scale
        else:
            evidence["came_back"] = back
        return tell_anomaly(phase, AnomalyKind.LEFT_FRAME, gone, Severity.INFO, evidence)
