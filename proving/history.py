"""Runs kept as JSON, and two of them compared as ratios."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from keypoints.errors import Terminal

_WHAT_RUNS_ARE: Final = "name a file that `holistic bench --keep` has written"


class NoRun(Terminal):
    """A file is no run that was kept. Fields: path."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """A figure of two runs, and the second over the first; None where there is no such thing."""

    figure: str
    before: float
    after: float

    @property
    def ratio(self) -> float | None:
        """After over before."""
        return self.after / self.before if self.before else None


def keep_run(run: Mapping[str, Any], directory: Path, kind: str, at: datetime) -> Path:
    """Write a run into the directory of runs, named by kind and time. Raises OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{kind}-{at:%Y%m%dT%H%M%S}.json"
    path.write_text(json.dumps({"kind": kind, "at": at.isoformat(timespec="seconds"), **run}, indent=1) + "\n")
    return path


def read_run(path: Path) -> dict[str, Any]:
    """A run that was kept. Raises NoRun."""
    try:
        run = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise NoRun(f"{path} cannot be read: {error}", hint=_WHAT_RUNS_ARE, path=str(path)) from None
    if not isinstance(run, dict) or "kind" not in run:
        raise NoRun(f"{path} is no run of a bench", hint=_WHAT_RUNS_ARE, path=str(path))
    return run


def compare_runs(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Ratio]:
    """Every figure that both have, in the order of the first. Courses and the machine are left out.

    Raises NoRun for runs of different benches.
    """
    if before.get("kind") != after.get("kind"):
        raise NoRun(
            f"one is a run of {before.get('kind')}, the other of {after.get('kind')}", hint=_WHAT_RUNS_ARE, path=""
        )
    figures, others = dict(_list_figures(before)), dict(_list_figures(after))
    return [Ratio(name, value, others[name]) for name, value in figures.items() if name in others]


def _list_figures(run: Mapping[str, Any], prefix: str = "") -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = []
    for name, value in run.items():
        if name in {"course", "machine"} or isinstance(value, bool):
            continue
        if isinstance(value, int | float):
            found.append((f"{prefix}{name}", float(value)))
        elif isinstance(value, Mapping):
            found += _list_figures(value, f"{prefix}{name} · ")
        elif isinstance(value, list):
            for each in value:
                if isinstance(each, Mapping) and (told_apart := _tell_apart(each)):
                    found += _list_figures(each, f"{prefix}{name} {told_apart} · ")
    return found


def _tell_apart(row: Mapping[str, Any]) -> str:
    """What a row of a list is called: a trial by its name, a step by its rate; empty for others."""
    if "name" in row:
        return str(row["name"])
    return f"{row['asked_rate']:g}" if "asked_rate" in row else ""
