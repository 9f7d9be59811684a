"""Motion that is unusual for a stream: livelier than everyday motion, and unlike its own past."""

from dataclasses import dataclass, field
from typing import Final

from consumers.analytics.anomalies.anomaly import AnomalyKind, tell_anomaly
from consumers.analytics.anomalies.past import Past
from consumers.analytics.facts import FrameFacts
from consumers.analytics.finding import Change, Evidence, Moment, Phase, Severity
from consumers.analytics.span import Span

_SECOND_US: Final = 1_000_000
_SAMPLE_US: Final = 60_000
_SAMPLES: Final = 3
_UNLIKE: Final = 0.8
"""The score from which on a second is unlike the past: a walk after a minute of standing has 0.75 at most."""
_LIVELY: Final = 3.0
"""Body scales a second: how fast a hand goes on average, seen from the hips, that is more than walking."""
_SECONDS: Final = 2
_USUAL_SECONDS: Final = 3
_HALF: Final = 2.0
"""Body scales a second that lie in the middle of 0 … 1."""


@dataclass(slots=True)
class UnusualMotion:
    """A second at a time: the means of its speeds, held against the stream's past and then remembered."""

    past: Past = field(default_factory=Past)
    second: Span | None = None
    speeds: list[float] = field(default_factory=lambda: [0.0] * 4)
    """Sums of activity, and the speeds of left wrist, right wrist and hips; body scales a second."""
    counts: list[int] = field(default_factory=lambda: [0] * 4)
    lean_sum_deg: float = 0.0
    leans: int = 0
    unusual: Span | None = None
    is_told: bool = False
    seconds: int = 0
    usual_seconds: int = 0
    evidence: Evidence = field(default_factory=dict)

    def take(self, moment: Moment, facts: FrameFacts) -> list[Change]:
        """Take the stream's next frame, in order of time."""
        second = self.second
        changes: list[Change] = []
        if second is not None and moment.at_us - second.started_us >= _SECOND_US:
            changes = self._take_second(second)
            second = self.second = None
        motion, body = facts.motion, facts.body
        if motion is None or body is None:
            return changes
        if second is None:
            self.second = Span.at(moment)
        elif moment.at_us - second.last_us < _SAMPLE_US:
            return changes
        else:
            second.extend(moment)
        speeds, counts = self.speeds, self.counts
        for place, speed in enumerate(
            (motion.activity, motion.left_wrist_speed, motion.right_wrist_speed, motion.hips_speed)
        ):
            if speed == speed:
                speeds[place] += speed
                counts[place] += 1
        if body.trunk_lean == body.trunk_lean:
            self.lean_sum_deg += body.trunk_lean
            self.leans += 1
        return changes

    def end(self) -> list[Change]:
        """End what goes on; what the stream has shown is remembered."""
        self.second = None
        self._clear()
        return self._close()

    def _take_second(self, second: Span) -> list[Change]:
        activity, left, right, hips = (
            total / count if count else 0.0 for total, count in zip(self.speeds, self.counts, strict=True)
        )
        lean_deg = self.lean_sum_deg / self.leans if self.leans else 0.0
        self._clear()
        if second.frames < _SAMPLES:
            return []
        hand = max(left, right)
        score = self.past.score_and_learn(
            {
                "activity": activity / (activity + _HALF),
                "hand": hand / (hand + _HALF),
                "other_hand": min(left, right) / (min(left, right) + _HALF),
                "hips": hips / (hips + _HALF),
                "lean": lean_deg / 180.0,
            }
        )
        if score < _UNLIKE or hand - hips < _LIVELY:
            return self._be_usual()
        self.usual_seconds = 0
        self.seconds += 1
        unusual = self.unusual
        if unusual is None:
            unusual = self.unusual = second
            self.evidence = {}
        else:
            unusual.last_us, unusual.last_offset = second.last_us, second.last_offset
            unusual.frames += second.frames
        fastest = self.evidence.get("hand_scales_per_s")
        if not isinstance(fastest, float) or hand > fastest:
            self.evidence = {
                "score": score,
                "hand_scales_per_s": hand,
                "activity_scales_per_s": activity,
                "hips_scales_per_s": hips,
            }
        if self.is_told or self.seconds < _SECONDS:
            return []
        self.is_told = True
        return [self._tell(Phase.START, unusual)]

    def _be_usual(self) -> list[Change]:
        if self.unusual is None:
            return []
        self.usual_seconds += 1
        return self._close() if self.usual_seconds >= _USUAL_SECONDS or not self.is_told else []

    def _clear(self) -> None:
        self.speeds, self.counts = [0.0] * 4, [0] * 4
        self.lean_sum_deg, self.leans = 0.0, 0

    def _close(self) -> list[Change]:
        unusual, is_told = self.unusual, self.is_told
        self.unusual, self.is_told, self.seconds, self.usual_seconds = None, False, 0, 0
        return [self._tell(Phase.END, unusual)] if unusual is not None and is_told else []

    def _tell(self, phase: Phase, unusual: Span) -> Change:
        evidence: Evidence = {**self.evidence, "seconds": unusual.seconds}
        score = self.evidence.get("score")
        confidence = score if isinstance(score, float) else 1.0
        return tell_anomaly(phase, AnomalyKind.UNUSUAL_MOTION, unusual, Severity.INFO, evidence, confidence=confidence)
