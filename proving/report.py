"""What was measured, as plain values: for people, for machines, and to compare one run with another."""

import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import psutil


@dataclass(frozen=True, slots=True)
class Goal:
    """What is promised of an effect at the headline's rate, in milliseconds from capture."""

    mean_ms: float
    p99_ms: float


ROW, FILE, SAVED, EVENT, DATAGRAM = "Postgres row", "Parquet file", "analytics saved", "event", "avatar datagram"
"""The effects: a row committed, a file in the manifest, results and state committed, an event on its topic, a datagram
sent."""

GOALS: Final = {ROW: Goal(120, 400), EVENT: Goal(120, 400), DATAGRAM: Goal(120, 40)}
LEAST_CEILING: Final = 1_200.0
_LEAST_OF_RATE: Final = 0.999
"""A load of so many frames gets nearly all of them out in its time."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect of a step's frames: how many have it, how fast, how long from capture, and how many waited for it.

    Latencies are None where nothing had the effect. `lag_first` and `lag_last` are records that waited, on average in
    the first and in the last third, `lag_most` the most in the last, `never` those that still wait.
    """

    count: int
    share: float
    per_s: float
    mean_ms: float | None
    p50_ms: float | None
    p99_ms: float | None
    worst_ms: float | None
    lag_first: float
    lag_last: float
    lag_most: int
    never: int


@dataclass(frozen=True, slots=True)
class Moment:
    """A second of a step, or a minute of an hour, counted from its begin: of the frames captured in it, and how many
    waited at its end."""

    at_s: float
    p50_ms: Mapping[str, float | None]
    p99_ms: Mapping[str, float | None]
    waiting: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Step:
    """A rate that was put on for a while, and what came of it. `behind` names who did not keep up."""

    asked_rate: float
    achieved_rate: float
    streams: int
    seconds: float
    frames: int
    late: int
    """Frames that left more than 20 ms after their time: the load's own delay, which latency includes."""
    effects: Mapping[str, Effect]
    cores: Mapping[str, float]
    memory_mb: Mapping[str, float]
    """The most of each part."""
    behind: tuple[str, ...]
    course: list[Moment]

    @property
    def held(self) -> bool:
        """Whether everybody kept up."""
        return not self.behind


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The highest rate up to which all were held, the first that was not, who fell behind there, and what was used up.
    None: not met. `cut_short`: why the step of that rate could not be measured to its end."""

    held_rate: float | None
    broke_at: float | None
    behind: tuple[str, ...]
    limit: str
    cut_short: str = ""


@dataclass(frozen=True, slots=True)
class Audit:
    """Records on the topic; missing and doubled ones of both stores; results of which no event is on its topic."""

    records: int
    missing: int
    doubled: int
    clean: bool
    untold: int = 0


@dataclass(frozen=True, slots=True)
class Headline:
    """All of a run. `parts` is cores by part and stage at the held rate."""

    machine: Mapping[str, Any]
    partitions: int
    replicas: int
    hold: Step
    parts: Mapping[str, Mapping[str, float]]
    climb: list[Step]
    ceiling: Ceiling
    audit: Audit

    @property
    def good(self) -> bool:
        """Whether the rate was held, and every record is there once."""
        return self.hold.held and self.audit.clean

    @property
    def shortfalls(self) -> list[str]:
        """What falls short of what is promised: mean and p99 of each effect at the held rate, and the ceiling."""
        found = []
        for name, effect in self.hold.effects.items():
            goal = GOALS.get(name)
            if goal is None:
                continue
            for what, measured_ms, most_ms in (
                ("mean", effect.mean_ms, goal.mean_ms),
                ("p99", effect.p99_ms, goal.p99_ms),
            ):
                if measured_ms is None or measured_ms >= most_ms:
                    found.append(f"{name}: {what} {_say_ms(measured_ms)}, promised below {most_ms:g} ms")
        if (self.climb or self.ceiling.cut_short) and (self.ceiling.held_rate or 0.0) < _LEAST_OF_RATE * LEAST_CEILING:
            found.append(f"a ceiling of {self.ceiling.held_rate or 0:.0f} frames/s, promised {LEAST_CEILING:g}")
        return found

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"good": self.good, "shortfalls": self.shortfalls}


def _say_ms(value: float | None) -> str:
    return "not once" if value is None else f"{value:.1f} ms"


def describe_machine() -> dict[str, Any]:
    """What figures depend on."""
    return {
        "processors": psutil.cpu_count(),
        "processor": _read_processor(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "suite": version("holistic-stream"),
    }


def _read_processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor()
