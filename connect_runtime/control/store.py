"""What the two logs say, folded: each connector's settings and wish, and each replica's last report."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from connect_runtime.control.claims import UNCONFIRMED
from connect_runtime.control.log import ControlRecord, ControlTopic
from connect_runtime.control.records import (
    ConfigRecord,
    ConfigTopicRecord,
    ConnectorReport,
    LoggerRecord,
    RestartRecord,
    TargetRecord,
    TargetState,
    WorkerReport,
    config_key,
    read_config_record,
    read_instance,
    read_report,
)

DEAD_AFTER_S = 10.0
"""As long as the groups' session timeout: a replica this silent has lost its partitions to the others."""
FORGOTTEN_AFTER_S = 60.0


@dataclass(frozen=True, slots=True)
class Target:
    """What a connector is to do, and where in the log that was said (-1: nobody has)."""

    state: TargetState = TargetState.STARTED
    offset: int = -1


@dataclass(frozen=True, slots=True)
class SeenReport:
    """A replica's report, where it stands in the log, and when it was written by the reader's clock."""

    report: WorkerReport
    offset: int
    arrived_s: float


@dataclass(slots=True)
class GroupState:
    """Everything read so far. Not for several threads at once.

    The age of a report is its distance to the newest of all, not to now: while the log itself is silent, because Kafka
    is away, nobody grows old. Who reads also writes, every few seconds, so that somebody always does.
    """

    configs: dict[str, ConfigRecord] = field(default_factory=dict)
    targets: dict[str, Target] = field(default_factory=dict)
    reports: dict[str, SeenReport] = field(default_factory=dict)
    next_offsets: dict[ControlTopic, int] = field(default_factory=lambda: dict.fromkeys(ControlTopic, 0))

    def fold(self, record: ControlRecord, now_s: float, wall_now_s: float) -> ConfigTopicRecord | None:
        """Take one record in. Returns what it wishes, when it is news from the topic of settings."""
        self.next_offsets[record.topic] = record.offset + 1
        if record.topic is ControlTopic.STATUS:
            self._fold_report(record, now_s, wall_now_s)
            return None
        wish = read_config_record(record.key, record.value)
        match wish:
            case ConfigRecord():
                self.configs[wish.connector] = wish
            case TargetRecord():
                self.targets[wish.connector] = Target(wish.state, record.offset)
            case RestartRecord() | LoggerRecord() if not record.is_news:
                # Meant for those who were there: whoever starts has just started, with the levels it was started with.
                return None
            case None if record.value is None:
                self.configs = {name: one for name, one in self.configs.items() if config_key(name) != record.key}
        return wish

    def target(self, connector: str) -> Target:
        """What a connector is to do; started when nobody said anything."""
        return self.targets.get(connector, Target())

    def living(self, connector: str) -> dict[str, SeenReport]:
        """Reports of the replicas that run a connector and were heard of lately, by instance."""
        return {instance: seen for instance, seen in self._running(connector) if self.age_s(seen) < DEAD_AFTER_S}

    def silent(self, connector: str) -> dict[str, SeenReport]:
        """Reports of the replicas that have a connector and were not heard of lately."""
        return {instance: seen for instance, seen in self._running(connector) if self.age_s(seen) >= DEAD_AFTER_S}

    def to_forget(self) -> list[str]:
        """Instances nobody has heard of for long."""
        return [instance for instance, seen in self.reports.items() if self.age_s(seen) >= FORGOTTEN_AFTER_S]

    def age_s(self, seen: SeenReport) -> float:
        """How far a report lies behind the newest."""
        return max(one.arrived_s for one in self.reports.values()) - seen.arrived_s

    def claims_of_others(self, connector: str, instance: str, worker_id: str) -> dict[int, int]:
        """Task ids other living replicas claim → the offset at which they first did.

        Whoever had the address `worker_id` before this instance is none of them, heard of lately or not.
        """
        claims: dict[int, int] = {}
        for other, seen in self.living(connector).items():
            if other == instance or seen.report.worker_id == worker_id:
                continue
            for task_id, offset in claims_at(seen, connector).items():
                claims[task_id] = min(offset, claims.get(task_id, offset))
        return claims

    def _running(self, connector: str) -> Iterable[tuple[str, SeenReport]]:
        return [(instance, seen) for instance, seen in self.reports.items() if connector in seen.report.connectors]

    def _fold_report(self, record: ControlRecord, now_s: float, wall_now_s: float) -> None:
        instance = read_instance(record.key)
        if instance is None:
            return
        report = read_report(instance, record.value)
        if report is None:
            self.reports.pop(instance, None)
            return
        # What is read as it is written has just arrived, whatever the writer's clock says.
        age_s = 0.0 if record.is_news else max(0.0, wall_now_s - record.timestamp_ms / 1000)
        # A process that took over a listener's address has outlived the one that had it.
        for other, seen in list(self.reports.items()):
            if other != instance and seen.report.worker_id == report.worker_id:
                del self.reports[other]
        self.reports[instance] = SeenReport(report, record.offset, now_s - age_s)


def claims_at(seen: SeenReport, connector: str) -> dict[int, int]:
    """A replica's claims; those made by the report itself stand where it stands."""
    report = seen.report.connectors.get(connector)
    claims: Mapping[int, int] = {} if report is None else report.claims
    return {task_id: seen.offset if offset == UNCONFIRMED else offset for task_id, offset in claims.items()}


def report_of(seen: SeenReport, connector: str) -> ConnectorReport:
    """A replica's report on one connector, which must be in it."""
    return seen.report.connectors[connector]
