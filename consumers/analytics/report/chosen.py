"""Which rows a report is about: a stream's, in a period; and what is said where there are none."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Double, Numeric, and_, cast, func, or_, select

from consumers.analytics.report.errors import NothingToReport
from consumers.analytics.report.figures import Period, add_time
from consumers.analytics.tables import results, streams, windows

_NAMES_COMPARED: Final = 10_000
_NAMES_SAID: Final = 3


@dataclass(frozen=True, slots=True)
class Chosen:
    """A stream, and the part of it that is meant."""

    stream_id: str
    epoch: int | None
    begins_at: datetime | None
    ends_at: datetime | None
    newest_at: datetime | None
    """When the newest frame was taken, in the period or after it; None when no session is known."""
    going_on: bool

    def findings(self) -> ColumnElement[bool]:
        """Of the results: those of the stream that go on in the period."""
        conditions = [results.c.stream_id == self.stream_id]
        if self.epoch is not None:
            conditions.append(results.c.epoch == self.epoch)
        if self.ends_at is not None:
            conditions.append(results.c.started_at < self.ends_at)
        if self.begins_at is not None:
            conditions.append(or_(results.c.ended_at.is_(None), results.c.ended_at >= self.begins_at))
        return and_(*conditions)

    def windows(self, length_s: int) -> ColumnElement[bool]:
        """Of the windows: those of the stream that are one after the other, of a length, and reach into the period."""
        conditions = [
            windows.c.stream_id == self.stream_id,
            windows.c.kind == "tumbling",
            windows.c.length_s == length_s,
            windows.c.frames > 0,
        ]
        if self.epoch is not None:
            conditions.append(windows.c.epoch == self.epoch)
        if self.ends_at is not None:
            conditions.append(windows.c.started_at < self.ends_at)
        if self.begins_at is not None:
            conditions.append(windows.c.started_at > self.begins_at - func.make_interval(0, 0, 0, 0, 0, 0, length_s))
        return and_(*conditions)

    def clip(self, at: datetime) -> datetime:
        """The moment of the period that is nearest."""
        if self.begins_at is not None:
            at = max(at, self.begins_at)
        return at if self.ends_at is None else min(at, self.ends_at)


def add_up(values: ColumnElement[Any], where: ColumnElement[bool] | None = None) -> ColumnElement[Any]:
    """A sum that does not depend on the order of rows, as one of floats would in its last bit."""
    exact = func.sum(cast(values, Numeric))
    return cast(exact if where is None else exact.filter(where), Double)


def choose(connection: Connection, stream_id: str, period: Period) -> Chosen:
    """What is meant, seen from the stream's newest frame. Raises NothingToReport for a stream nobody has seen."""
    sessions = [streams.c.stream_id == stream_id]
    if period.epoch is not None:
        sessions.append(streams.c.epoch == period.epoch)
    newest_at, going_on = connection.execute(
        select(func.max(streams.c.seen_at), func.bool_or(streams.c.state.is_not(None))).where(*sessions)
    ).one()
    if newest_at is None and not _has_results(connection, stream_id, period.epoch):
        raise _explain_absence(connection, stream_id, period.epoch)
    begins_at = period.begins_at
    until = period.ends_at or newest_at
    if period.last is not None and until is not None:
        begins_at = until - period.last
    ends_in_future = period.ends_at is None or newest_at is None or newest_at < period.ends_at
    return Chosen(stream_id, period.epoch, begins_at, period.ends_at, newest_at, bool(going_on) and ends_in_future)


def explain_emptiness(connection: Connection, chosen: Chosen) -> NothingToReport:
    """What is said of a stream of which there is nothing in the period."""
    whole = (windows.c.stream_id == chosen.stream_id) & (windows.c.kind == "tumbling") & (windows.c.length_s == 10)
    first_at, last_at = connection.execute(
        select(func.min(windows.c.started_at), func.max(windows.c.started_at)).where(whole)
    ).one()
    seen = ""
    if first_at is not None:
        last_at = add_time(last_at, timedelta(seconds=10))
        seen = f"it was seen from {first_at:%Y-%m-%d %H:%M:%S} to {last_at:%Y-%m-%d %H:%M:%S} UTC: "
    return NothingToReport(
        f"analytics has nothing of {chosen.stream_id} in that period",
        hint=f"{seen}choose another --from, --to, --last or --epoch",
        stream_id=chosen.stream_id,
    )


def _has_results(connection: Connection, stream_id: str, epoch: int | None) -> bool:
    theirs = [results.c.stream_id == stream_id, *([] if epoch is None else [results.c.epoch == epoch])]
    return connection.execute(select(results.c.result_id).where(*theirs).limit(1)).first() is not None


def _explain_absence(connection: Connection, stream_id: str, epoch: int | None) -> NothingToReport:
    of_stream = select(streams.c.epoch).where(streams.c.stream_id == stream_id).distinct().order_by(streams.c.epoch)
    epochs = [str(row.epoch) for row in connection.execute(of_stream.limit(_NAMES_COMPARED))]
    if epochs:
        return NothingToReport(
            f"{stream_id} has no epoch {epoch}", hint=f"it has {', '.join(epochs[-10:])}", stream_id=stream_id
        )
    every = select(streams.c.stream_id).distinct().order_by(streams.c.stream_id).limit(_NAMES_COMPARED)
    names = [row.stream_id for row in connection.execute(every)]
    alike = find_alike(stream_id, names)
    hint = (
        f"there is {', '.join(alike)}"
        if alike
        else 'SELECT DISTINCT stream_id FROM analytics.streams lists all: `holistic sql "…"`'
        if names
        else "it has seen no stream at all yet: start `holistic analytics`, and `holistic produce`"
    )
    return NothingToReport(f"analytics has not seen a stream {stream_id}", hint=hint, stream_id=stream_id)


def find_alike(wanted: str, names: list[str]) -> list[str]:
    """The few names that may have been meant: those that contain it, whatever the case, and those spelt nearly so."""
    by_folded = {name.casefold(): name for name in names}
    folded = wanted.casefold()
    containing = [name for other, name in by_folded.items() if folded in other or other in folded]
    close = [by_folded[other] for other in get_close_matches(folded, by_folded, n=_NAMES_SAID)]
    return list(dict.fromkeys([*close, *containing]))[:_NAMES_SAID]
