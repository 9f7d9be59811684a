"""Frames of a stream from Postgres, as columns: COPY in its binary form, decoded a part at a time."""

import io
import struct
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
import psycopg2
from psycopg2 import sql

from consumers.archive.capture_range import CaptureRange
from consumers.archive.export.source import Survey
from consumers.archive.postgres.connection import connect
from consumers.archive.postgres.errors import explain_postgres_error
from keypoints.frame import FrameBatch, allocate_batch
from keypoints.landmarks import FACE_POINTS_WITHOUT_IRIS, PART_SHAPES, Part

_POSTGRES_EPOCH_US: Final = 946_684_800_000_000
"""2000-01-01, from which Postgres counts."""
_COPY_HEADER_BYTES: Final = 19
_ARRAY_HEADER_BYTES: Final = 20
"""Dimensions, whether there are nulls, type of the elements, length, first index."""
_ELEMENT: Final = np.dtype([("bytes", ">i4"), ("value", ">f4")])
_SMALL_FACE_BYTES: Final = 4 * 3 * FACE_POINTS_WITHOUT_IRIS + 64

_COLUMNS: Final = (
    "topic", "partition", "offset", "stream_id", "model", "sequence", "epoch", "captured_at", "processed_at", "width",
    "height", "mirrored",
)  # fmt: skip
_ORDER: Final = sql.SQL('captured_at, epoch, sequence, "partition", "offset"')
_US: Final = "(extract(epoch FROM {}) * 1000000)::bigint"


class PostgresSource:
    """See FrameSource. One connection, used for one statement at a time."""

    def __init__(self, database_url: str) -> None:
        self._connection = connect(database_url, "holistic-export")
        self._connection.set_session(readonly=True, autocommit=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def list_stream_ids(self) -> list[str]:
        """See FrameSource."""
        return sorted(row[0] for row in self._ask(sql.SQL("SELECT DISTINCT stream_id FROM frames")))

    def survey(self, stream_id: str, wanted: CaptureRange) -> Survey | None:
        """See FrameSource."""
        where = _condition(stream_id, wanted)
        at_us = sql.SQL(_US.format("captured_at"))
        [totals] = self._ask(
            sql.SQL(
                f"SELECT count(*), {_US.format('min(captured_at)')}, {_US.format('max(captured_at)')}, max(width), "  # noqa: S608
                "max(height), percentile_disc(0.5) WITHIN GROUP (ORDER BY at_us - before_us) FROM (SELECT captured_at, "
                "width, height, {at_us} AS at_us, lag({at_us}) OVER (PARTITION BY epoch ORDER BY captured_at) "
                "AS before_us FROM frames WHERE {where}) AS spaced"
            ).format(at_us=at_us, where=where)
        )
        if not totals[0]:
            return None
        minute_us = sql.SQL(_US.format("date_trunc('minute', captured_at)"))
        minutes = self._ask(
            sql.SQL("SELECT {minute_us}, count(*) FROM frames WHERE {where} GROUP BY 1 ORDER BY 1").format(
                minute_us=minute_us, where=where
            )
        )
        return Survey.of(totals, minutes)

    def has_irises(self, stream_id: str, wanted: CaptureRange) -> bool:
        """See FrameSource. A stored size is told without fetching what is stored."""
        [(most,)] = self._ask(
            sql.SQL("SELECT max(pg_column_size(face)) FROM frames WHERE {}").format(_condition(stream_id, wanted))
        )
        return (most or 0) > _SMALL_FACE_BYTES

    def read(self, stream_id: str, window: CaptureRange) -> FrameBatch:
        """See FrameSource."""
        columns = sql.SQL(", ").join(sql.Identifier(name) for name in (*_COLUMNS, *PART_SHAPES))
        copy = sql.SQL("COPY (SELECT {} FROM frames WHERE {} ORDER BY {}) TO STDOUT (FORMAT BINARY)").format(
            columns, _condition(stream_id, window), _ORDER
        )
        content = io.BytesIO()
        try:
            with self._connection.cursor() as cursor:
                cursor.execute("SET statement_timeout = 0")
                cursor.copy_expert(copy, content)
        except psycopg2.Error as error:
            raise explain_postgres_error(error, "reading frames") from error
        return decode_rows(content.getbuffer())

    def _ask(self, statement: sql.Composable) -> list[tuple[Any, ...]]:
        try:
            with self._connection.cursor() as cursor:
                cursor.execute("SET statement_timeout = 0")
                cursor.execute(statement)
                return cursor.fetchall()
        except psycopg2.Error as error:
            raise explain_postgres_error(error, "surveying frames") from error


def _condition(stream_id: str, wanted: CaptureRange) -> sql.Composable:
    conditions: list[sql.Composable] = [sql.SQL("stream_id = {}").format(sql.Literal(stream_id))]
    for sign, bound_us in ((">=", wanted.from_us), ("<", wanted.to_us)):
        if bound_us is not None:
            time = sql.SQL("timestamptz 'epoch' + {} * interval '1 microsecond'").format(sql.Literal(bound_us))
            conditions.append(sql.SQL("captured_at {} {}").format(sql.SQL(sign), time))
    return sql.SQL(" AND ").join(conditions)


def decode_rows(content: memoryview) -> FrameBatch:
    """A batch of what COPY gave: tuples of `_COLUMNS` and all parts. No step per landmark of a frame."""
    tuples = _split_tuples(content, len(_COLUMNS) + len(PART_SHAPES))
    batch = allocate_batch("", len(tuples))
    for row, fields in enumerate(tuples):
        for name, value in zip(_COLUMNS, fields, strict=False):
            _SETTERS[name](batch, row, value)
        for part, value in zip(PART_SHAPES, fields[len(_COLUMNS) :], strict=True):
            if value is not None:
                _fill_part(batch, row, part, value)
    batch.timestamp_ms[:] = batch.captured_at_us // 1000
    return batch


def _split_tuples(content: memoryview, width: int) -> list[list[memoryview | None]]:
    tuples = []
    at = _COPY_HEADER_BYTES
    (count,) = struct.unpack_from(">h", content, at)
    while count == width:
        at += 2
        fields: list[memoryview | None] = []
        for _ in range(width):
            (size,) = struct.unpack_from(">i", content, at)
            at += 4
            fields.append(None if size < 0 else content[at : at + size])
            at += max(size, 0)
        tuples.append(fields)
        (count,) = struct.unpack_from(">h", content, at)
    return tuples


def _fill_part(batch: FrameBatch, row: int, part: Part, value: memoryview) -> None:
    values = np.frombuffer(value[_ARRAY_HEADER_BYTES:], _ELEMENT)["value"]
    if part is Part.FACE:
        batch.face_points[row] = len(values) // PART_SHAPES[part][1]
    else:
        batch.present(part)[row] = True
    batch.part(part)[row].reshape(-1)[: len(values)] = values


def _number(form: str, *columns: str, plus: int = 0) -> Callable[[FrameBatch, int, Any], None]:
    unpack = struct.Struct(form).unpack

    def set_number(batch: FrameBatch, row: int, value: Any) -> None:
        (number,) = unpack(value)
        for column in columns:
            getattr(batch, column)[row] = number + plus

    return set_number


def _text(column: str) -> Callable[[FrameBatch, int, Any], None]:
    def set_text(batch: FrameBatch, row: int, value: Any) -> None:
        getattr(batch, column)[row] = str(value, "utf-8")

    return set_text


_SETTERS: Final[dict[str, Callable[[FrameBatch, int, Any], None]]] = {
    "topic": _text("identity_topic"),
    "partition": _number(">i", "partition", "identity_partition"),
    "offset": _number(">q", "offset", "identity_offset"),
    "stream_id": _text("stream_id"),
    "model": _text("model"),
    "sequence": _number(">q", "sequence"),
    "epoch": _number(">q", "epoch"),
    "captured_at": _number(">q", "captured_at_us", plus=_POSTGRES_EPOCH_US),
    "processed_at": _number(">q", "processed_at_us", plus=_POSTGRES_EPOCH_US),
    "width": _number(">i", "width"),
    "height": _number(">i", "height"),
    "mirrored": _number(">?", "mirrored"),
}
