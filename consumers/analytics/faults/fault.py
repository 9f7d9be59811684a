"""The kinds of capture faults, and how one is told."""

from enum import StrEnum

from consumers.analytics.finding import Category, Change, Evidence, Phase, Severity
from consumers.analytics.span import Span


class FaultKind(StrEnum):
    FROZEN = "frozen"
    """The same landmarks again and again, with new times."""
    TIME_JUMP = "time_jump"
    """The source's clock leapt, forward or back."""
    SIDES_SWAPPED = "sides_swapped"
    """Left and right are exchanged."""
    DROPOUT = "dropout"
    """Nobody is found though nobody left."""
    MISSING = "missing"
    """Frames that never came: a hole in the sequence."""
    LATE = "late"
    """A frame that came after younger ones."""
    DUPLICATE = "duplicate"
    """A frame that came again."""
    LIMB = "limb"
    """A limb longer, shorter or faster than can be."""
    RATE_DROP = "rate_drop"
    """Far fewer frames a second than usual, none of them lost on the way."""


_SEVERITY = {
    FaultKind.FROZEN: Severity.WARNING,
    FaultKind.TIME_JUMP: Severity.WARNING,
    FaultKind.SIDES_SWAPPED: Severity.WARNING,
    FaultKind.DROPOUT: Severity.WARNING,
    FaultKind.MISSING: Severity.WARNING,
    FaultKind.LATE: Severity.INFO,
    FaultKind.DUPLICATE: Severity.INFO,
    FaultKind.LIMB: Severity.WARNING,
    FaultKind.RATE_DROP: Severity.INFO,
}
SUBJECT = "capture"


def tell_fault(phase: Phase, kind: FaultKind, span: Span, evidence: Evidence, *, confidence: float = 1.0) -> Change:
    """A fault of the capture that began, ended or was seen whole."""
    finding = span.describe(
        Category.FAULT, kind.value, _SEVERITY[kind], evidence, subject=SUBJECT, confidence=confidence
    )
    return Change(phase, finding)
