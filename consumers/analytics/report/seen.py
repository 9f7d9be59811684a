"""How much there was to see of a stream, when, and how active the person was: from its windows."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Double, cast, func, literal, select

from consumers.analytics.report.chosen import Chosen, add_up
from consumers.analytics.report.figures import Activity, KindTotal, Seen, Stretch, add_time
from consumers.analytics.tables import windows

_PANE: Final = timedelta(seconds=10)
_PANE_S: Final = 10
_MINUTE_S: Final = 60
_SHORTEST_PAUSE_S: Final = 60.0
_PAUSE_SHARE: Final = 0.1
"""A pause is cut out when it is longer than a minute, and than this share of all that was seen."""
_MOST_STRETCHES: Final = 8
_MOST_BARS: Final = 240
_MINUTES: Final = (1, 2, 5, 10, 15, 30, 60, 120, 360, 720, 1440)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Coverage(NamedTuple):
    """When the stream was seen."""

    stretches: tuple[Stretch, ...]
    epochs: tuple[int, ...]
    epochs_overlap: bool


def read_seen(connection: Connection, chosen: Chosen) -> Seen | None:
    """Frames, and in how many of them each part was; None where there are no windows."""
    c = windows.c
    row = connection.execute(
        select(
            func.sum(c.frames).label("frames"),
            func.sum(c.late_frames).label("late_frames"),
            func.sum(c.too_late_frames).label("too_late_frames"),
            _mean(c.frames_per_s, c.seconds_covered).label("frames_per_s"),
            add_up(c.seconds_covered).label("seconds_covered"),
            _percent(c.body_share).label("body"),
            _percent(c.face_share).label("face"),
            _percent(c.left_hand_share).label("left_hand"),
            _percent(c.right_hand_share).label("right_hand"),
            add_up(c.seconds_still).label("seconds_still"),
            add_up(c.seconds_moving).label("seconds_moving"),
        ).where(chosen.windows(_PANE_S))
    ).one()
    if row.frames is None:
        return None
    return Seen(
        frames=int(row.frames),
        late_frames=int(row.late_frames),
        too_late_frames=int(row.too_late_frames),
        frames_per_s=row.frames_per_s,
        seconds_covered=row.seconds_covered,
        body_valid_percent=row.body,
        face_valid_percent=row.face,
        left_hand_valid_percent=row.left_hand,
        right_hand_valid_percent=row.right_hand,
        seconds_still=row.seconds_still,
        seconds_moving=row.seconds_moving,
    )


def read_coverage(connection: Connection, chosen: Chosen, totals: Sequence[KindTotal]) -> Coverage | None:
    """The stretches in which the stream was seen, to ten seconds; without windows, the time of what was found.

    None when there is neither.
    """
    # One after the other, for there may be years of them.
    panes = connection.execution_options(yield_per=2_000).execute(
        select(windows.c.started_at, windows.c.epoch)
        .where(chosen.windows(_PANE_S))
        .order_by(windows.c.started_at, windows.c.epoch)
    )
    starts: list[Stretch] = []
    epochs: set[int] = set()
    shared = 0
    begins_at = ends_at = before = None
    for started_at, epoch in panes:
        epochs.add(epoch)
        if before is not None and before[0] == started_at and before[1] != epoch:
            shared += 1
        before = started_at, epoch
        if begins_at is None or ends_at is None:
            begins_at = started_at
        elif (started_at - ends_at).total_seconds() > _SHORTEST_PAUSE_S:
            starts.append(Stretch(begins_at=begins_at, ends_at=ends_at))
            begins_at = started_at
        ends_at = add_time(started_at, _PANE)
    if begins_at is not None and ends_at is not None:
        starts.append(Stretch(begins_at=begins_at, ends_at=ends_at))
    elif totals:
        first_at, last_at = min(total.first_at for total in totals), max(total.last_at for total in totals)
        starts.append(Stretch(begins_at=first_at, ends_at=max(last_at, add_time(first_at, _PANE))))
    else:
        return None
    # An epoch begins in the ten seconds in which the one before ended.
    return Coverage(_trim(join_short_pauses(starts), chosen), tuple(sorted(epochs)), shared > len(epochs) - 1)


def read_activity(connection: Connection, chosen: Chosen) -> tuple[int, tuple[Activity, ...]]:
    """Minute by minute, or in so many minutes that there are 240 at most; and how many minutes each is."""
    c = windows.c
    minutes = connection.scalar(select(func.count(c.started_at.distinct())).where(chosen.windows(_MINUTE_S))) or 0
    step = next((step for step in _MINUTES if minutes <= step * _MOST_BARS), _MINUTES[-1])
    begins_at = func.date_bin(timedelta(minutes=step), c.started_at, _EPOCH).label("begins_at")
    known_s = c.seconds_still + c.seconds_moving
    rows = connection.execute(
        select(
            begins_at,
            func.bool_or(c.provisional).label("provisional"),
            func.sum(c.frames).label("frames"),
            (add_up(c.seconds_covered) * 100 / (step * _MINUTE_S)).label("covered"),
            _percent(c.body_share).label("body"),
            _mean(c.activity_mean, func.greatest(known_s, 1e-6)).label("activity_mean"),
            func.max(c.activity_peak).label("activity_peak"),
            add_up(c.seconds_still).label("seconds_still"),
            add_up(c.seconds_moving).label("seconds_moving"),
        )
        .where(chosen.windows(_MINUTE_S))
        .group_by(begins_at)
        .order_by(begins_at)
        # Beyond eight months a bar would be more than a day.
        .limit(_MOST_BARS)
    )
    return step, tuple(
        Activity(
            begins_at=row.begins_at,
            provisional=row.provisional,
            frames=int(row.frames),
            covered_percent=min(100.0, row.covered),
            body_valid_percent=row.body,
            activity_mean=row.activity_mean,
            activity_peak=row.activity_peak,
            seconds_still=row.seconds_still,
            seconds_moving=row.seconds_moving,
        )
        for row in rows
    )


def join_short_pauses(stretches: Sequence[Stretch]) -> list[Stretch]:
    """Stretches with the pauses between them that are worth cutting out: long ones, and seven at most."""
    seen_s = sum(stretch.seconds for stretch in stretches)
    pauses = sorted((_pause_s(before, after) for before, after in _neighbours(stretches)), reverse=True)
    shortest = max(_PAUSE_SHARE * seen_s, pauses[_MOST_STRETCHES - 1] if len(pauses) >= _MOST_STRETCHES else 0.0)
    joined = list(stretches[:1])
    for before, after in _neighbours(stretches):
        if _pause_s(before, after) > shortest:
            joined.append(after)
        else:
            joined[-1] = Stretch(begins_at=joined[-1].begins_at, ends_at=after.ends_at)
    return joined


def _neighbours(stretches: Sequence[Stretch]) -> Iterable[tuple[Stretch, Stretch]]:
    return pairwise(stretches)


def _pause_s(before: Stretch, after: Stretch) -> float:
    return (after.begins_at - before.ends_at).total_seconds()


def _trim(stretches: Sequence[Stretch], chosen: Chosen) -> tuple[Stretch, ...]:
    """Stretches to the last frame, and within the period, of whose windows some reach out."""
    last = stretches[-1]
    if chosen.newest_at is not None and last.begins_at < chosen.newest_at < last.ends_at:
        last = Stretch(begins_at=last.begins_at, ends_at=chosen.newest_at)
    return tuple(
        Stretch(begins_at=chosen.clip(stretch.begins_at), ends_at=chosen.clip(stretch.ends_at))
        for stretch in (*stretches[:-1], last)
    )


def _mean(values: ColumnElement[float], weights: ColumnElement[float]) -> ColumnElement[Any]:
    """Of the values that are known."""
    known = values.is_not(None)
    return add_up(values * weights, known) / func.nullif(add_up(weights, known), literal(0.0))


def _percent(share: ColumnElement[float]) -> ColumnElement[Any]:
    return 100 * _mean(share, cast(windows.c.frames, Double))
