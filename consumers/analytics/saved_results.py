"""Results, and the events on their way to the topic, in Postgres."""

import uuid
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, exists, false, func, or_, select
from sqlalchemy.dialects.postgresql import Insert, insert

from connect_runtime.sink import TopicPartition
from consumers.analytics.finding import Category, Finding, Severity
from consumers.analytics.results import Performance, Result, ResultEvent, as_microseconds, as_time
from consumers.analytics.tables import of_partition, outbox, results, streams

Row = dict[str, Any]


class OutboxRow(NamedTuple):
    """One event on its way to the topic."""

    outbox_id: int
    stream_id: str
    event: bytes


def save_results(connection: Connection, changed: Sequence[Result]) -> None:
    """Write results; what is known of one now replaces what was."""
    # The end of a result replaces its start: Postgres refuses to touch a row twice in one statement.
    newest = {result.result_id: result for result in changed}
    if newest:
        rows = [_result_row(result_id, result) for result_id, result in newest.items()]
        connection.execute(_replacing(), rows)


@cache
def _replacing() -> Insert:
    # Made once: saving some results costs less than saying how.
    statement = insert(results)
    replaced = {column.name: statement.excluded[column.name] for column in results.c if not column.primary_key}
    return statement.on_conflict_do_update(index_elements=[results.c.result_id], set_=replaced)


def read_orphans(connection: Connection, partition: TopicPartition) -> list[Result]:
    """Results nobody will end, for none of their streams' sessions goes on: as they are when they end now.

    They end where their stream was last seen.
    """
    ours, going_on = streams.alias("ours"), streams.alias("going_on")
    of_stream = (results.c.stream_id == ours.c.stream_id) & (results.c.epoch == ours.c.epoch)
    seen_at = func.greatest(results.c.started_at, func.max(ours.c.seen_at)).label("seen_at")
    rows = connection.execute(
        select(results, seen_at)
        .join(ours, of_stream)
        .where(
            ours.c.topic == partition.topic,
            ours.c.partition == partition.partition,
            results.c.ended_at.is_(None),
            ~exists().where(
                going_on.c.stream_id == results.c.stream_id,
                going_on.c.epoch == results.c.epoch,
                going_on.c.state.is_not(None),
            ),
        )
        .group_by(results.c.result_id)
        .order_by(results.c.started_at, results.c.result_id)
    )
    return [_end_row(dict(row)) for row in rows.mappings()]


def read_unknown(connection: Connection, partition: TopicPartition) -> list[Result]:
    """Open results of streams of which no session was ever saved, for it began after the state: as they end now.

    Of when their stream was last seen nothing is known but that they had begun.
    """
    rows = connection.execute(
        select(results, results.c.started_at.label("seen_at"))
        .where(
            results.c.source_topic == partition.topic,
            results.c.source_partition == partition.partition,
            results.c.ended_at.is_(None),
            ~exists().where(results.c.stream_id == streams.c.stream_id, results.c.epoch == streams.c.epoch),
        )
        .order_by(results.c.started_at, results.c.result_id)
    )
    return [_end_row(dict(row)) for row in rows.mappings()]


def find_ended(connection: Connection, result_ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Which of these have ended."""
    if not result_ids:
        return set()
    chosen = results.c.result_id.in_(result_ids) & results.c.ended_at.is_not(None)
    return set(connection.scalars(select(results.c.result_id).where(chosen)))


def enqueue(connection: Connection, partition: TopicPartition, events: Sequence[ResultEvent]) -> None:
    """Put events into the outbox, in order."""
    rows = [
        {
            "topic": partition.topic,
            "partition": partition.partition,
            "stream_id": event.result.performance.stream_id,
            "event_id": event.event_id,
            "event": event.encode_json(),
        }
        for event in events
    ]
    if rows:
        connection.execute(insert(outbox), rows)


def read_outbox(connection: Connection, events: Sequence[ResultEvent]) -> list[OutboxRow]:
    """The rows of these events, in order."""
    if not events:
        return []
    chosen = outbox.c.event_id.in_([event.event_id for event in events])
    return _read(connection, chosen)


def undelivered(connection: Connection, partitions: Iterable[TopicPartition], after: int, most: int) -> list[OutboxRow]:
    """The first `most` of the partitions' rows whose ids are greater than `after`, in the order they happened."""
    return _read(connection, _of_partitions(partitions) & (outbox.c.id > after), most)


def count_undelivered(connection: Connection, partitions: Iterable[TopicPartition]) -> int:
    """How many rows the partitions have."""
    chosen = _of_partitions(partitions)
    return connection.scalar(select(func.count()).select_from(outbox).where(chosen)) or 0


def _of_partitions(partitions: Iterable[TopicPartition]) -> ColumnElement[bool]:
    return or_(false(), *(of_partition(outbox, partition) for partition in partitions))


def _read(connection: Connection, chosen: ColumnElement[bool], most: int | None = None) -> list[OutboxRow]:
    columns = (outbox.c.id, outbox.c.stream_id, outbox.c.event)
    rows = connection.execute(select(*columns).where(chosen).order_by(outbox.c.id).limit(most))
    return [OutboxRow(row.id, row.stream_id, bytes(row.event)) for row in rows]


def _end_row(row: Row) -> Result:
    finding = Finding(
        category=Category(row["category"]),
        kind=row["kind"],
        subject=row["subject"],
        started_us=as_microseconds(row["started_at"]),
        last_us=as_microseconds(row["seen_at"]),
        first_offset=row["first_offset"],
        last_offset=row["last_offset"],
        confidence=row["confidence"],
        observed=row["observed"],
        severity=None if row["severity"] is None else Severity(row["severity"]),
        evidence=row["evidence"],
        made_by=row["rules_version"],
    )
    performance = Performance(row["stream_id"], row["epoch"], row["source_topic"], row["source_partition"])
    return Result(performance, finding, is_open=False)


def _result_row(result_id: uuid.UUID, result: Result) -> Row:
    performance, finding = result.performance, result.finding
    return {
        "result_id": result_id,
        "stream_id": performance.stream_id,
        "epoch": performance.epoch,
        "category": finding.category.value,
        "kind": finding.kind,
        "subject": finding.subject,
        "started_at": as_time(finding.started_us),
        "ended_at": None if result.is_open else as_time(finding.last_us),
        "confidence": finding.confidence,
        "observed": finding.observed,
        "severity": None if finding.severity is None else finding.severity.value,
        "evidence": finding.evidence,
        "rules_version": result.rules_version,
        "source_topic": performance.topic,
        "source_partition": performance.partition,
        "first_offset": finding.first_offset,
        "last_offset": finding.last_offset,
    }
