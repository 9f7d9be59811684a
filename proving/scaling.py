"""What replicas, partitions and streams cost: the same load on suites of other shapes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from proving.headline import Say, warm_up
from proving.meter import metering
from proving.report import Audit, Step, describe_machine
from proving.room import check_room
from proving.steps import audit_suite, measure_steps, play_step
from proving.suite import Suite, SuiteShape

RATE: Final = 400.0
"""One that a machine of two processors holds in all these shapes: what is compared is the cost of a frame."""
STREAMS: Final = 40


@dataclass(frozen=True, kw_only=True)
class TrialPlan:
    """One shape under one load."""

    name: str
    partitions: int = 6
    replicas: int = 1
    streams: int = STREAMS


TRIALS: Final = (
    TrialPlan(name="as it comes: 1 replica, 6 partitions, 40 streams"),
    TrialPlan(name="2 replicas", replicas=2),
    TrialPlan(name="4 replicas", replicas=4),
    TrialPlan(name="24 partitions", partitions=24),
    TrialPlan(name="24 partitions, 2 replicas", partitions=24, replicas=2),
    TrialPlan(name="24 partitions, 4 replicas", partitions=24, replicas=4),
    TrialPlan(name="10 streams", streams=10),
    TrialPlan(name="100 streams", streams=100),
    TrialPlan(name="1,000 streams", streams=1_000),
)


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of one: milliseconds of processor time a frame cost each part."""

    name: str
    partitions: int
    replicas: int
    step: Step
    ms_a_frame: Mapping[str, float]
    audit: Audit


@dataclass(frozen=True, slots=True)
class Scaling:
    """All trials."""

    machine: Mapping[str, Any]
    trials: list[Trial]

    @property
    def good(self) -> bool:
        """Whether every record is there once, in all of them."""
        return all(trial.audit.clean for trial in self.trials)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def run_scaling(seconds: float, home: Path, say: Say, trials: tuple[TrialPlan, ...] = TRIALS) -> Scaling:
    """Try one shape after the other, each with servers of its own. Raises what Suite does, LoadFailed, StillBehind."""
    check_room(home, RATE * seconds * len(trials))
    return Scaling(
        describe_machine(), [_try(plan, seconds, home / str(number), say) for number, plan in enumerate(trials)]
    )


def _try(plan: TrialPlan, seconds: float, home: Path, say: Say) -> Trial:
    say(f"{plan.name}: {RATE:g} frames/s for {seconds:g} s")
    shape = SuiteShape(partitions=plan.partitions, replicas=plan.replicas, performers=plan.streams)
    with Suite(home, shape) as suite, metering(suite.roots) as usage:
        warm_up(suite, plan.streams)
        played = play_step(suite, RATE, plan.streams, seconds)
        suite.wait_caught_up()
        [step] = measure_steps(suite, usage, [played])
        audit = audit_suite(suite)
    cost = {part: 1e3 * cores / step.achieved_rate for part, cores in step.cores.items() if part != "machine"}
    return Trial(plan.name, plan.partitions, plan.replicas, step, cost, audit)
