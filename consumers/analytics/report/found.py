"""What was found in a stream: totals, repetitions, alarms, and where all of it lies in time."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, case, func, select, true

from consumers.analytics.finding import Category, Severity
from consumers.analytics.report.chosen import Chosen, add_up
from consumers.analytics.report.figures import Exercise, FindingRow, KindTotal, Mark, Rules, Source, TimelineRow
from consumers.analytics.tables import results

ROWS_READ: Final = 200
"""Of the repetitions of an exercise, of anomalies, and of faults; how many there are in all is counted."""
KINDS_DRAWN: Final = 40
_HALF: Final = "half_"

_CATEGORIES: Final = case(
    {category.value: number for number, category in enumerate(Category)}, value=results.c.category, else_=9
)
_SEVERITIES: Final = case(
    {severity.value: number for number, severity in enumerate(reversed(Severity))}, value=results.c.severity, else_=9
)
_ALARMS: Final = results.c.category.in_([Category.ANOMALY.value, Category.FAULT.value])
_DURATION_S: Final = func.extract("epoch", results.c.ended_at - results.c.started_at)


def read_totals(connection: Connection, chosen: Chosen) -> tuple[KindTotal, ...]:
    """How many of each kind and part, the most frequent first within a category."""
    c = results.c
    rows = connection.execute(
        select(
            c.category,
            c.kind,
            c.subject,
            func.count().label("findings"),
            func.count().filter(c.ended_at.is_(None)).label("going_on"),
            add_up(_DURATION_S).label("seconds"),
            (add_up(c.confidence) / func.count()).label("confidence"),
            func.min(c.started_at).label("first_at"),
            func.max(func.coalesce(c.ended_at, c.started_at)).label("last_at"),
        )
        .where(chosen.findings())
        .group_by(c.category, c.kind, c.subject)
        .order_by(_CATEGORIES, func.count().desc(), c.kind, c.subject)
    )
    return tuple(
        KindTotal(
            category=row.category,
            kind=row.kind,
            subject=row.subject,
            count=row.findings,
            going_on=row.going_on,
            seconds=row.seconds,
            confidence=row.confidence,
            first_at=row.first_at,
            last_at=row.last_at,
        )
        for row in rows
    )


def read_exercises(connection: Connection, chosen: Chosen) -> tuple[Exercise, ...]:
    """Counted repetitions and half ones, with what was noted of them, by exercise and part of the body."""
    is_repetition = (results.c.category == Category.MOVEMENT.value) & results.c.evidence.has_key("counted")
    exercise = func.regexp_replace(results.c.kind, f"^{_HALF}", "").label("exercise")
    subject = results.c.subject
    number = func.row_number().over(
        partition_by=(exercise, subject), order_by=(results.c.started_at, results.c.result_id)
    )
    numbered = select(*results.c, exercise, number.label("number")).where(chosen.findings(), is_repetition).subquery()
    rows = connection.execute(
        select(numbered)
        .where(numbered.c.number <= ROWS_READ)
        .order_by(numbered.c.exercise, numbered.c.subject, numbered.c.number)
    ).all()
    is_half = results.c.kind.startswith(_HALF, autoescape=True)
    counts = {
        (row.exercise, row.subject): (row.counted, row.half)
        for row in connection.execute(
            select(
                exercise,
                subject,
                func.count().filter(~is_half).label("counted"),
                func.count().filter(is_half).label("half"),
            )
            .where(chosen.findings(), is_repetition)
            .group_by(exercise, subject)
        )
    }
    noted = _read_notes(connection, chosen.findings() & is_repetition, exercise)
    return tuple(
        Exercise(
            kind=key[0],
            subject=key[1],
            counted=counts[key][0],
            half=counts[key][1],
            noted=noted.get(key, {}),
            repetitions=tuple(_finding(row) for row in of_exercise),
        )
        for key, of_exercise in groupby(rows, key=lambda row: (row.exercise, row.subject))
    )


def _read_notes(
    connection: Connection, meant: ColumnElement[bool], exercise: ColumnElement[str]
) -> dict[tuple[str, str], dict[str, int]]:
    entry = func.jsonb_each_text(results.c.evidence).table_valued("key", "value").lateral("entry")
    note = entry.c.key
    rows = connection.execute(
        select(exercise, results.c.subject, note.label("note"), func.count().label("findings"))
        .select_from(results.join(entry, true()))
        .where(meant, note != "counted", entry.c.value == "true")
        .group_by(exercise, results.c.subject, note)
        .order_by(func.count().desc(), note)
    )
    noted: dict[tuple[str, str], dict[str, int]] = {}
    for row in rows:
        noted.setdefault((row.exercise, row.subject), {})[row.note] = row.findings
    return noted


def read_alarms(connection: Connection, chosen: Chosen) -> tuple[FindingRow, ...]:
    """Anomalies, then faults, the most severe of each first; of very many those."""
    c = results.c
    severest = (_SEVERITIES, c.started_at, c.kind, c.subject, c.result_id)
    number = func.row_number().over(partition_by=c.category, order_by=severest)
    numbered = select(*c, number.label("number")).where(chosen.findings(), _ALARMS).subquery()
    rows = connection.execute(
        select(numbered).where(numbered.c.number <= ROWS_READ).order_by(numbered.c.category, numbered.c.number)
    )
    return tuple(map(_finding, rows))


def read_timeline(connection: Connection, chosen: Chosen, apart_s: float) -> tuple[tuple[TimelineRow, ...], int]:
    """The marks of each kind, and how many kinds were left out.

    What begins within `apart_s` of another is one mark with it, so that there are no more marks than can be told apart,
    however many findings there are.
    """
    c = results.c
    found = connection.execution_options(yield_per=2_000).execute(
        select(c.category, c.kind, c.subject, c.started_at, c.ended_at)
        .where(chosen.findings())
        .order_by(_CATEGORIES, c.kind, c.subject, c.started_at, c.ended_at.nulls_last())
    )
    drawn: list[TimelineRow] = []
    left_out = 0
    apart = timedelta(seconds=apart_s)
    for (category, kind), of_kind in groupby(found, key=lambda row: (row.category, row.kind)):
        if len(drawn) < KINDS_DRAWN:
            drawn.append(TimelineRow(category=category, kind=kind, marks=tuple(_merge(of_kind, apart))))
        else:
            left_out += 1
    return tuple(drawn), left_out


def _merge(rows: Iterable[Any], apart: timedelta) -> Iterable[Mark]:
    open_mark: Mark | None = None
    for _, _, subject, started_at, ended_at in rows:
        if open_mark is not None and _is_near(open_mark, subject, started_at, ended_at, apart):
            ends = [end for end in (open_mark.ended_at, ended_at) if end is not None]
            open_mark = Mark(
                subject=subject,
                started_at=open_mark.started_at,
                ended_at=max(ends),
                findings=open_mark.findings + 1,
            )
            continue
        if open_mark is not None:
            yield open_mark
        open_mark = Mark(subject=subject, started_at=started_at, ended_at=ended_at, findings=1)
    if open_mark is not None:
        yield open_mark


def _is_near(mark: Mark, subject: str, started_at: datetime, ended_at: datetime | None, apart: timedelta) -> bool:
    # What goes on is drawn otherwise, and is a mark of its own.
    return (
        mark.subject == subject
        and mark.ended_at is not None
        and ended_at is not None
        and started_at - mark.started_at < apart
    )


def read_rules(connection: Connection, chosen: Chosen) -> tuple[Rules, ...]:
    """By which rules it was found."""
    c = results.c
    rows = connection.execute(
        select(c.rules_version, func.count().label("findings"))
        .where(chosen.findings())
        .group_by(c.rules_version)
        .order_by(func.count().desc(), c.rules_version)
        .limit(ROWS_READ)
    )
    return tuple(Rules(version=row.rules_version, findings=row.findings) for row in rows)


def read_sources(connection: Connection, chosen: Chosen) -> tuple[Source, ...]:
    """From which records."""
    c = results.c
    rows = connection.execute(
        select(c.source_topic, c.source_partition, func.min(c.first_offset), func.max(c.last_offset))
        .where(chosen.findings())
        .group_by(c.source_topic, c.source_partition)
        .order_by(c.source_topic, c.source_partition)
        .limit(ROWS_READ)
    )
    return tuple(
        Source(topic=topic, partition=partition, first_offset=first, last_offset=last)
        for topic, partition, first, last in rows
    )


def _finding(row: Row[Any]) -> FindingRow:
    return FindingRow(
        category=row.category,
        kind=row.kind,
        subject=row.subject,
        severity=row.severity,
        started_at=row.started_at,
        ended_at=row.ended_at,
        confidence=row.confidence,
        observed=row.observed,
        evidence=row.evidence,
        first_offset=row.first_offset,
        last_offset=row.last_offset,
    )
