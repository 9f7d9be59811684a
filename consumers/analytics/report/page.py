"""The page: figures, plots and words in one file without scripts, that needs nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from consumers.analytics.finding import Category
from consumers.analytics.report import wording
from consumers.analytics.report.figures import Exercise, KindTotal, StreamReport
from consumers.analytics.report.plots import LAYOUTS, draw_activity, draw_timeline

ROWS_SHOWN: Final = 100
"""Of tables that are as long as there are kinds."""
ALARMS_OPEN: Final = 12
"""Alarms that are shown at once; the others are folded up."""
_HERE: Final = Path(__file__).parent
_NAMES: Final = {
    Category.SHAPE.value: "hand shapes",
    Category.MOVEMENT.value: "movements",
    Category.ANOMALY.value: "anomalies",
    Category.FAULT.value: "capture faults",
    Category.REACTION.value: "rules that fired",
}
_NO_COLUMNS: Final = ("repetition", "counted")


@dataclass(frozen=True, slots=True)
class HandShapeRow:
    """One shape, of both hands."""

    kind: str
    left: KindTotal | None
    right: KindTotal | None

    @property
    def count(self) -> int:
        return sum(total.count for total in (self.left, self.right) if total is not None)

    @property
    def going_on(self) -> int:
        return sum(total.going_on for total in (self.left, self.right) if total is not None)

    @property
    def confidence(self) -> float:
        """On average of all."""
        both = [total for total in (self.left, self.right) if total is not None]
        return sum(total.confidence * total.count for total in both) / self.count


@dataclass(frozen=True, slots=True)
class Columns:
    """The evidence of repetitions that has a column."""

    names: list[str]

    @property
    def headings(self) -> list[str]:
        """With a mark at those of numbers."""
        return [f"{wording.name_column(name)}#" for name in self.names]


def write_page(report: StreamReport) -> str:
    """The page as HTML; the same for the same figures, to the last byte."""
    is_one_day = report.begins_at.date() == report.ends_at.date()
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        words=wording.write_words,
        count=wording.write_count,
        number=wording.write_number,
        percent=wording.write_percent,
        share=wording.write_share,
        duration=wording.write_duration,
        moment=wording.write_moment,
        when=wording.write_clock if is_one_day else wording.write_moment,
        evidence=wording.write_evidence,
        column=wording.name_column,
        cell=wording.write_cell,
    )
    return environment.get_template("page.html.j2").render(
        report=report,
        # Our own file: nothing in it is anybody else's text.
        style=Markup((_HERE / "page.css").read_text(encoding="utf-8")),  # noqa: S704
        categories=_NAMES,
        seconds_seen=sum(stretch.seconds for stretch in report.stretches),
        timelines=[draw_timeline(report, layout) for layout in LAYOUTS],
        activities=[draw_activity(report, layout) for layout in LAYOUTS],
        has_going_on=any(total.going_on for total in report.totals),
        alarms_of_person=[row for row in report.alarms if row.category == Category.ANOMALY],
        alarms_of_capture=[row for row in report.alarms if row.category == Category.FAULT],
        shapes=pair_hands(report.totals_of(Category.SHAPE)),
        columns_of=choose_columns,
        rows_shown=ROWS_SHOWN,
        alarms_open=ALARMS_OPEN,
    )


def pair_hands(totals: Sequence[KindTotal]) -> list[HandShapeRow]:
    """A row for each shape, the most frequent first."""
    by_kind: dict[str, dict[str, KindTotal]] = {}
    for total in totals:
        by_kind.setdefault(total.kind, {})[total.subject] = total
    rows = [HandShapeRow(kind, hands.get("left"), hands.get("right")) for kind, hands in by_kind.items()]
    return sorted((row for row in rows if row.count), key=lambda row: (-row.count, row.kind))


def choose_columns(exercise: Exercise) -> Columns:
    """The numbers that some repetition has, in the order they are given."""
    names = {
        name: None
        for row in exercise.repetitions
        for name, value in row.evidence.items()
        if name not in _NO_COLUMNS and isinstance(value, int | float) and not isinstance(value, bool)
    }
    return Columns(list(names))
