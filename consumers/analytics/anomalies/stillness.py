"""Who does not move at all: less than anybody who stands or sits there, but more than a frozen picture."""

from dataclasses import dataclass, field
from typing import Final

from consumers.analytics.anomalies.anomaly import AnomalyKind, tell_anomaly
from consumers.analytics.facts import BodyFacts, FaceFacts, FrameFacts
from consumers.analytics.finding import Change, Evidence, Moment, Phase, Severity
from consumers.analytics.span import Span

_IMMOBILE_US: Final = 60_000_000
_IMMOBILE_AFTER_FALL_US: Final = 10_000_000
_STRETCH_US: Final = 2_000_000
_SAMPLE_US: Final = 80_000
_NAN: Final = float("nan")
_RADIUS: Final = 0.02
"""Body scales, about 1 cm: within so much of where they were the means of a stretch of time stay."""
_TURN_DEG: Final = 1.8
"""Within so much of how it was held the head stays, where the face is seen: who only stands there looks about."""
_FASTEST: Final = 1.0
"""Body scales a second, on average: hands that move on the spot are faster."""
_UNSEEN_US: Final = 5_000_000
"""Who is not seen for so long may have moved meanwhile."""
_PLACES: Final = 8
"""Means of lengths, of which there are x and y each of nose, shoulders, left wrist and right wrist; …"""
_MEANS: Final = _PLACES + 3
"""… then come the head's yaw and pitch, and the body scale."""


@dataclass(slots=True)
class Stillness:
    """Where nose, shoulders and wrists were, and how the head was held, when they last moved, stretch by stretch of
    time.

    Places are remembered in image heights: each frame's own body scale would shake all of them by its unrest.
    """

    sums: list[float] = field(default_factory=lambda: [0.0] * _MEANS)
    counts: list[int] = field(default_factory=lambda: [0] * _MEANS)
    speed_sum: float = 0.0
    speeds: int = 0
    stretch: Span | None = None
    """What has been seen of the stretch that goes on."""
    anchor: list[float | None] | None = None
    still: Span | None = None
    """All frames since the anchor was set."""
    severity: Severity | None = None
    """Once it is told."""

    def take(self, moment: Moment, facts: FrameFacts, *, after_fall: bool) -> list[Change]:
        """Take the stream's next frame, in order of time; `after_fall` while a fallen person is on the ground."""
        body = facts.body
        stretch = self.stretch
        if body is None:
            return self.end() if stretch is not None and moment.at_us - stretch.last_us > _UNSEEN_US else []
        changes: list[Change] = []
        if stretch is None:
            self.stretch = Span.at(moment)
        elif moment.at_us - stretch.started_us >= _STRETCH_US:
            unseen = moment.at_us - stretch.last_us > _UNSEEN_US
            changes = self.end() if unseen else self._take_stretch(stretch, after_fall=after_fall)
            self.stretch = Span.at(moment)
        else:
            if moment.at_us - stretch.last_us < _SAMPLE_US:
                return changes
            stretch.extend(moment)
        self._add(body, facts.face)
        motion = facts.motion
        if motion is not None:
            speed = motion.left_wrist_speed + motion.right_wrist_speed
            if speed == speed:
                self.speed_sum += speed
                self.speeds += 2
        return changes

    def end(self) -> list[Change]:
        """End what goes on, and forget where they were."""
        self.stretch = self.anchor = None
        self._clear()
        return self._close()

    def _add(self, body: BodyFacts, face: FaceFacts | None) -> None:
        scale = body.scale
        sums, counts = self.sums, self.counts
        for place, value in enumerate(
            (
                body.nose_x,
                body.nose_y,
                body.shoulders_x,
                body.shoulders_y,
                body.left_wrist_right * scale,
                body.left_wrist_up * scale,
                body.right_wrist_right * scale,
                body.right_wrist_up * scale,
                _NAN if face is None else face.yaw,
                _NAN if face is None else face.pitch,
                scale,
            )
        ):
            if value == value:
                sums[place] += value
                counts[place] += 1

    def _clear(self) -> None:
        self.sums, self.counts = [0.0] * _MEANS, [0] * _MEANS
        self.speed_sum, self.speeds = 0.0, 0

    def _take_stretch(self, stretch: Span, *, after_fall: bool) -> list[Change]:
        means = [
            None if 2 * count < stretch.frames else total / count
            for total, count in zip(self.sums, self.counts, strict=True)
        ]
        speed = self.speed_sum / self.speeds if self.speeds else 0.0
        self._clear()
        still, anchor = self.still, self.anchor
        if still is None or anchor is None or speed > _FASTEST or not _is_near(anchor, means):
            changes = self._close()
            self.anchor, self.still = means, stretch
            return changes
        still.last_us, still.last_offset = stretch.last_us, stretch.last_offset
        still.frames += stretch.frames
        needed_us = _IMMOBILE_AFTER_FALL_US if after_fall else _IMMOBILE_US
        if self.severity is not None or still.last_us - still.started_us < needed_us:
            return []
        self.severity = Severity.CRITICAL if after_fall else Severity.WARNING
        return [_tell(Phase.START, still, self.severity)]

    def _close(self) -> list[Change]:
        still, severity = self.still, self.severity
        self.still = self.severity = None
        return [] if still is None or severity is None else [_tell(Phase.END, still, severity)]


def _is_near(anchor: list[float | None], means: list[float | None]) -> bool:
    scale = means[-1]
    if scale is None:
        return False
    told = 0
    for place, (was, now) in enumerate(zip(anchor[:-1], means[:-1], strict=True)):
        if was is not None and now is not None:
            told += 1
            most = _RADIUS * scale if place < _PLACES else _TURN_DEG
            if not -most <= now - was <= most:
                return False
    return told > 1


def _tell(phase: Phase, still: Span, severity: Severity) -> Change:
    evidence: Evidence = {"seconds": still.seconds, "within_scales": _RADIUS}
    return tell_anomaly(phase, AnomalyKind.IMMOBILITY, still, severity, evidence)
