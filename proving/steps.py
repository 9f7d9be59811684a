"""One rate for one while: played, and read from what everybody noted."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from consumers.analytics.settings import CONNECTOR_NAME as ANALYTICS
from consumers.archive.audit import audit_archive
from consumers.archive.settings import PARQUET_CONNECTOR, POSTGRES_CONNECTOR
from consumers.archive.sql import ask_postgres
from consumers.avatar.settings import CONNECTOR_NAME as AVATAR
from proving.effects import (
    NEVER_US,
    Captures,
    Effects,
    match_durable,
    read_captures,
    read_durable,
    read_events,
    read_sent,
    read_told,
)
from proving.meter import Usage
from proving.report import DATAGRAM, EVENT, FILE, ROW, SAVED, Audit, Effect, Moment, Step
from proving.suite import Suite

_BEHIND_S: Final = {ROW: 1.0, FILE: 13.0, SAVED: 1.0, DATAGRAM: 1.0}
"""Whoever has more before it than comes in this time has fallen behind; files are finished every 10 s."""
_GROWTH_S: Final = {ROW: 0.25, SAVED: 0.25, DATAGRAM: 0.25}
"""Nor may more wait in the last third than in the first, but for so much. Of files, whose waiting is a sawtooth of
10 s, the thirds of a short step say where in it they lie, and no more: their peak is what counts."""
_MARGIN_S: Final = 1.0
_OUTBOX_S: Final = 20.0
_LEAST_OF_RATE: Final = 0.99
_LEAST_SHOWN: Final = 0.95
_CAPTURES_SQL: Final = (
    'SELECT "partition", "offset", (extract(epoch FROM captured_at) * 1000000)::bigint FROM frames '
    "WHERE captured_at >= to_timestamp({from_s})"
)


@dataclass(frozen=True, slots=True)
class Played:
    """A load that was put on: its report, and when it ran, in microseconds since 1970."""

    report: Mapping[str, Any]
    from_us: int
    to_us: int


def play_step(suite: Suite, rate: float, streams: int, seconds: float) -> Played:
    """Put the load on, until its last frame is acknowledged. Raises LoadFailed."""
    report = suite.load(rate, streams, seconds)
    from_us = int(report["epoch"])
    return Played(report, from_us, from_us + round(float(report["seconds"]) * 1e6))


def measure_steps(suite: Suite, usage: Usage, steps: Sequence[Played]) -> list[Step]:
    """What became of the frames of steps that are over and done with, those first that were first."""
    captures = list_captures(suite, min(step.from_us for step in steps))
    effects = match_effects(suite, captures)
    return [_measure(step, effects, usage) for step in steps]


def list_captures(suite: Suite, from_us: int = 0) -> Captures:
    """The topic's records captured from then on, as Postgres holds them: audit says whether it holds all."""
    with ask_postgres(suite.endpoints.database_url, _CAPTURES_SQL.format(from_s=from_us / 1e6)) as answer:
        return read_captures((int(row[0]), int(row[1]), int(row[2])) for row in answer.rows)


def match_effects(suite: Suite, captures: Captures) -> dict[str, Effects]:
    """Every effect of these records, and what was shown: by name, DATAGRAM for shown frames, AVATAR for taken ones."""
    durable = read_durable(suite.durable_log, suite.topic)
    nothing = np.empty((0, 3), dtype=np.int64)
    connectors = {ROW: POSTGRES_CONNECTOR, FILE: PARQUET_CONNECTOR, SAVED: ANALYTICS, AVATAR: AVATAR}
    found = {name: match_durable(captures, durable.get(connector, nothing)) for name, connector in connectors.items()}
    found[EVENT] = read_events(suite.kafka, suite.events_topic, captures)
    found[DATAGRAM] = read_sent(suite.sent_log)
    return found


def audit_suite(suite: Suite) -> Audit:
    """Topic, Postgres and Parquet against each other, record by record; and every result against its events."""
    audited = audit_archive(
        suite.kafka, suite.topic, database_url=suite.endpoints.database_url, archive_root=str(suite.archive_dir)
    )
    untold = _count_untold(suite)
    stores = [store for partition in audited.partitions for store in partition.stores]
    return Audit(
        records=sum(partition.end_offset - partition.start_offset for partition in audited.partitions),
        missing=sum(store.missing for store in stores),
        doubled=sum(store.duplicates for store in stores),
        clean=audited.clean and not untold,
        untold=untold,
    )


def _count_untold(suite: Suite) -> int:
    """Results no event tells of, also some time after all is saved: an outbox is emptied after the save."""
    deadline_s = time.monotonic() + _OUTBOX_S
    while True:
        with ask_postgres(suite.endpoints.database_url, "SELECT result_id::text FROM analytics.results") as answer:
            known = {str(row[0]) for row in answer.rows}
        untold = known - read_told(suite.kafka, suite.events_topic)
        if not untold or time.monotonic() > deadline_s:
            return len(untold)
        time.sleep(1.0)


def _measure(step: Played, effects: Mapping[str, Effects], usage: Usage) -> Step:
    seconds = (step.to_us - step.from_us) / 1e6
    rate = float(step.report["asked_rate"])
    measured, behind = {}, []
    for name in (ROW, FILE, SAVED, EVENT, DATAGRAM):
        # Datagrams are of the newest frame alone: who is behind shows in what the avatar has taken.
        lag = effects[AVATAR if name == DATAGRAM else name].captured_between(step.from_us, step.to_us)
        measured[name] = summarise(effects[name].captured_between(step.from_us, step.to_us), lag, step)
        if name in _BEHIND_S and _is_behind(measured[name], rate, name):
            behind.append(name)
        elif name == DATAGRAM and measured[name].share < _LEAST_SHOWN:
            # Who shows ever fewer frames is never late with them.
            behind.append(name)
    steady = usage.between(step.from_us / 1e6 + _MARGIN_S, step.to_us / 1e6 - _MARGIN_S)
    achieved = float(step.report["achieved_rate"])
    return Step(
        asked_rate=rate,
        achieved_rate=achieved,
        streams=int(step.report["streams"]),
        seconds=seconds,
        frames=int(step.report["frames"]),
        late=int(step.report["late"]),
        effects=measured,
        cores=steady.cores(),
        memory_mb={part: max(size for _, size in sizes) for part, sizes in steady.memory_mb().items()},
        behind=tuple(behind if achieved >= _LEAST_OF_RATE * rate else ["the load", *behind]),
        course=list_moments(step.from_us, step.to_us, effects),
    )


def summarise(effect: Effects, lag: Effects, step: Played) -> Effect:
    """In figures. `lag` is of the effect by which it shows who is behind."""
    latency_ms = effect.latency_ms
    there = len(latency_ms)
    # The middle of the first and of the last third: starting and ending are no part of holding.
    span = step.to_us - step.from_us
    thirds = [np.linspace(step.from_us + a * span, step.from_us + b * span, 50).astype(np.int64) for a, b in _THIRDS]
    waiting = [lag.waiting_at(moments) for moments in thirds]
    in_time = (effect.effective_at_us >= step.from_us) & (effect.effective_at_us < step.to_us)
    return Effect(
        count=there,
        share=there / int(step.report["frames"]),
        per_s=float(in_time.sum()) / (span / 1e6),
        mean_ms=float(latency_ms.mean()) if there else None,
        p50_ms=float(np.percentile(latency_ms, 50)) if there else None,
        p99_ms=float(np.percentile(latency_ms, 99)) if there else None,
        worst_ms=float(latency_ms.max()) if there else None,
        lag_first=float(waiting[0].mean()),
        lag_last=float(waiting[1].mean()),
        lag_most=int(waiting[1].max()),
        never=int((lag.effective_at_us >= NEVER_US).sum()),
    )


_THIRDS: Final = ((0.1, 0.4), (0.65, 0.98))


def _is_behind(effect: Effect, rate: float, name: str) -> bool:
    return bool(
        effect.never
        or effect.lag_most > _BEHIND_S[name] * rate
        or (name in _GROWTH_S and effect.lag_last - effect.lag_first > _GROWTH_S[name] * rate)
    )


def list_moments(from_us: int, to_us: int, effects: Mapping[str, Effects], every_us: int = 1_000_000) -> list[Moment]:
    """The course of a while, so many microseconds at a time."""
    begins = np.arange(from_us, to_us, every_us, dtype=np.int64)
    ends = begins + every_us
    waiting = {
        DATAGRAM if name == AVATAR else name: effects[name].waiting_at(ends) for name in (ROW, FILE, SAVED, AVATAR)
    }
    shown = {name: effect.sorted_by_capture() for name, effect in effects.items() if name != AVATAR}
    moments = []
    for number, begin_us in enumerate(begins.tolist()):
        parts = {name: effect.captured_between(begin_us, begin_us + every_us) for name, effect in shown.items()}
        moments.append(
            Moment(
                at_s=(begin_us - from_us) / 1e6,
                p50_ms={name: _percentile(effect, 50) for name, effect in parts.items()},
                p99_ms={name: _percentile(effect, 99) for name, effect in parts.items()},
                waiting={name: int(counts[number]) for name, counts in waiting.items()},
            )
        )
    return moments


def _percentile(effect: Effects, share: float) -> float | None:
    latency_ms = effect.latency_ms
    return float(np.percentile(latency_ms, share)) if len(latency_ms) else None
