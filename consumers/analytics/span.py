"""From the first frame that shows something to the last, as faults and anomalies keep it while it goes on."""

from dataclasses import dataclass

from consumers.analytics.finding import Category, Evidence, Finding, Moment, Severity


@dataclass(slots=True)
class Span:
    started_us: int
    last_us: int
    first_offset: int
    last_offset: int
    frames: int = 1
    """How many frames show it."""

    @classmethod
    def at(cls, moment: Moment) -> "Span":
        """It is seen for the first time."""
        return cls(moment.at_us, moment.at_us, moment.offset, moment.offset)

    @property
    def seconds(self) -> float:
        """From the first frame to the last, in event time."""
        return (self.last_us - self.started_us) / 1e6

    def extend(self, moment: Moment) -> None:
        """A further frame shows it."""
        self.last_us, self.last_offset = moment
        self.frames += 1

    def describe(
        self,
        category: Category,
        kind: str,
        severity: Severity,
        evidence: Evidence,
        *,
        subject: str,
        confidence: float = 1.0,
        observed: float = 1.0,
    ) -> Finding:
        """What it is, as far as it has gone."""
        return Finding(
            category=category,
            kind=kind,
            subject=subject,
            started_us=self.started_us,
            last_us=self.last_us,
            first_offset=self.first_offset,
            last_offset=self.last_offset,
            confidence=confidence,
            observed=observed,
            severity=severity,
            evidence=evidence,
        )
