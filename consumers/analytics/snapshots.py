"""Where a partition stood at some offsets of its past: what a replay starts from. Copied within the server."""

from typing import Final, NamedTuple

from sqlalchemy import BigInteger, Connection, Integer, Text, delete, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from connect_runtime.sink import TopicPartition
from consumers.analytics.tables import of_partition, snapshot_streams, snapshots, sources, streams

KEPT: Final = 64
"""So many of the newest are kept, …"""
KEPT_BEYOND: Final = 16
"""… then so many times as many, but each of this number alone, and so on; always the first."""
_GRADES: Final = 5
"""How often that is done: beyond, where each millionth is kept, a replay begins with the first of its million."""

_SESSION: Final = tuple(column.name for column in streams.c if column.name not in {"topic", "partition"})


class Snapshot(NamedTuple):
    """What a partition stood at."""

    next_offset: int
    clock_us: int


def take(connection: Connection, partition: TopicPartition) -> None:
    """Keep the partition as it is saved now, in the same transaction; older ones are thinned out."""
    number = select(func.coalesce(func.max(snapshots.c.number), -1) + 1).where(of_partition(snapshots, partition))
    values = select(
        sources.c.topic,
        sources.c.partition,
        sources.c.next_offset,
        sources.c.topic_id,
        number.scalar_subquery(),
        sources.c.clock_us,
    ).where(of_partition(sources, partition))
    names = ["topic", "partition", "next_offset", "topic_id", "number", "clock_us"]
    # The same offset comes again after a move: the state is the same.
    taken = connection.execute(insert(snapshots).from_select(names, values).on_conflict_do_nothing()).rowcount
    if taken == 0:
        return
    at = select(sources.c.next_offset).where(of_partition(sources, partition)).scalar_subquery()
    sessions = select(
        literal(partition.topic, Text),
        literal(partition.partition, Integer),
        at,
        *(streams.c[name] for name in _SESSION),
    ).where(of_partition(streams, partition), streams.c.state.is_not(None))
    connection.execute(insert(snapshot_streams).from_select(["topic", "partition", "next_offset", *_SESSION], sessions))
    _thin_out(connection, partition)


def take_first(connection: Connection, partition: TopicPartition, topic_id: str, first_offset: int) -> None:
    """Keep that nothing was under way before the first record that was ever taken."""
    connection.execute(
        insert(snapshots)
        .values(
            topic=partition.topic,
            partition=partition.partition,
            next_offset=first_offset,
            topic_id=topic_id,
            number=0,
            clock_us=0,
        )
        .on_conflict_do_nothing()
    )


def newest_offset(connection: Connection, partition: TopicPartition) -> int:
    """Where the newest is; 0 when there is none."""
    found = connection.scalar(select(func.max(snapshots.c.next_offset)).where(of_partition(snapshots, partition)))
    return int(found or 0)


def restore(connection: Connection, partition: TopicPartition, topic_id: str, at_most: int) -> Snapshot | None:
    """Make the partition's sessions those of the newest snapshot at or before `at_most`; None where there is none."""
    found = find(connection, partition, topic_id, at_most)
    if found is None:
        return None
    going_on = of_partition(streams, partition) & streams.c.state.is_not(None)
    connection.execute(update(streams).where(going_on).values(state=None))
    sessions = select(
        literal(partition.topic, Text),
        literal(partition.partition, Integer),
        *(snapshot_streams.c[name] for name in _SESSION),
    ).where(
        of_partition(snapshot_streams, partition),
        snapshot_streams.c.next_offset == literal(found.next_offset, BigInteger),
    )
    statement = insert(streams).from_select(["topic", "partition", *_SESSION], sessions)
    # What the table has counted of a session since then holds; the state has what was counted until then.
    state = {"state": statement.excluded.state}
    connection.execute(statement.on_conflict_do_update(index_elements=list(streams.primary_key), set_=state))
    return found


def find(connection: Connection, partition: TopicPartition, topic_id: str, at_most: int) -> Snapshot | None:
    """The newest snapshot at or before an offset."""
    row = connection.execute(
        select(snapshots.c.next_offset, snapshots.c.clock_us)
        .where(
            of_partition(snapshots, partition),
            snapshots.c.topic_id == topic_id,
            snapshots.c.next_offset <= at_most,
        )
        .order_by(snapshots.c.next_offset.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else Snapshot(row.next_offset, row.clock_us)


def drop_others(connection: Connection, partition: TopicPartition, topic_id: str) -> None:
    """Forget those of a topic that had the same name and was deleted."""
    connection.execute(delete(snapshots).where(of_partition(snapshots, partition), snapshots.c.topic_id != topic_id))


def _thin_out(connection: Connection, partition: TopicPartition) -> None:
    newest = select(func.max(snapshots.c.number)).where(of_partition(snapshots, partition)).scalar_subquery()
    # Their number grows with the logarithm of the topic's length, and what a replay reads again with its distance.
    is_spare = or_(
        *(
            (snapshots.c.number < newest - KEPT * KEPT_BEYOND**grade)
            & (snapshots.c.number % KEPT_BEYOND ** (grade + 1) != 0)
            for grade in range(_GRADES)
        )
    )
    connection.execute(delete(snapshots).where(of_partition(snapshots, partition), is_spare))
