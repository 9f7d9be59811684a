"""Records out of Postgres, in the order they were published, some thousand in memory at a time."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any, Final

import numpy as np
import psycopg2
from numpy.typing import NDArray
from psycopg2 import extensions, sql

from connect_runtime.forgetting.streams import ForgottenStreams
from consumers.archive.postgres.connection import connect
from consumers.archive.postgres.errors import explain_postgres_error
from consumers.archive.restore.survey import ArchivedPartition, Survey, Wanted
from keypoints.frame import FrameBatch, allocate_batch
from keypoints.landmarks import PART_SHAPES, Part
from keypoints.topics import Headers

_ROWS_AT_ONCE: Final = 2048
_SURVEYED_AT_ONCE: Final = 50_000
_US: Final = "(extract(epoch FROM {0}) * 1000000)::bigint AS {0}"
_TIMES: Final = ("captured_at", "processed_at", "record_timestamp")
_NUMBERS: Final = ("sequence", "epoch", "width", "height", "mirrored")
_COLUMNS: Final = (
    '"offset"', "stream_id", "model", *_NUMBERS, *(_US.format(time) for time in _TIMES), "record_key", "header_names",
    "header_values", *(f"array_send({part.value}) AS {part.value}" for part in PART_SHAPES),
)  # fmt: skip
_ARRAY_HEADER_BYTES: Final = 20
"""Dimensions, whether there are nulls, type of the elements, length, first index."""
_ELEMENT: Final = np.dtype([("bytes", ">i4"), ("value", ">f4")])


class PostgresSource:
    """See RestoreSource. One connection, used for one statement at a time."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._topic_ref: int | None = None
        self._topic = ""

    def known_lives(self, topic: str) -> list[str]:
        """See RestoreSource."""
        lives = "SELECT kafka_id FROM archived_topics WHERE name = %s ORDER BY topic_ref"
        with closing(self._connect()) as connection:
            return [kafka_id for (kafka_id,) in _ask(connection, lives, (topic,))]

    def survey(self, wanted: Wanted, forgotten: ForgottenStreams) -> Survey:
        """See RestoreSource."""
        offsets: dict[int, list[NDArray[np.int64]]] = {}
        left_out = 0
        with closing(self._connect()) as connection:
            found = _ask(
                connection,
                "SELECT topic_ref FROM archived_topics WHERE name = %s AND kafka_id = %s",
                (wanted.topic, wanted.topic_id),
            )
            if not found:
                return Survey((), 0)
            self._topic, self._topic_ref = wanted.topic, found[0][0]
            for partition, offset, stream_id, captured_us, recorded_us in _list_records(
                connection, wanted, self._topic_ref
            ):
                held = forgotten.holds_rows(stream_id, captured_us, recorded_us // 1000)
                left_out += int(held.sum())
                for number in np.unique(partition[~held]).tolist():
                    offsets.setdefault(number, []).append(offset[~held & (partition == number)])
        return Survey(
            tuple(
                ArchivedPartition(partition, (), np.unique(np.concatenate(some)))
                for partition, some in sorted(offsets.items())
            ),
            left_out,
        )

    def read(self, partition: ArchivedPartition) -> Iterator[FrameBatch]:
        """See RestoreSource."""
        question = (
            f'SELECT {", ".join(_COLUMNS)} FROM frames WHERE topic_ref = %s AND "partition" = %s '  # noqa: S608
            'AND "offset" BETWEEN %s AND %s ORDER BY "offset"'
        )
        with closing(self._connect()) as connection:
            for first in range(0, len(partition.offsets), _ROWS_AT_ONCE):
                offsets = partition.offsets[first : first + _ROWS_AT_ONCE]
                place = (self._topic_ref, partition.partition, int(offsets[0]), int(offsets[-1]))
                rows = _ask(connection, question, place)
                batch = _as_batch(self._topic, partition.partition, rows)
                yield batch.take(np.isin(batch.offset, offsets))

    def _connect(self) -> extensions.connection:
        connection = connect(self._database_url, "holistic-restore")
        connection.set_session(readonly=True)
        return connection


def _ask(connection: extensions.connection, question: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute(question, values)
            return cursor.fetchall()
    except psycopg2.Error as error:
        raise explain_postgres_error(error, "reading records to restore") from error


def _list_records(
    connection: extensions.connection, wanted: Wanted, topic_ref: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], list[str], NDArray[np.int64], NDArray[np.int64]]]:
    """Partition, offset, stream, capture time and the record's time in microseconds, of some thousand at a time."""
    conditions = [sql.SQL("topic_ref = {}").format(sql.Literal(topic_ref))]
    if wanted.stream_id is not None:
        conditions.append(sql.SQL("stream_id = {}").format(sql.Literal(wanted.stream_id)))
    for sign, bound_us in ((">=", wanted.captured.from_us), ("<", wanted.captured.to_us)):
        if bound_us is not None:
            time = sql.SQL("timestamptz 'epoch' + {} * interval '1 microsecond'").format(sql.Literal(bound_us))
            conditions.append(sql.SQL("captured_at {} {}").format(sql.SQL(sign), time))
    question = sql.SQL('SELECT "partition", "offset", stream_id, {}, {} FROM frames WHERE {}').format(
        *(sql.SQL(_US.format(time)) for time in ("captured_at", "record_timestamp")), sql.SQL(" AND ").join(conditions)
    )
    try:
        with connection, connection.cursor() as setting:
            setting.execute("SET LOCAL statement_timeout = 0")
            setting.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            with connection.cursor("records") as cursor:
                cursor.execute(question)
                while rows := cursor.fetchmany(_SURVEYED_AT_ONCE):
                    partition, offset, stream_id, captured_us, recorded_us = zip(*rows, strict=True)
                    yield (
                        np.array(partition), np.array(offset), list(stream_id), np.array(captured_us),
                        np.array(recorded_us),
                    )  # fmt: skip
    except psycopg2.Error as error:
        raise explain_postgres_error(error, "looking for records to restore") from error


def _as_batch(topic: str, partition: int, rows: list[tuple[Any, ...]]) -> FrameBatch:
    batch = allocate_batch(topic, len(rows))
    if not rows:
        return batch
    columns = list(zip(*rows, strict=True))
    batch.partition[:] = batch.identity_partition[:] = partition
    batch.offset[:] = batch.identity_offset[:] = columns[0]
    for name, values in zip(("stream_id", "model", *_NUMBERS), columns[1:], strict=False):
        getattr(batch, name)[:] = values
    captured_us, processed_us, recorded_us, keys, names, contents, *parts = columns[3 + len(_NUMBERS) :]
    batch.captured_at_us[:], batch.processed_at_us[:] = captured_us, processed_us
    batch.timestamp_ms[:] = np.array(recorded_us) // 1000
    for part, arrays in zip(PART_SHAPES, parts, strict=True):
        for row, array in enumerate(arrays):
            if array is not None:
                _fill_part(batch, row, part, array)
    headers = tuple(map(_as_headers, names, contents))
    return replace(batch, keys=tuple(None if key is None else bytes(key) for key in keys), headers=headers)


def _fill_part(batch: FrameBatch, row: int, part: Part, array: memoryview) -> None:
    values = np.frombuffer(array, _ELEMENT, offset=_ARRAY_HEADER_BYTES)["value"]
    if part is Part.FACE:
        batch.face_points[row] = len(values) // PART_SHAPES[part][1]
    else:
        batch.present(part)[row] = True
    batch.part(part)[row].reshape(-1)[: len(values)] = values


def _as_headers(names: list[str], contents: list[memoryview | None]) -> Headers:
    return tuple(
        (name, None if content is None else bytes(content)) for name, content in zip(names, contents, strict=True)
    )
