"""Rows as analytics keeps them, made by hand: what no short performance shows."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import insert

from consumers.analytics.database import connect, migrate
from consumers.analytics.tables import results, streams, windows
from tests.consumers.analytics.report.made_reports import after

Row = dict[str, Any]


def keep(database_url: str, *, found: Iterable[Row] = (), seen: Iterable[Row] = (), known: Iterable[Row] = ()) -> None:
    """Put results, windows and sessions into a database, which gets the tables first."""
    engine = connect(database_url)
    migrate(engine)
    with engine.begin() as connection:
        for table, rows in ((results, list(found)), (windows, list(seen)), (streams, list(known))):
            if rows:
                connection.execute(insert(table), rows)
    engine.dispose()


def result(stream_id: str, at_s: float, length_s: float | None = 1.0, **columns: Any) -> Row:
    """A squat, unless it is said otherwise; without a length it goes on."""
    return {
        "result_id": uuid.uuid4(),
        "stream_id": stream_id,
        "epoch": 1,
        "category": "movement",
        "kind": "squat",
        "subject": "body",
        "started_at": after(at_s),
        "ended_at": None if length_s is None else after(at_s + length_s),
        "confidence": 0.5,
        "observed": 1.0,
        "severity": None,
        "evidence": {},
        "rules_version": "analytics-1",
        "source_topic": "t",
        "source_partition": 0,
        "first_offset": 1,
        "last_offset": 2,
        **columns,
    }


def panes(stream_id: str, begins_s: float, ends_s: float, **columns: Any) -> list[Row]:
    """The windows of ten seconds, one after the other, and those of a minute, of a stream at 30 frames a second."""
    return [
        window(stream_id, at_s, length_s, columns)
        for length_s in (10, 60)
        for at_s in range(int(begins_s) // length_s * length_s, int(ends_s), length_s)
    ]


def window(stream_id: str, at_s: float, length_s: int, columns: Mapping[str, Any]) -> Row:
    made: Row = {
        **{name: None for name, column in windows.c.items() if column.nullable},
        "topic": "t",
        "partition": 0,
        "stream_id": stream_id,
        "epoch": 1,
        "session_offset": 0,
        "stretch": 0,
        "kind": "tumbling",
        "length_s": float(length_s),
        "started_at": after(at_s),
        "provisional": False,
        "frames": 30 * length_s,
        "late_frames": 0,
        "too_late_frames": 0,
        "seconds_covered": float(length_s),
        "ranges_deg": {},
        "findings": {},
    }
    return made | dict(columns)


def session(stream_id: str, newest_s: float, **columns: Any) -> Row:
    return {
        "topic": "t",
        "partition": 0,
        "stream_id": stream_id,
        "epoch": 1,
        "first_offset": 0,
        **dict.fromkeys(
            ("frames", "body_observed", "face_observed", "left_observed", "right_observed", "late_frames"), 1
        ),
        "seen_at": after(0) + timedelta(seconds=newest_s),
        "state": None,
        **columns,
    }
