"""One rule: what it waits for, and whom it tells."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from consumers.analytics.finding import Finding, Severity
from keypoints.errors import Terminal

MOST_TIMES: Final = 1_000
"""Each stream remembers as many beginnings as a rule counts."""
_LONGEST_US: Final = 366 * 24 * 3_600 * 1_000_000
_US: Final[Mapping[str, int]] = {"ms": 1_000, "s": 1_000_000, "min": 60_000_000, "h": 3_600_000_000}
_DURATION: Final = r"\d{1,9}(?:\.\d{1,9})?\s*(?:ms|s|min|h)"
_KIND: Final = r"(?!or\b)[A-Za-z][A-Za-z0-9_]*"
_CONDITION: Final = re.compile(
    rf"(?P<kinds>{_KIND}(?:\s+or\s+{_KIND})*)"
    r"(?:\s+of\s+(?P<subject>[a-z]+))?"
    rf"(?:\s+for\s+(?P<held>{_DURATION})|\s+(?P<times>\d{{1,9}})\s+times\s+within\s+(?P<within>{_DURATION}))?"
)
_SEVERITIES: Final = tuple(Severity)
SUBJECTS: Final = ("left", "right", "both", "body", "head", "face", "capture")
"""What a finding can be about."""


class InvalidRule(Terminal):
    """A rule that cannot be understood. Fields: rule, key."""


@dataclass(frozen=True, slots=True)
class Condition:
    """`thumbs_up for 1 s`, `squat 10 times within 2 min`, `fall or immobility`, `wave of left`."""

    kinds: tuple[str, ...]
    """Any of them."""
    subject: str | None = None
    held_us: int = 0
    """How long it must go on; 0: it is enough that it begins."""
    times: int = 1
    within_us: int = 0
    """In how much event time it must begin `times` times."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When the condition holds in a stream, its webhook is called."""

    name: str
    version: str
    """rule- and the beginning of a digest of name and condition: another wording is another rule."""
    condition: Condition
    webhook: str
    """Where to; http or https."""
    secret_variable: str
    """The environment variable that holds the secret its messages are signed with."""
    streams: str = "*"
    """A pattern of stream names, as a shell has them."""
    at_least: Severity | None = None
    """Anomalies and faults less severe do not count."""
    cooldown_us: int = 0
    """After it fired it is quiet in that stream for so much event time."""
    expires_us: int = 0
    """What is older than this when it could be sent is not sent any more; 0: it is sent however old."""

    def concerns(self, stream_id: str) -> bool:
        """Whether the rule is about this stream."""
        return self.streams == "*" or fnmatchcase(stream_id, self.streams)

    def matches(self, finding: Finding) -> bool:
        """Whether a finding is of a kind it waits for. A half repetition is of a kind of its own: half_squat."""
        condition = self.condition
        return (
            finding.kind in condition.kinds
            and (condition.subject is None or condition.subject == finding.subject)
            and (
                self.at_least is None
                or finding.severity is None
                or _SEVERITIES.index(finding.severity) >= _SEVERITIES.index(self.at_least)
            )
        )


def read_condition(text: str) -> Condition:
    """Read what stands behind `when`. Raises ValueError, saying what can stand there."""
    found = _CONDITION.fullmatch(text.strip())
    if found is None:
        raise ValueError(
            f"{text!r} is no condition; write KIND, KIND or KIND, KIND of SUBJECT, "
            "each with `for 1 s` or `3 times within 10 s` behind it if need be"
        )
    if found["subject"] not in (None, *SUBJECTS):
        raise ValueError(f"nothing is found of {found['subject']}; write one of {', '.join(SUBJECTS)}")
    times = 1 if found["times"] is None else int(found["times"])
    if not 1 <= times <= MOST_TIMES:
        raise ValueError(f"{times} times cannot be counted; write 1 to {MOST_TIMES}")
    return Condition(
        kinds=tuple(dict.fromkeys(re.split(r"\s+or\s+", found["kinds"]))),
        subject=found["subject"],
        held_us=read_duration(found["held"]) if found["held"] else 0,
        times=times,
        within_us=read_duration(found["within"]) if found["within"] else 0,
    )


def read_duration(text: str) -> int:
    """Microseconds of `250 ms`, `1 s`, `1.5 min`, `2 h`; more than none, and no more than a year. Raises ValueError."""
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)\s*(ms|s|min|h)", text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no duration; write 250 ms, 1 s, 1.5 min or 2 h")
    duration_us = round(float(found[1]) * _US[found[2]])
    if not 0 < duration_us <= _LONGEST_US:
        raise ValueError(f"{text!r} is too {'long' if duration_us else 'short'}; write 1 ms to 8784 h")
    return duration_us
