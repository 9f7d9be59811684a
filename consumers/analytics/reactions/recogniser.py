"""Which rules fire in one stream."""

from bisect import insort
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from consumers.analytics.finding import Category, Change, Evidence, Finding, Moment, Phase, Severity
from consumers.analytics.reactions.rule import Rule

_BRIDGED_US: Final[Mapping[Category, int]] = {
    Category.SHAPE: 1_000_000,
    Category.MOVEMENT: 2_000_000,
    Category.ANOMALY: 5_000_000,
    Category.FAULT: 0,
}
"""How long what is over can be taken to go on: so much later it is known to have gone on until then."""


@dataclass(slots=True)
class Awaited:
    """Something that goes on, and that a rule wants to go on for longer."""

    rule: str
    """The version of the rule."""
    due_us: int
    """When it will have gone on for long enough."""
    category: Category
    kind: str
    subject: str
    started_us: int
    first_offset: int
    confidence: float
    observed: float
    severity: Severity | None


@dataclass(slots=True, order=True)
class Begun:
    """When something that is counted began, and with which record."""

    at_us: int
    offset: int


@dataclass(slots=True)
class Reactions:
    """Sees what all others found. A rule fires once for each time its condition comes true.

    All is kept by the rules' versions: a rule that is written anew begins anew.
    """

    awaited: list[Awaited] = field(default_factory=list)
    begun: dict[str, list[Begun]] = field(default_factory=dict)
    """What each rule that counts has counted, in order of time, and fewer than it asks for."""
    quiet_until_us: dict[str, int] = field(default_factory=dict)

    def advance(
        self,
        moment: Moment,
        stream_id: str,
        changes: Sequence[Change],
        shown: Collection[tuple[str, str]],
        rules: Sequence[Rule],
    ) -> Sequence[Change]:
        """Take what changed with the stream's newest frame in order.

        `shown` are kind and subject of what this very frame shows: that goes on now, what is only bridged may not. It
        may lack what cannot be told from one frame, and all of it while nothing is `awaited`.
        """
        if not changes and not self.awaited:
            return ()
        fired: list[Change] = []
        for change in changes:
            for rule in rules:
                if rule.matches(change.finding) and rule.concerns(stream_id):
                    self._take(moment, change, rule, fired)
        for awaited in tuple(self.awaited):
            if moment.at_us >= awaited.due_us:
                self._settle(moment, awaited, shown, rules, fired)
        return fired

    def take_late(self, stream_id: str, changes: Sequence[Change], rules: Sequence[Rule]) -> Sequence[Change]:
        """Take what changed with a frame that is not judged, or with the end of the stream: what is only seen then."""
        fired: list[Change] = []
        for change in changes:
            finding = change.finding
            for rule in rules:
                if rule.matches(finding) and rule.concerns(stream_id):
                    self._take(Moment(finding.last_us, finding.last_offset), change, rule, fired)
        return fired

    def end(self) -> None:
        """The stream is over, or its time was set back: forget what was building up."""
        self.awaited.clear()
        self.begun.clear()
        self.quiet_until_us.clear()

    def _take(self, moment: Moment, change: Change, rule: Rule, fired: list[Change]) -> None:
        phase, finding = change
        condition = rule.condition
        if not condition.held_us:
            if phase is not Phase.END:
                self._count(moment, finding, rule, fired)
            return
        if phase is Phase.END and not self._stop_awaiting(rule, finding):
            return
        if finding.last_us - finding.started_us >= condition.held_us:
            self._fire(moment, finding, rule, {}, fired)
        elif phase is Phase.START:
            self.awaited.append(_await(finding, rule))

    def _count(self, moment: Moment, finding: Finding, rule: Rule, fired: list[Change]) -> None:
        condition = rule.condition
        if condition.times == 1:
            self._fire(moment, finding, rule, {}, fired)
            return
        begun = self.begun.setdefault(rule.version, [])
        # What is told whole is told when it is over, and may have begun before what was told earlier.
        insort(begun, Begun(finding.started_us, finding.first_offset))
        if len(begun) < condition.times:
            return
        first = begun[0]
        if begun[-1].at_us - first.at_us > condition.within_us:
            del begun[0]
            return
        begun.clear()
        self._fire(moment, finding, rule, {"times": condition.times}, fired, first)

    def _stop_awaiting(self, rule: Rule, finding: Finding) -> bool:
        """Whether it was awaited until now."""
        for awaited in self.awaited:
            if (awaited.rule, awaited.kind, awaited.subject) == (rule.version, finding.kind, finding.subject):
                self.awaited.remove(awaited)
                return True
        return False

    def _settle(
        self,
        moment: Moment,
        awaited: Awaited,
        shown: Collection[tuple[str, str]],
        rules: Sequence[Rule],
        fired: list[Change],
    ) -> None:
        """Fire for something that would be long enough by now, if it is known to go on."""
        rule = next((rule for rule in rules if rule.version == awaited.rule), None)
        if rule is None:
            self.awaited.remove(awaited)
        elif (awaited.kind, awaited.subject) in shown or (
            moment.at_us - awaited.due_us >= _BRIDGED_US.get(awaited.category, 0)
        ):
            self.awaited.remove(awaited)
            self._fire(moment, _describe(awaited, moment), rule, {}, fired)

    def _fire(
        self,
        moment: Moment,
        finding: Finding,
        rule: Rule,
        more: Evidence,
        fired: list[Change],
        first: Begun | None = None,
    ) -> None:
        if moment.at_us < self.quiet_until_us.get(rule.version, moment.at_us):
            return
        if rule.cooldown_us:
            self.quiet_until_us[rule.version] = moment.at_us + rule.cooldown_us
        first = first or Begun(finding.started_us, finding.first_offset)
        evidence: Evidence = {"kind": finding.kind, "seconds": (finding.last_us - first.at_us) / 1e6, **more}
        fired.append(
            Change(
                Phase.OCCURRED,
                Finding(
                    category=Category.REACTION,
                    kind=rule.name,
                    subject=finding.subject,
                    started_us=first.at_us,
                    last_us=moment.at_us,
                    first_offset=first.offset,
                    last_offset=moment.offset,
                    confidence=finding.confidence,
                    observed=finding.observed,
                    severity=finding.severity,
                    evidence=evidence,
                    made_by=rule.version,
                ),
            )
        )


def _await(finding: Finding, rule: Rule) -> Awaited:
    return Awaited(
        rule=rule.version,
        due_us=finding.started_us + rule.condition.held_us,
        category=finding.category,
        kind=finding.kind,
        subject=finding.subject,
        started_us=finding.started_us,
        first_offset=finding.first_offset,
        confidence=finding.confidence,
        observed=finding.observed,
        severity=finding.severity,
    )


def _describe(awaited: Awaited, moment: Moment) -> Finding:
    return Finding(
        category=awaited.category,
        kind=awaited.kind,
        subject=awaited.subject,
        started_us=awaited.started_us,
        last_us=moment.at_us,
        first_offset=awaited.first_offset,
        last_offset=moment.offset,
        confidence=awaited.confidence,
        observed=awaited.observed,
        severity=awaited.severity,
    )
