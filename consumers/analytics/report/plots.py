"""What is drawn: all that was found, along time; and how active the person was, above how much of it was seen."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NamedTuple

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from consumers.analytics.report.figures import Mark, StreamReport, TimelineRow, add_time
from consumers.analytics.report.svg import (
    BODY,
    COLOURS_OF_CATEGORIES,
    COVERED,
    GRID,
    INK,
    MUTED,
    settings,
    write_svg,
)
from consumers.analytics.report.time_scale import TimeScale
from consumers.analytics.report.wording import write_count, write_moment, write_number, write_words

_FORMS: Final = {"shape": "s", "movement": "o", "anomaly": "^", "fault": "D", "reaction": "*"}
_HALVES: Final = {"left": (0.0, 0.5), "right": (0.5, 0.5)}
"""Where in its row a hand's marks are, and how high, from above; others fill the row."""
_SHORTEST_BAR: Final = 1 / 150
"""Of the width: what is shorter is drawn as a point."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A figure's measures, in inches."""

    name: str
    width: float
    left: float
    """Room for names beside the rows; 0: they stand above them."""
    row: float
    ticks: int
    most_points: int
    """In a row; more are drawn as strokes."""

    @property
    def has_names_above(self) -> bool:
        return not self.left


WIDE: Final = Layout("wide", 10.4, 1.75, 0.21, 9, most_points=100)
NARROW: Final = Layout("narrow", 4.0, 0.0, 0.34, 3, most_points=40)
LAYOUTS: Final = (WIDE, NARROW)
_EDGE: Final = 0.12
_TOP: Final = 0.08
_BOTTOM: Final = 0.42
_ACTIVITY_HEIGHT: Final = 2.6
_ACTIVITY_PANES: Final = ((0.70, 0.23), (0.44, 0.14), (0.16, 0.14))
"""From where up, and how high, as shares of the figure's height."""
_ROUND: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 1000.0)


def draw_timeline(report: StreamReport, layout: Layout) -> Markup:
    """A row for each kind: bars for what lasted, points for what took a moment. The upper half is the left hand's."""
    scale = TimeScale(report.stretches)
    rows = report.timeline
    with settings():
        height = _TOP + _BOTTOM + layout.row * max(1, len(rows))
        figure = Figure(figsize=(layout.width, height))
        axes = _add_axes(figure, layout, _BOTTOM / height, 1 - (_TOP + _BOTTOM) / height)
        axes.set_ylim(max(1, len(rows)), 0)
        axes.set_yticks([])
        for number, row in enumerate(rows):
            _draw_row(axes, scale, number, row, layout)
        _mark_time(axes, scale, layout)
        return write_svg(
            figure,
            name=f"timeline-{layout.name}",
            title="What was found, along time",
            description=_describe_timeline(report),
        )


def draw_activity(report: StreamReport, layout: Layout) -> Markup:
    """Mean and greatest speed of the joints in each minute; beneath it how much of it was seen."""
    scale = TimeScale(report.stretches)
    with settings():
        figure = Figure(figsize=(layout.width, _ACTIVITY_HEIGHT))
        means, peaks, seen = (_add_axes(figure, layout, bottom, height) for bottom, height in _ACTIVITY_PANES)
        gap = scale.length / 1200
        for some in report.activity:
            start = scale.position(some.begins_at)
            end = scale.position(add_time(some.begins_at, timedelta(minutes=report.activity_minutes)))
            bar = [(start + gap / 2, max(end - start - gap, gap / 2))]
            if some.activity_mean is not None:
                means.broken_barh(bar, (0, some.activity_mean), facecolor=BODY, linewidth=0)
            if some.activity_peak is not None:
                peaks.broken_barh(bar, (0, some.activity_peak), facecolor=BODY, linewidth=0)
            seen.broken_barh(bar, (0, some.covered_percent), facecolor=COVERED, linewidth=0)
            if some.body_valid_percent is not None:
                valid = some.body_valid_percent * some.covered_percent / 100
                seen.broken_barh(bar, (0, valid), facecolor=BODY, linewidth=0)
        means.set_ylim(0, _find_greatest(some.activity_mean for some in report.activity))
        peaks.set_ylim(0, _find_greatest(some.activity_peak for some in report.activity))
        seen.set_ylim(0, 100)
        for axes, label in ((means, "mean speed"), (peaks, "greatest speed"), (seen, "% seen")):
            axes.set_yticks(axes.get_ylim(), [f"{limit:g}" for limit in axes.get_ylim()])
            _label_values(axes, layout, label)
            _mark_time(axes, scale, layout, has_labels=axes is seen)
        return write_svg(
            figure,
            name=f"activity-{layout.name}",
            title="Activity, and how much was seen",
            description=_describe_activity(report),
        )


def _find_greatest(values: Iterable[float | None]) -> float:
    """A round number above all of them."""
    greatest = max((value for value in values if value is not None), default=1.0)
    return next(step for step in _ROUND if step > greatest or step == _ROUND[-1])


def _add_axes(figure: Figure, layout: Layout, bottom: float, height: float) -> Axes:
    left = max(layout.left, _EDGE)
    axes: Axes = figure.add_axes((left / layout.width, bottom, 1 - (left + 3 * _EDGE) / layout.width, height))
    axes.set_facecolor("none")
    for spine in axes.spines.values():
        spine.set_visible(False)
    return axes


def _draw_row(axes: Axes, scale: TimeScale, number: int, row: TimelineRow, layout: Layout) -> None:
    name = write_words(row.kind)
    top, height = number + 0.14, 0.72
    if layout.has_names_above:
        axes.text(
            0, number + 0.30, name, ha="left", va="center", fontsize=8, color=INK, parse_math=False,
        )  # fmt: skip
        top, height = number + 0.52, 0.40
    else:
        axes.text(
            -0.012, number + 0.5, name, ha="right", va="center", fontsize=8, color=INK, parse_math=False,
            transform=axes.get_yaxis_transform(),
        )  # fmt: skip
    axes.hlines(number + 1, 0, scale.length, color=GRID, linewidth=0.5)
    for hand, marks in _by_hand(row.marks):
        begin, share = _HALVES.get(hand, (0.0, 1.0))
        lane = _Lane(top + begin * height, share * height * 0.94, row.category, layout.most_points)
        _draw_marks(axes, scale, marks, lane)


class _Lane(NamedTuple):
    """Where marks are drawn, from the top down in rows, and as what."""

    top: float
    height: float
    category: str
    most_points: int

    @property
    def colour(self) -> str:
        return COLOURS_OF_CATEGORIES.get(self.category, INK)

    @property
    def middle(self) -> float:
        return self.top + self.height / 2


def _draw_marks(axes: Axes, scale: TimeScale, marks: Sequence[Mark], lane: _Lane) -> None:
    colour, place = lane.colour, (lane.top, lane.height)
    shortest = scale.length * _SHORTEST_BAR
    bars, points = [], []
    for mark in marks:
        start = scale.position(mark.started_at)
        if mark.ended_at is None:
            bar = [(start, max(scale.length - start, shortest))]
            axes.broken_barh(bar, place, facecolor=colour, alpha=0.35, edgecolor=colour, linestyle="--")
            axes.plot([scale.length], [lane.middle], ">", markersize=5, color=colour, clip_on=False)
            continue
        end = scale.position(mark.ended_at)
        if end - start >= shortest:
            bars.append((start, end - start))
        else:
            points.append((start + end) / 2)
    if bars:
        if lane.category == "fault":
            # They are about the picture, and not about the person.
            axes.broken_barh(bars, place, facecolor="none", edgecolor=colour, linewidth=0.6, hatch="////")
        else:
            axes.broken_barh(bars, place, facecolor=colour, linewidth=0)
    if len(points) > lane.most_points:
        # One path of strokes: where they are many they are told apart better, and the page stays small.
        nowhere = float("nan")
        along = [position for point in points for position in (point, point, nowhere)]
        across = [lane.top, lane.top + lane.height, nowhere] * len(points)
        axes.plot(along, across, linewidth=0.7, color=colour)
    elif points:
        form = _FORMS.get(lane.category, "o")
        axes.plot(points, [lane.middle] * len(points), form, markersize=4, markeredgewidth=0, color=colour)


def _by_hand(marks: Iterable[Mark]) -> Iterable[tuple[str, list[Mark]]]:
    hands: dict[str, list[Mark]] = {}
    for mark in marks:
        hands.setdefault(mark.subject if mark.subject in _HALVES else "", []).append(mark)
    return hands.items()


def _mark_time(axes: Axes, scale: TimeScale, layout: Layout, *, has_labels: bool = True) -> None:
    ticks = scale.ticks(layout.ticks)
    axes.set_xlim(0, scale.length)
    axes.set_xticks([tick.position for tick in ticks], [tick.label if has_labels else "" for tick in ticks])
    axes.tick_params(axis="x", length=3 if has_labels else 0, color=MUTED, labelcolor=MUTED, labelsize=7.5)
    for label in axes.get_xticklabels():
        label.set_horizontalalignment("left" if label.get_position()[0] <= 0 else "center")
    axes.vlines(
        [tick.position for tick in ticks], 0, 1, color=GRID, linewidth=0.5, zorder=0,
        transform=axes.get_xaxis_transform(),
    )  # fmt: skip
    # A pause that is cut out.
    axes.vlines(scale.cuts, 0, 1, color=MUTED, linewidth=1, linestyle=(0, (1, 2)), transform=axes.get_xaxis_transform())


def _label_values(axes: Axes, layout: Layout, label: str) -> None:
    axes.tick_params(axis="y", length=0, colors=MUTED, labelsize=7)
    if layout.has_names_above:
        axes.yaxis.tick_right()
        axes.tick_params(axis="y", length=0)
        axes.set_title(label, loc="left", fontsize=8, color=INK, pad=3)
    else:
        axes.text(
            -0.04, 0.5, label, ha="right", va="center", fontsize=8, color=INK, transform=axes.transAxes
        )  # fmt: skip
    axes.hlines(0, 0, 1, color=GRID, linewidth=0.8, transform=axes.get_yaxis_transform())


def _describe_timeline(report: StreamReport) -> str:
    counts: dict[str, int] = {}
    for total in report.totals:
        counts[total.kind] = counts.get(total.kind, 0) + total.count
    found = ", ".join(f"{write_words(kind)} {write_count(count)}" for kind, count in counts.items()) or "nothing"
    return (
        f"From {write_moment(report.begins_at)} to {write_moment(report.ends_at)} UTC: {found}. "
        "The tables on this page say the same."
    )


def _describe_activity(report: StreamReport) -> str:
    known = [some for some in report.activity if some.activity_mean is not None]
    if not known:
        return "How active the person was is not known: no body was seen."
    most = max(known, key=lambda some: some.activity_mean or 0.0)
    return (
        f"Most active from {write_moment(most.begins_at)} UTC on, with {write_number(most.activity_mean, 2)} body "
        "scales a second. The table below the figure has all of it."
    )
