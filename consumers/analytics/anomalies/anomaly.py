"""The kinds of anomalies, and how one is told."""

from enum import StrEnum
from typing import Final

from consumers.analytics.finding import Category, Change, Evidence, Phase, Severity
from consumers.analytics.span import Span


class AnomalyKind(StrEnum):
    FALL = "fall"
    """From upright to the ground at once, and still there."""
    LYING_DOWN = "lying_down"
    """To the ground slowly."""
    IMMOBILITY = "immobility"
    """Somebody is there, and nothing of them moves."""
    TREMOR = "tremor"
    """A hand that trembles."""
    LEFT_FRAME = "left_frame"
    """Somebody walked out of the image."""
    UNUSUAL_MOTION = "unusual_motion"
    """Motion as the stream has not shown before."""


BODY: Final = "body"


def tell_anomaly(
    phase: Phase,
    kind: AnomalyKind,
    span: Span,
    severity: Severity,
    evidence: Evidence,
    *,
    subject: str = BODY,
    confidence: float = 1.0,
    observed: float = 1.0,
) -> Change:
    """Something about a person that began or ended."""
    finding = span.describe(
        Category.ANOMALY,
        kind.value,
        severity,
        evidence,
        subject=subject,
        confidence=confidence,
        observed=observed,
    )
    return Change(phase, finding)
