"""Who may write for a partition: whoever wrote last, known by the id of that write on the partition's source row."""

import uuid
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert

from connect_runtime.sink import SinkFailed
from consumers.analytics.open_partition import OpenPartition
from consumers.analytics.tables import of_partition, sources


class Fenced(SinkFailed):
    """Another member has gone on with the partition: what this one has is stale. Fields: topic, partition, expected."""


def claim_state(connection: Connection, save_id: uuid.UUID, opened: OpenPartition) -> bool:
    """Move the source offset on from where this member left it; False when this very save has done so before.

    Raises Fenced.
    """
    if opened.saved_by is not None:
        return _claim(connection, save_id, opened, source_row(save_id, opened), "next_offset")
    if opened.next_offset is None:
        raise ValueError(f"nothing was taken from {opened.topic_partition}: there is nothing to save")
    statement = insert(sources).values(source_row(save_id, opened)).on_conflict_do_nothing()
    if connection.execute(statement).rowcount == 1:
        return True
    _check_repeated(connection, save_id, opened, "next_offset")
    return False


def claim_news(connection: Connection, news_id: uuid.UUID, opened: OpenPartition) -> bool:
    """Note up to where all is told, and leave the state where it is; False when this very call has done so before.

    Raises Fenced.
    """
    told = {"quiet_until": opened.next_offset, "save_id": news_id}
    return _claim(connection, news_id, opened, told, "quiet_until")


def source_row(save_id: uuid.UUID, opened: OpenPartition) -> dict[str, Any]:
    """Where a partition stands, as it is written."""
    return {
        "topic": opened.topic_partition.topic,
        "partition": opened.topic_partition.partition,
        "topic_id": opened.topic_id,
        "next_offset": opened.next_offset,
        "state_offset": None,
        "quiet_until": opened.quiet_until if opened.is_quiet else None,
        "clock_us": opened.streams.clock_us,
        "save_id": save_id,
    }


def _claim(
    connection: Connection, write_id: uuid.UUID, opened: OpenPartition, row: dict[str, Any], offset_column: str
) -> bool:
    expected = of_partition(sources, opened.topic_partition) & (sources.c.save_id == opened.saved_by)
    if connection.execute(update(sources).where(expected).values(row)).rowcount == 1:
        return True
    _check_repeated(connection, write_id, opened, offset_column)
    return False


def _check_repeated(connection: Connection, write_id: uuid.UUID, opened: OpenPartition, offset_column: str) -> None:
    """Return where this very write went through and only its answer was lost. Raises Fenced where it was another's."""
    partition = opened.topic_partition
    found = connection.execute(
        select(sources.c.save_id, sources.c[offset_column]).where(of_partition(sources, partition))
    ).one_or_none()
    if found is not None and tuple(found) == (write_id, opened.next_offset):
        return
    raise Fenced(
        f"{partition.topic}/{partition.partition} was saved by another member since offset {opened.saved_offset}",
        topic=partition.topic,
        partition=partition.partition,
        expected=opened.saved_offset,
    )
