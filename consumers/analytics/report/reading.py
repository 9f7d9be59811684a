"""A stream's figures, read from what analytics has in Postgres."""

from typing import Final

from sqlalchemy import Connection, Engine, inspect, text

from consumers.analytics.database import transaction
from consumers.analytics.report.chosen import Chosen, choose, explain_emptiness
from consumers.analytics.report.errors import NothingToReport
from consumers.analytics.report.figures import Period, StreamReport
from consumers.analytics.report.found import (
    read_alarms,
    read_exercises,
    read_rules,
    read_sources,
    read_timeline,
    read_totals,
)
from consumers.analytics.report.seen import read_activity, read_coverage, read_seen
from consumers.analytics.tables import SCHEMA, windows

_PLACES: Final = 800
"""On the timeline: findings in the same one are drawn as one."""


def read_report(engine: Engine, stream_id: str, period: Period | None = None) -> StreamReport:
    """All figures of one stream, as they stood at one moment.

    Findings that reach into the period count whole, and so do windows: of ten seconds for how much was seen, of a
    minute for activity. Raises NothingToReport, StoreUnavailable and StoreRefused.
    """
    with transaction(engine, "reading what analytics knows of a stream") as connection:
        # All figures are of the same moment, however many statements they take.
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        if not inspect(connection).has_table(windows.name, schema=SCHEMA):
            raise NothingToReport(
                "analytics has no tables in this database, or old ones",
                hint="is DATABASE_URL right? `holistic analytics` makes them, and brings them up to date, as it starts",
                stream_id=stream_id,
            )
        return _read(connection, choose(connection, stream_id, period or Period()))


def _read(connection: Connection, chosen: Chosen) -> StreamReport:
    totals = read_totals(connection, chosen)
    coverage = read_coverage(connection, chosen, totals)
    if coverage is None:
        raise explain_emptiness(connection, chosen)
    stretches = coverage.stretches
    activity_minutes, activity = read_activity(connection, chosen)
    apart_s = sum(stretch.seconds for stretch in stretches) / _PLACES
    timeline, kinds_left_out = read_timeline(connection, chosen, apart_s)
    return StreamReport(
        stream_id=chosen.stream_id,
        begins_at=stretches[0].begins_at,
        ends_at=stretches[-1].ends_at,
        going_on=chosen.going_on,
        epochs=coverage.epochs,
        epochs_overlap=coverage.epochs_overlap,
        seen=read_seen(connection, chosen),
        stretches=stretches,
        activity_minutes=activity_minutes,
        activity=activity,
        totals=totals,
        exercises=read_exercises(connection, chosen),
        alarms=read_alarms(connection, chosen),
        timeline=timeline,
        timeline_kinds_left_out=kinds_left_out,
        rules=read_rules(connection, chosen),
        sources=read_sources(connection, chosen),
    )
