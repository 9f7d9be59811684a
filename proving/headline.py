"""The field's headline on one machine: a rate held by all consumers at once, what it costs, and where it ends."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Final

import psutil

from proving.meter import Usage, metering
from proving.profile import profiling
from proving.report import Audit, Ceiling, Headline, Step, describe_machine
from proving.room import check_room
from proving.steps import Played, audit_suite, measure_steps, play_step
from proving.suite import SERVICES, LoadFailed, StillBehind, Suite, SuiteShape

WARM_UP_RATE: Final = 200.0
WARM_UP_S: Final = 8.0
_BUSY_SHARE: Final = 0.95
"""Of the machine's processors, or of one for a process whose interpreter lets one thread run at a time."""

_WHOLE: Final[tuple[str, ...]] = ("kafka", "postgres", "load")
_RUN_IN_S: Final = 6.0
"""For the load's process to start, its performers to rehearse, and everybody to find into it."""
_MARGIN_S: Final = 8.0

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class HeadlinePlan:
    """What to hold for how long, and how to look for the ceiling: from `climb_from`, `climb_by` more each time."""

    rate: float = 800.0
    seconds: float = 60.0
    streams: int = 40
    warm_up_s: float = 180.0
    """At that rate: for its first minutes a broker is still being compiled, and takes twice the time."""
    profile_s: float = 20.0
    """0: do not say where the time goes."""
    climb_from: float = 1000.0
    climb_by: float = 200.0
    climb_to: float = 3000.0
    climb_s: float = 20.0
    """0: do not look for the ceiling."""


@dataclass(frozen=True, slots=True)
class CutShort:
    """A step that did not come to its end: its rate in frames/s, and why."""

    rate: float
    why: str


def run_headline(plan: HeadlinePlan, shape: SuiteShape, home: Path, say: Say) -> Headline:
    """Hold, profile, climb, audit. Raises what Suite does, LoadFailed, StillBehind and ProfilerFailed."""
    climbing = (plan.climb_to - plan.climb_from) / plan.climb_by * (plan.climb_to + plan.climb_from) / 2 * plan.climb_s
    check_room(home, plan.rate * (plan.warm_up_s + plan.seconds + plan.profile_s) + climbing)
    say("starting Kafka, Postgres, archive, analytics and avatar")
    with Suite(home, shape) as suite, metering(suite.roots) as usage:
        warm_up(suite, plan.streams, plan.rate, plan.warm_up_s)
        say(f"holding {plan.rate:g} frames/s of {plan.streams} streams for {plan.seconds:g} s")
        held = play_step(suite, plan.rate, plan.streams, plan.seconds)
        suite.wait_caught_up()
        [hold] = measure_steps(suite, usage, [held])
        parts = {} if plan.profile_s <= 0 else _find_where_time_goes(suite, usage, plan, say)
        climbed, cut_short = _climb(suite, usage, plan, say) if plan.climb_s > 0 else ([], None)
        say("reading what became of every frame")
        audit: Audit = audit_suite(suite)
    return Headline(
        machine=describe_machine(),
        partitions=shape.partitions,
        replicas=shape.replicas,
        hold=hold,
        parts=parts,
        climb=climbed,
        ceiling=find_ceiling([hold, *climbed], cut_short),
        audit=audit,
    )


def warm_up(suite: Suite, streams: int, rate: float = WARM_UP_RATE, seconds: float = WARM_UP_S) -> None:
    """Some frames of everybody before anything is measured: tables, caches, connections."""
    suite.load(rate, streams, seconds)
    suite.wait_caught_up()


def find_ceiling(steps: Sequence[Step], cut_short: CutShort | None = None) -> Ceiling:
    """The highest rate up to which every step was held, and what kept the next from it."""
    held = list(takewhile(lambda step: step.held, steps))
    held_rate = max((step.achieved_rate for step in held), default=None)
    if len(held) < len(steps):
        broke = steps[len(held)]
        return Ceiling(held_rate, broke.asked_rate, broke.behind, name_limit(broke))
    if cut_short is not None:
        return Ceiling(held_rate, cut_short.rate, (), "", cut_short.why)
    return Ceiling(held_rate, None, (), "")


def name_limit(step: Step) -> str:
    """What was used up while a step was not held."""
    processors = psutil.cpu_count() or 1
    if step.cores.get("machine", 0.0) >= _BUSY_SHARE * processors:
        return f"the machine: {step.cores['machine']:.2f} of its {processors} processors were busy"
    busiest = max(SERVICES, key=lambda service: step.cores.get(service, 0.0))
    if step.cores.get(busiest, 0.0) >= _BUSY_SHARE:
        return f"one interpreter: {busiest} used {step.cores[busiest]:.2f} of a processor"
    return "neither the machine's processors nor one process's: somebody waited"


def _find_where_time_goes(suite: Suite, usage: Usage, plan: HeadlinePlan, say: Say) -> dict[str, dict[str, float]]:
    """Cores by part and stage: of services by their stages, of the others in all."""
    say(f"looking where the time goes, for {plan.profile_s:g} s")
    pids = {name: suite.services.pid(name) for name in suite.services.names}
    with suite.loading(plan.rate, plan.streams, plan.profile_s + _RUN_IN_S + _MARGIN_S) as running:
        time.sleep(_RUN_IN_S)
        began_s = time.time()
        with profiling(pids, plan.profile_s) as profiles:
            pass
        whole = usage.between(began_s, time.time()).cores()
        running.wait()
    suite.wait_caught_up()
    others = {part: {part: whole[part]} for part in _WHOLE if part in whole}
    return profiles.cores | others


def _climb(suite: Suite, usage: Usage, plan: HeadlinePlan, say: Say) -> tuple[list[Step], CutShort | None]:
    rate, climbed = plan.climb_from, list[Step]()
    while rate <= plan.climb_to:
        say(f"climbing: {rate:g} frames/s for {plan.climb_s:g} s")
        try:
            played: Played = play_step(suite, rate, plan.streams, plan.climb_s)
            # What fell far behind may need long: that it does is what is looked for.
            suite.wait_caught_up(timeout_s=300.0)
        except (LoadFailed, StillBehind) as error:
            # The rate is too much by far; what was held before holds.
            say(f"at {rate:g} frames/s it ends: {error.message}")
            return climbed, CutShort(rate, error.message)
        climbed += measure_steps(suite, usage, [played])
        if not climbed[-1].held:
            break
        rate += plan.climb_by
    return climbed, None
