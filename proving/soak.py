"""An hour of the whole suite at half its pace: does memory stay flat, does everybody keep up, is nothing lost."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from consumers.avatar.settings import CONNECTOR_NAME as AVATAR
from local_stack.plan import KAFKA
from proving.headline import Say, warm_up
from proving.meter import Usage, metering
from proving.report import DATAGRAM, EVENT, FILE, ROW, SAVED, Audit, Effect, Moment, describe_machine
from proving.room import check_room
from proving.steps import (
    audit_suite,
    list_captures,
    list_moments,
    match_effects,
    play_step,
    summarise,
)
from proving.suite import Suite, SuiteShape

MOST_GROWTH: Final = 1.10
_SETTLED_SHARE: Final = 0.1
"""Of the time, at its beginning: caches fill, the broker's heap finds its size."""
_ENDS_SHARE: Final = 0.2
"""Of what is left: the first, the middle and the last part are compared."""
_MINUTE_S: Final = 60
_MINUTE_US: Final = _MINUTE_S * 1_000_000
_SETTLE_LATE: Final = frozenset({KAFKA})
"""Java lets a heap grow towards the limit it was given before it cleans all of it, so that what counts of an hour
is its second half."""


@dataclass(frozen=True, slots=True)
class MemoryCourse:
    """A part's memory in MB: what was usual in the first, the middle and the last fifth after it settled, the most, and
    what was usual in every minute."""

    first_mb: float
    middle_mb: float
    last_mb: float
    most_mb: float
    minutes_mb: tuple[float, ...]

    @property
    def growth(self) -> float:
        """Last over first."""
        return self.last_mb / self.first_mb


@dataclass(frozen=True, slots=True)
class Soak:
    """What came of it."""

    machine: Mapping[str, Any]
    rate: float
    achieved_rate: float
    seconds: float
    frames: int
    effects: Mapping[str, Effect]
    cores: Mapping[str, float]
    memory: Mapping[str, MemoryCourse]
    course: list[Moment]
    audit: Audit

    @property
    def grown(self) -> tuple[str, ...]:
        """The parts whose memory is not flat."""
        return list_grown(self.memory)

    @property
    def behind(self) -> tuple[str, ...]:
        """The effects that some frames wait for still, or more waited for at the end than three seconds bring (files:
        fifteen)."""
        return tuple(
            name
            for name, effect in self.effects.items()
            if effect.never or effect.lag_last > self.rate * (15 if name == FILE else 3)
        )

    @property
    def good(self) -> bool:
        """Flat, with nobody behind, and whole."""
        return bool(self.memory) and not self.grown and not self.behind and self.audit.clean

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"grown": self.grown, "behind": self.behind, "good": self.good}


def run_soak(rate: float, streams: int, seconds: float, home: Path, say: Say) -> Soak:
    """Play one load for so long, then read. Raises what Suite does, NoRoom, LoadFailed and StillBehind."""
    check_room(home, rate * seconds)
    say("starting Kafka, Postgres, archive, analytics and avatar")
    shape = SuiteShape(performers=streams)
    with Suite(home, shape) as suite, metering(suite.roots) as usage:
        warm_up(suite, streams)
        say(f"{rate:g} frames/s of {streams} streams for {seconds / 60:g} minutes")
        played = play_step(suite, rate, streams, seconds)
        suite.wait_caught_up()
        say("reading what became of every frame")
        effects = match_effects(suite, list_captures(suite, played.from_us))
        within = {name: effect.captured_between(played.from_us, played.to_us) for name, effect in effects.items()}
        spent = usage.between(played.from_us / 1e6, played.to_us / 1e6)
        return Soak(
            machine=describe_machine(),
            rate=rate,
            achieved_rate=float(played.report["achieved_rate"]),
            seconds=(played.to_us - played.from_us) / 1e6,
            frames=int(played.report["frames"]),
            effects={
                name: summarise(within[name], within[AVATAR if name == DATAGRAM else name], played)
                for name in (ROW, FILE, SAVED, EVENT, DATAGRAM)
            },
            cores=spent.cores(),
            memory=follow_memory(spent),
            course=list_moments(played.from_us, played.to_us, within, _MINUTE_US),
            audit=audit_suite(suite),
        )


def list_grown(memory: Mapping[str, MemoryCourse]) -> tuple[str, ...]:
    """The parts that grew by more than a tenth: since the first fifth, the broker since the middle one."""
    return tuple(
        part
        for part, course in memory.items()
        if course.last_mb / (course.middle_mb if part in _SETTLE_LATE else course.first_mb) > MOST_GROWTH
    )


def follow_memory(usage: Usage) -> dict[str, MemoryCourse]:
    """Each part's memory, from what was sampled."""
    found = {}
    for part, samples in usage.memory_mb().items():
        table = np.array(samples)
        begin_s, end_s = table[0, 0], table[-1, 0]
        settled_s = begin_s + _SETTLED_SHARE * (end_s - begin_s)
        part_s = _ENDS_SHARE * (end_s - settled_s)
        first = table[(table[:, 0] >= settled_s) & (table[:, 0] <= settled_s + part_s), 1]
        middle = table[np.abs(table[:, 0] - (settled_s + end_s) / 2) <= part_s / 2, 1]
        last = table[table[:, 0] >= end_s - part_s, 1]
        if len(first) and len(middle) and len(last):
            minutes = (table[:, 0] - begin_s) // _MINUTE_S
            found[part] = MemoryCourse(
                float(np.median(first)),
                float(np.median(middle)),
                float(np.median(last)),
                float(table[:, 1].max()),
                tuple(float(np.median(table[minutes == minute, 1])) for minute in np.unique(minutes)),
            )
    return found
