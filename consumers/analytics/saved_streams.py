"""The sessions of a partition's streams in Postgres: loaded, and written when they changed."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import Insert, insert

from connect_runtime.sink import TopicPartition
from consumers.analytics.results import as_time
from consumers.analytics.saved_state import read_session, write_session
from consumers.analytics.session import Session
from consumers.analytics.streams import PartitionStreams
from consumers.analytics.tables import of_partition, snapshot_streams, streams

Row = dict[str, Any]

_NAME: Final = (streams.c.stream_id, streams.c.epoch, streams.c.first_offset)
_COUNTED: Final = tuple(column.name for column in streams.c if column.name in {
    "frames", "body_observed", "face_observed", "left_observed", "right_observed", "late_frames",
})  # fmt: skip


class SavedSession(NamedTuple):
    """A session as it is saved."""

    name: tuple[str, int, int]
    """Its stream, epoch and first offset."""
    state: bytes


def load(connection: Connection, partition: TopicPartition) -> list[SavedSession]:
    """What is under way."""
    going_on = of_partition(streams, partition) & streams.c.state.is_not(None)
    return [
        SavedSession(tuple(name), bytes(state))
        for *name, state in connection.execute(select(*_NAME, streams.c.state).where(going_on))
    ]


def load_snapshot(connection: Connection, partition: TopicPartition, next_offset: int) -> list[SavedSession]:
    """What was under way at a snapshot."""
    chosen = of_partition(snapshot_streams, partition) & (snapshot_streams.c.next_offset == next_offset)
    columns = (*(snapshot_streams.c[column.name] for column in _NAME), snapshot_streams.c.state)
    return [
        SavedSession(tuple(name), bytes(state)) for *name, state in connection.execute(select(*columns).where(chosen))
    ]


def read(saved: Iterable[SavedSession]) -> tuple[list[Session], list[SavedSession]]:
    """The sessions, and apart from them those of another make, which cannot go on.

    With thousands of streams it takes seconds, for which the server lets no transaction be idle.
    """
    sessions: list[Session] = []
    unreadable: list[SavedSession] = []
    for each in saved:
        session = read_session(each.state)
        if session is None:
            unreadable.append(each)
        else:
            sessions.append(session)
    return sessions, unreadable


def end(connection: Connection, partition: TopicPartition, saved: Sequence[SavedSession]) -> None:
    """Let sessions be over, as far as they were counted."""
    if saved:
        chosen = of_partition(streams, partition) & tuple_(*_NAME).in_([each.name for each in saved])
        connection.execute(update(streams).where(chosen).values(state=None))


def write_rows(partition: TopicPartition, changed: PartitionStreams) -> list[Row]:
    """The rows of the sessions that changed since the last save; of one that has ended what was counted stays."""
    return [
        _row(partition, session, write_session(session, changed.write_track(key)) if is_open else None)
        for (key, _), session in changed.unsaved.items()
        for is_open in [changed.get(key) is session]
    ]


def save(connection: Connection, rows: Sequence[Row]) -> None:
    """Save sessions in place of what they were. A replay that is cut short takes back nothing that was counted."""
    if rows:
        connection.execute(_replacing(), rows)


@cache
def _replacing() -> Insert:
    # Made once: saving some sessions costs less than saying how.
    statement = insert(streams)
    counted = {name: func.greatest(streams.c[name], statement.excluded[name]) for name in _COUNTED}
    return statement.on_conflict_do_update(
        index_elements=list(streams.primary_key),
        # A clock may be set back.
        set_=counted | {name: statement.excluded[name] for name in ("seen_at", "state")},
    )


def _row(partition: TopicPartition, session: Session, state: bytes | None) -> Row:
    counts = session.counts
    return {
        "topic": partition.topic,
        "partition": partition.partition,
        "stream_id": session.stream_id,
        "epoch": session.epoch,
        "first_offset": session.first_offset,
        "frames": counts.frames,
        "body_observed": counts.body,
        "face_observed": counts.face,
        "left_observed": counts.left,
        "right_observed": counts.right,
        "late_frames": counts.late,
        "seen_at": as_time(max(0, session.place.captured_at_us)),
        "state": state,
    }
