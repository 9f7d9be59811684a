"""All faults in turn, in an order of their own for each seed, while the load goes on; and then the audit."""

import json
import random
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import psutil
import psycopg2

from consumers.archive.settings import PARQUET_CONNECTOR
from keypoints.errors import HolisticError, Terminal
from proving.chaos.arena import ROTATE_S, SLACK_S, Arena, LoadLost, now_us
from proving.chaos.audit import Finding, audit_avatar, audit_load, audit_stores
from proving.chaos.effect_log import ACKNOWLEDGED, CONNECTORS
from proving.chaos.fault import Fault, Row
from proving.chaos.faults import list_faults
from proving.chaos.full_disk import disk_of_its_own
from proving.chaos.recovery import Window, find_recovery_s, find_standstill_s, find_usual_waiting
from proving.chaos.reference import Undisturbed
from proving.chaos.report import ChaosReport
from proving.report import describe_machine
from proving.suite import Suite, SuiteShape

_FAILURES: Final = (HolisticError, subprocess.SubprocessError, OSError, httpx.HTTPError, psycopg2.Error, psutil.Error)
"""What may go wrong in a fault's turn, and makes its row red instead of ending the run."""

Say = Callable[[str], None]


class UnknownFault(Terminal):
    """There is no fault of that name. Fields: fault."""


@dataclass(frozen=True, kw_only=True)
class ChaosPlan:
    """Which faults, in which order, under how much load."""

    seed: int
    rate: float = 200.0
    streams: int = 20
    only: tuple[str, ...] = ()
    analytics: bool = True
    """Whether analytics is compared with an undisturbed run over the same records, which takes a minute."""


def run_chaos(plan: ChaosPlan, home: Path, say: Say, on_row: Callable[[Row], None]) -> ChaosReport:
    """Inject, measure, audit. Raises UnknownFault, LoadLost, StackEnded, StillBehind, and what Suite does."""
    rng = random.Random(plan.seed)  # noqa: S311  the same again for the same seed
    began_s = time.monotonic()
    rows: list[Row] = []
    with disk_of_its_own(home / "archive") as mounted:
        faults = order_faults(list_faults(mounted), plan.only, rng)
        say("starting Kafka, Postgres, archive, analytics and avatar")
        with Suite(home, _shape(plan)) as suite:
            arena = Arena(suite, rng, plan.rate, plan.streams)

            def run_faults(chosen: Sequence[Fault]) -> None:
                for fault in chosen:
                    arena.servers.check_supervised()
                    say(f"{fault.name}: {fault.must}")
                    rows.append(inject(fault, arena))
                    on_row(rows[-1])

            undisturbed = Undisturbed(arena)
            late: list[Finding] = []
            try:
                with arena.loading(plan.seed):
                    _begin(arena, say)
                    run_faults([fault for fault in faults if not fault.last])
                    if plan.analytics:
                        say("working out all results once more, undisturbed")
                        late = _try(undisturbed.start)
                    run_faults([fault for fault in faults if fault.last])
                say("the load has ended: waiting for the rest")
                arena.wait_all_durable()
                findings = late
                if plan.analytics and not late:
                    late = _try(lambda: findings.extend(undisturbed.judge()))
                    findings += late
            finally:
                undisturbed.close()
            say("comparing topic, Postgres and Parquet")
            stores, gone = audit_stores(arena, rows)
            findings = [audit_load(arena, rows, gone), stores, *findings, audit_avatar(arena)]
    return ChaosReport(
        machine=describe_machine(),
        seed=plan.seed,
        rate=plan.rate,
        streams=plan.streams,
        took_s=time.monotonic() - began_s,
        rows=rows,
        findings=findings,
    )


def order_faults(faults: Sequence[Fault], only: Sequence[str], rng: random.Random) -> list[Fault]:
    """Those asked for, shuffled; those that nothing may come after are last. Raises UnknownFault."""
    names = {fault.name for fault in faults}
    for name in only:
        if name not in names:
            raise UnknownFault(f"there is no fault {name}", hint=f"one of {', '.join(sorted(names))}", fault=name)
    chosen = [fault for fault in faults if not only or fault.name in only]
    rng.shuffle(chosen)
    return sorted(chosen, key=lambda fault: fault.last)


def inject(fault: Fault, arena: Arena) -> Row:
    """One fault from its preparation until nobody is behind any more, or a minute has passed."""
    row = Row(fault.name, fault.must, began_s=0.0, lasted_s=0.0)
    window: Window | None = None
    try:
        fault.prepare(arena)
        arena.log.read_on()
        row.first_offsets = arena.log.ends
        began_us = now_us()
        row.began_s = (began_us - arena.began_us) / 1e6
        fault.begin(arena)
        time.sleep(fault.hold_s)
        fault.end(arena)
        ended_us = now_us()
        row.lasted_s = (ended_us - began_us) / 1e6
        with arena.watching_readiness() as readiness:
            fault.recover(arena)
            own_us = now_us() if overrides_recover(fault) else ended_us
            ready_us = arena.wait_calm_and(readiness)
            window = Window(began_us, ended_us, now_us())
        measure(row, arena, window, {"ready": ready_us, "its own effect": own_us})
        row.problems += fault.check(arena)
    except LoadLost:
        raise
    except _FAILURES as error:
        row.problems.append(f"{type(error).__name__}: {error}")
    finally:
        try:
            fault.tidy(arena)
        except _FAILURES as error:
            row.problems.append(f"tidying up: {type(error).__name__}: {error}")
        arena.mend()
    if window is None or row.problems:
        # The next one begins with everybody well, if they get well at all.
        arena.wait_calm()
    row.note = fault.note
    return row


def overrides_recover(fault: Fault) -> bool:
    """Whether a fault has an effect of its own to wait for."""
    return type(fault).recover is not Fault.recover


def measure(row: Row, arena: Arena, window: Window, moments_us: dict[str, int | None]) -> None:
    """How long effects stood still, and how soon everybody recovered."""
    arena.log.read_on()
    effects = arena.log.list_effects()
    recoveries: dict[str, float | None] = {
        name: None if at_us is None else max(0.0, (at_us - window.ended_us) / 1e6) for name, at_us in moments_us.items()
    }
    for name in (*CONNECTORS, ACKNOWLEDGED):
        usual = find_usual_waiting(effects[name], window, SLACK_S[name] * arena.rate)
        recoveries[name] = find_recovery_s(effects[name], window, usual)
    standstills = find_standstills_s(arena, window)
    # Files are finished every few seconds at best.
    standstills[PARQUET_CONNECTOR] = max(0.0, standstills[PARQUET_CONNECTOR] - ROTATE_S)
    row.stood_still = max(standstills, key=standstills.__getitem__)
    row.stood_still_s = standstills[row.stood_still]
    row.recoveries_s = recoveries
    row.slowest = max(recoveries, key=lambda name: _NEVER_S if (at := recoveries[name]) is None else at)
    row.recovered_s = recoveries[row.slowest]
    if row.recovered_s is None:
        row.problems.append(f"{row.slowest} has not recovered")


def find_standstills_s(arena: Arena, window: Window) -> dict[str, float]:
    """Of each effect the longest time in which it did not happen to any record of some partition."""
    longest: dict[str, float] = {}
    for partition in arena.log.ends:
        for name, effects in arena.log.list_effects(partition).items():
            longest[name] = max(longest.get(name, 0.0), find_standstill_s(effects, window))
    return longest


def _try(step: Callable[[], None]) -> list[Finding]:
    """Nothing, or what the undisturbed run failed with: all else can still be compared."""
    try:
        step()
    except HolisticError as error:
        return [Finding("analytics = an undisturbed run", "nothing", [error.message])]
    return []


def _begin(arena: Arena, say: Say) -> None:
    say(f"{arena.rate:g} frames/s of {arena.streams} streams, until everybody is calm")
    arena.wait_calm(timeout_s=120.0)
    arena.began_us = now_us()


def _shape(plan: ChaosPlan) -> SuiteShape:
    parquet = json.dumps({"rotate.interval.ms": round(ROTATE_S * 1000)})
    return SuiteShape(performers=plan.streams, settings={"HOLISTIC_ARCHIVE_PARQUET_CONFIG": parquet})


_NEVER_S: Final = float("inf")
