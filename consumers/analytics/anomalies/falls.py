"""Who goes to the ground: at once, which is a fall, or slowly."""

from dataclasses import dataclass, field
from typing import Final

from consumers.analytics.anomalies.anomaly import AnomalyKind, tell_anomaly
from consumers.analytics.facts import BodyFacts
from consumers.analytics.finding import Change, Evidence, Moment, Phase, Severity
from consumers.analytics.span import Span

_UPRIGHT_DEG: Final = 30.0
_LYING_DEG: Final = 60.0
_STILL_LYING_DEG: Final = 50.0
_RISEN_DEG: Final = 40.0
_HEAD_DROP: Final = 2.0
"""Body scales: a head that has sunk by so much is on the ground, however the trunk looks from the front."""
_STILL_HEAD_DROP: Final = 1.6
_HIPS_DROP: Final = 0.6
_STANDING: Final = 0.25
_FALL_S: Final = 1.6
_GO_DOWN_S: Final = 6.0
_CONFIRM_US: Final = 600_000
_CONFIRM_AFTER_ARMS_US: Final = 2_000_000
"""Whose arms are out of sight for a moment may still be held up on them."""
_ON_ARMS_US: Final = 250_000
"""Who falls on their hands is not held up on them for so long."""
_RISEN_US: Final = 500_000
_UNSEEN_US: Final = 5_000_000
_SAMPLE_US: Final = 250_000
_SAMPLES: Final = 24
_ARM_LENGTH: Final = 0.55
"""Body scales: whose hands (all that are seen) are so far below the shoulders holds themselves up."""


@dataclass(slots=True)
class Sample:
    """How high an upright body was at a moment, in image heights from the top."""

    at_us: int
    hips_y: float
    nose_y: float


@dataclass(slots=True)
class Falls:
    """How a body stood in the last seconds, and how it lies."""

    samples: list[Sample] = field(default_factory=list)
    upright_us: int = 0
    upright_offset: int = 0
    seen_us: int = 0
    down: Span | None = None
    """From the last upright frame, while somebody is on the ground."""
    began_us: int = 0
    """When they last stood."""
    down_us: int = 0
    """When they were first seen down."""
    lying_since_us: int = 0
    """Not held up on their hands."""
    stood_hips_y: float = 0.0
    stood_nose_y: float = 0.0
    fall_s: float = 0.0
    """From standing to lying."""
    lean_deg: float = 0.0
    """The greatest."""
    drop_scales: float = 0.0
    kind: AnomalyKind | None = None
    """Once it is told."""
    settled: bool = False
    """It is known what being down means: what was told, or nothing."""
    risen_since_us: int | None = None

    @property
    def is_fallen(self) -> bool:
        """Whether somebody fell and is still on the ground."""
        return self.kind is AnomalyKind.FALL

    @property
    def _came_by_hands(self) -> bool:
        return self.lying_since_us - self.down_us > _ON_ARMS_US

    def take(self, moment: Moment, body: BodyFacts | None) -> list[Change]:
        """Take the stream's next frame, in order of time."""
        at_us = moment.at_us
        if body is None or body.trunk_lean != body.trunk_lean:
            return self.end() if at_us - self.seen_us > _UNSEEN_US and (self.down or self.samples) else []
        if at_us - self.seen_us > _UNSEEN_US:
            changes = self.end()
            self.seen_us = at_us
            return changes
        self.seen_us = at_us
        if self.down is not None:
            return self._lie(moment, body, self.down)
        lean = body.trunk_lean
        samples = self.samples
        if lean < _UPRIGHT_DEG and not self._is_head_down(body, _HEAD_DROP):
            self.upright_us, self.upright_offset = moment
            is_due = not samples or at_us - samples[-1].at_us >= _SAMPLE_US
            if is_due and body.hips_y == body.hips_y and body.nose_y == body.nose_y:
                samples.append(Sample(at_us, body.hips_y, body.nose_y))
                if len(samples) > _SAMPLES:
                    del samples[0]
        elif samples and (lean > _LYING_DEG or lean < _UPRIGHT_DEG):
            self._go_down(moment, body)
        return []

    def end(self) -> list[Change]:
        """End what goes on, and forget how they stood."""
        self.samples = []
        return self._close(risen=False)

    def _is_head_down(self, body: BodyFacts, drop: float) -> bool:
        samples = self.samples
        return bool(samples) and body.nose_y - samples[0].nose_y > drop * body.scale

    def _go_down(self, moment: Moment, body: BodyFacts) -> None:
        """Somebody is no longer upright but on the ground: how they got there is settled when they have stayed."""
        recent = [sample for sample in self.samples if moment.at_us - sample.at_us <= _GO_DOWN_S * 1e6]
        if not recent:
            return
        self.down = Span(self.upright_us, moment.at_us, self.upright_offset, moment.offset)
        self.down_us = self.lying_since_us = moment.at_us
        self.stood_hips_y = min(sample.hips_y for sample in recent)
        self.stood_nose_y = min(sample.nose_y for sample in recent)
        standing = [each.at_us for each in recent if each.hips_y - self.stood_hips_y <= _STANDING * body.scale]
        self.began_us = self.upright_us if standing[-1] == recent[-1].at_us else standing[-1]
        self.lean_deg, self.drop_scales, self.kind, self.settled = body.trunk_lean, 0.0, None, False
        self.risen_since_us = None

    def _lie(self, moment: Moment, body: BodyFacts, down: Span) -> list[Change]:
        head_drop = (body.nose_y - self.stood_nose_y) / body.scale
        lies = body.trunk_lean > (_STILL_LYING_DEG if self.kind is None else _RISEN_DEG)
        if lies or head_drop > _STILL_HEAD_DROP:
            self.risen_since_us = None
            down.extend(moment)
            self.lean_deg = max(self.lean_deg, body.trunk_lean)
            drop = (body.hips_y - self.stood_hips_y) / body.scale
            if drop > self.drop_scales:
                self.drop_scales = drop
            if self.settled:
                return []
            if _is_held_up(body):
                self.lying_since_us = moment.at_us
            confirm_us = _CONFIRM_AFTER_ARMS_US if self._came_by_hands else _CONFIRM_US
            return self._settle(down) if moment.at_us - self.lying_since_us >= confirm_us else []
        if self.risen_since_us is None:
            self.risen_since_us = moment.at_us
        return self._close(risen=True) if moment.at_us - self.risen_since_us >= _RISEN_US else []

    def _settle(self, down: Span) -> list[Change]:
        self.settled = True
        if self.drop_scales < _HIPS_DROP:
            # Bent over.
            return []
        self.fall_s = (self.lying_since_us - self.began_us) / 1e6
        fell = self.fall_s <= _FALL_S and not self._came_by_hands
        self.kind = AnomalyKind.FALL if fell else AnomalyKind.LYING_DOWN
        return [self._tell(Phase.START, self.kind, down, {})]

    def _close(self, *, risen: bool) -> list[Change]:
        down, kind = self.down, self.kind
        self.down, self.kind, self.samples = None, None, []
        return [] if down is None or kind is None else [self._tell(Phase.END, kind, down, {"risen": risen})]

    def _tell(self, phase: Phase, kind: AnomalyKind, down: Span, evidence: Evidence) -> Change:
        return tell_anomaly(
            phase,
            kind,
            down,
            Severity.CRITICAL if kind is AnomalyKind.FALL else Severity.INFO,
            {
                "drop_scales": self.drop_scales,
                "lean_deg": self.lean_deg,
                "fall_s": self.fall_s,
                "on_ground_s": (down.last_us - self.lying_since_us) / 1e6,
                **evidence,
            },
        )


def _is_held_up(body: BodyFacts) -> bool:
    """Whether all arms that are seen reach down as those of somebody who holds themselves up on them."""
    left = _reach_down(body.left_wrist_up, body.left_elbow_up)
    right = _reach_down(body.right_wrist_up, body.right_elbow_up)
    return (left > _ARM_LENGTH or right > _ARM_LENGTH) and not (left <= _ARM_LENGTH or right <= _ARM_LENGTH)


def _reach_down(wrist_up: float, elbow_up: float) -> float:
    """Body scales from shoulder down to hand; by the elbow, halfway there, where the hand is out of sight."""
    return -wrist_up if wrist_up == wrist_up else -2.0 * elbow_up
