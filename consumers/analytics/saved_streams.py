"""The sessions of a partition's streams in Postgres: loaded, and written when they changed."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from connect_runtime.sink import TopicPartition
from consumers.analytics.results import as_time
from consumers.analytics.saved_state import read_session, write_session
from consumers.analytics.session import Session
from consumers.analytics.streams import PartitionStreams
from consumers.analytics.tables import of_partition, snapshot_streams, streams

Row = dict[str, Any]

_REPLACED: Final = tuple(column.name for column in streams.c if not column.primary_key)


def load(connection: Connection, partition: TopicPartition) -> tuple[list[Session], bool]:
    """What is under way, and whether there was more of a make that cannot go on: that has ended now."""
    key = (streams.c.stream_id, streams.c.epoch, streams.c.first_offset)
    rows = connection.execute(
        select(*key, streams.c.state).where(of_partition(streams, partition), streams.c.state.is_not(None))
    ).all()
    sessions: list[Session] = []
    ended: list[tuple[str, int, int]] = []
    for *name, state in rows:
        session = read_session(bytes(state))
        if session is None:
            ended.append(tuple(name))
        else:
            sessions.append(session)
    if ended:
        chosen = of_partition(streams, partition) & tuple_(*key).in_(ended)
        connection.execute(update(streams).where(chosen).values(state=None))
    return sessions, bool(ended)


def load_snapshot(connection: Connection, partition: TopicPartition, next_offset: int) -> list[Session]:
    """What was under way at a snapshot."""
    rows = connection.execute(
        select(snapshot_streams.c.state).where(
            of_partition(snapshot_streams, partition), snapshot_streams.c.next_offset == next_offset
        )
    )
    return [session for (state,) in rows if (session := read_session(bytes(state))) is not None]


def write_rows(partition: TopicPartition, changed: PartitionStreams) -> list[Row]:
    """The rows of the sessions that changed since the last save; of one that has ended what was counted stays."""
    return [
        _row(partition, session, write_session(session, changed.write_track(key)) if is_open else None)
        for (key, _), session in changed.unsaved.items()
        for is_open in [changed.get(key) is session]
    ]


def save(connection: Connection, rows: Sequence[Row]) -> None:
    """Save sessions in place of what they were."""
    if rows:
        statement = insert(streams)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=list(streams.primary_key),
                set_={name: statement.excluded[name] for name in _REPLACED},
            ),
            rows,
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
