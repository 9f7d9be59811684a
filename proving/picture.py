"""A run drawn: latency, what waits, processors and memory along time."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from proving.meter import Usage
from proving.report import DATAGRAM, EVENT, FILE, ROW, SAVED, Headline, Step

_COLOURS: Final = {
    ROW: "#336791", FILE: "#b5651d", SAVED: "#7b3f98", EVENT: "#c2377e", DATAGRAM: "#2e8b57",
    "archive": "#336791", "analytics": "#7b3f98", "avatar": "#2e8b57", "kafka": "#444444", "postgres": "#6fa8dc",
    "load": "#bbbbbb",
}  # fmt: skip
_SIZE_IN: Final = (11.0, 9.5)
_PARTS: Final = ("archive", "analytics", "avatar", "kafka", "postgres", "load")


def draw_headline(headline: Headline, path: Path) -> None:
    """Write a picture (by the name's ending: png, svg) of the hold, and of the climb. Raises OSError."""
    figure = Figure(figsize=_SIZE_IN, layout="constrained")
    latency, waiting, climb, parts = figure.subplots(4, 1, height_ratios=(3, 2, 3, 2))
    hold = headline.hold
    figure.suptitle(
        f"{hold.achieved_rate:.0f} frames/s of {hold.streams} streams, all consumers at once, on "
        f"{headline.machine['processors']} processors"
    )
    _draw_latency(latency, hold)
    _draw_waiting(waiting, hold)
    _draw_climb(climb, [hold, *headline.climb])
    _draw_parts(parts, headline.parts)
    figure.savefig(path, dpi=110)


def draw_memory(usage: Usage, path: Path) -> None:
    """Write a picture of each part's memory along time. Raises OSError."""
    figure = Figure(figsize=(11.0, 4.0), layout="constrained")
    axes = figure.subplots()
    begin_s = usage.samples[0].at_s if usage.samples else 0.0
    for part, samples in usage.memory_mb().items():
        axes.plot([(at_s - begin_s) / 60 for at_s, _ in samples], [size for _, size in samples], label=part,
                  color=_COLOURS.get(part))  # fmt: skip
    axes.set(xlabel="minutes", ylabel="MB", ylim=(0, None))
    axes.legend(ncols=6, loc="upper left", fontsize="small")
    figure.savefig(path, dpi=110)


def _draw_latency(axes: Axes, step: Step) -> None:
    at_s = [moment.at_s for moment in step.course]
    for name in (ROW, SAVED, EVENT, DATAGRAM):
        for values, style in ((_column(step, "p50_ms", name), "-"), (_column(step, "p99_ms", name), ":")):
            there = [(at, value) for at, value in zip(at_s, values, strict=True) if value is not None]
            axes.plot(
                [at for at, _ in there], [value for _, value in there], style, color=_COLOURS[name], linewidth=1.4,
                label=name if style == "-" else None,
            )  # fmt: skip
    axes.set(ylabel="ms from capture", yscale="log", title="latency by the second: p50, and p99 dotted")
    axes.legend(ncols=4, loc="upper left", fontsize="small")
    axes.grid(visible=True, alpha=0.3)


def _draw_waiting(axes: Axes, step: Step) -> None:
    at_s = [moment.at_s for moment in step.course]
    for name in (ROW, SAVED, DATAGRAM):
        axes.plot(at_s, [moment.waiting[name] for moment in step.course], color=_COLOURS[name], label=name)
    axes.set(xlabel="s", ylabel="frames", ylim=(0, None), title="what waits: captured, without the effect yet")
    axes.legend(ncols=3, loc="upper left", fontsize="small")
    axes.grid(visible=True, alpha=0.3)


def _draw_climb(axes: Axes, steps: Sequence[Step]) -> None:
    for name in (ROW, SAVED, EVENT, DATAGRAM):
        measured = [(step.achieved_rate, step.effects[name].p99_ms) for step in steps]
        there = [(rate, p99_ms) for rate, p99_ms in measured if p99_ms is not None]
        axes.plot([rate for rate, _ in there], [p99_ms for _, p99_ms in there], "o-", color=_COLOURS[name], label=name)
    for step in steps:
        if not step.held:
            axes.axvline(step.achieved_rate, color="#cc0000", linestyle="--", linewidth=1)
    axes.set(xlabel="frames/s", ylabel="p99 in ms", yscale="log", title="the climb; dashed: somebody fell behind")
    axes.legend(ncols=4, loc="upper left", fontsize="small")
    axes.grid(visible=True, alpha=0.3)


def _draw_parts(axes: Axes, parts: Mapping[str, Mapping[str, float]]) -> None:
    for row, part in enumerate(name for name in _PARTS if name in parts):
        left = 0.0
        for number, (stage, cores) in enumerate(sorted(parts[part].items(), key=lambda item: -item[1])):
            axes.barh(
                row, cores, left=left, color=_COLOURS[part], alpha=max(0.25, 1 - 0.17 * number), edgecolor="white"
            )
            if cores > 0.012:
                axes.text(left + cores / 2, row, stage, ha="center", va="center", fontsize="x-small", color="black")
            left += cores
    axes.set(xlabel="processors", title="where the time goes at the held rate")
    axes.set_yticks(range(len(parts)), [name for name in _PARTS if name in parts])
    axes.invert_yaxis()


def _column(step: Step, figure: str, name: str) -> list[Any]:
    return [getattr(moment, figure)[name] for moment in step.course]
