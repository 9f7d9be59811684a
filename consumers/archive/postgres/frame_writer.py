"""Writes a chunk of frames in one transaction, so that each identity is there once whatever happened before."""

import time
from collections.abc import Callable
from datetime import date
from typing import Final

import numpy as np
import psycopg2
import pyarrow as pa
from numpy.typing import NDArray
from psycopg2 import errors as pg
from psycopg2 import extensions

from consumers.archive.metrics import PostgresMetrics
from consumers.archive.postgres.connection import connect
from consumers.archive.postgres.copy_stream import CopyStream
from consumers.archive.postgres.days import DayWindow, days_of, make_days
from consumers.archive.postgres.errors import PostgresRefused, PostgresUnavailable, explain_postgres_error
from consumers.archive.postgres.rows import to_postgres_rows
from consumers.archive.postgres.tables import FRAMES_BY_DAY, FRAMES_OUT_OF_RANGE, KEY_COLUMNS
from consumers.archive.postgres.topic_refs import TopicRefs
from keypoints.errors import HolisticError
from keypoints.frame import FrameBatch

_COPY_READ_BYTES: Final = 1 << 18
_STAGING_SUFFIX: Final = "_staging"


def _quoted(names: tuple[str, ...], prefix: str = "") -> str:
    return ", ".join(f'{prefix}"{name}"' for name in names)


_SAME_KEY: Final = " AND ".join(f'kept."{name}" = moved."{name}"' for name in KEY_COLUMNS)


class FrameWriter:
    """One connection's worth of writing, made anew after it was lost.

    A zombie (a member that lost its partitions without knowing) may still write here. That is harmless: what it writes
    is keyed by the record's identity, and the new owner writes the same rows.
    """

    def __init__(
        self,
        database_url: str,
        topic_refs: TopicRefs,
        window: DayWindow = DayWindow(),  # noqa: B008 - frozen
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
        counts: PostgresMetrics | None = None,
    ) -> None:
        self._database_url = database_url
        self._topic_refs = topic_refs
        self._window = window
        self._now_us = now_us
        self._counts = counts
        self._connection: extensions.connection | None = None
        self._days_made: set[date] = set()

    def write(self, batch: FrameBatch) -> None:
        """Write the rows that are not there yet and commit.

        Raises PostgresUnavailable when the outcome may be unknown (deadlock, restart, connection lost during COMMIT):
        writing the same rows again is right then. Raises PostgresRefused when Postgres will never take them.
        """
        began_us = self._now_us()
        try:
            connection = self.connect()
            topic_refs = self._topic_refs.of(batch.identity_topic.tolist(), connection)
            now_us = self._now_us()
            in_window = self._window.holds(batch.captured_at_us, now_us)
            if in_window.any():
                kept = batch if in_window.all() else batch.take(in_window)
                self._write_kept(kept, topic_refs, now_us, connection)
            if not in_window.all():
                self._write_out_of_range(batch.take(~in_window), topic_refs, now_us, connection)
        except HolisticError:
            # Making a day's table says itself what failed. The connection may be lost then as well.
            self.close()
            raise
        except psycopg2.Error as error:
            self.close()
            raise explain_postgres_error(error, "writing frames", rows=len(batch)) from error
        if self._counts is not None:
            out_of_range = len(batch) - int(np.count_nonzero(in_window))
            self._counts.wrote(len(batch), out_of_range, (self._now_us() - began_us) / 1e6)

    def close(self) -> None:
        """Let the connection go; the next write makes another."""
        connection, self._connection = self._connection, None
        self._days_made.clear()
        if connection is not None:
            connection.close()

    def connect(self) -> extensions.connection:
        """The connection, made when there is none."""
        if self._connection is None:
            self._connection = connect(self._database_url, "holistic-archive")
        return self._connection

    def make_days_of(self, captured_at_us: NDArray[np.int64], connection: extensions.connection) -> None:
        """Make the tables of these days, where this connection has not seen them."""
        new_days = days_of(captured_at_us) - self._days_made
        if new_days:
            make_days(new_days, connection)
            self._days_made |= new_days

    def _write_kept(
        self, batch: FrameBatch, topic_refs: dict[str, int], now_us: int, connection: extensions.connection
    ) -> None:
        self.make_days_of(batch.captured_at_us, connection)
        rows = to_postgres_rows(batch, topic_refs, now_us)
        try:
            with connection, connection.cursor() as cursor:
                _copy(cursor, rows, FRAMES_BY_DAY.name)
                _take_back_from_out_of_range(cursor, batch, topic_refs)
        except pg.UniqueViolation:
            # Some rows were written before (redelivery): only now is the slower way worth its price.
            with connection, connection.cursor() as cursor:
                copy_through_staging(cursor, rows, FRAMES_BY_DAY.name)
                _take_back_from_out_of_range(cursor, batch, topic_refs)
        except pg.CheckViolation as error:
            # Retention dropped the day's table after this writer saw it.
            self._days_made.clear()
            raise PostgresUnavailable(f"writing frames: {str(error).strip()}", sqlstate=error.pgcode) from error

    def _write_out_of_range(
        self, batch: FrameBatch, topic_refs: dict[str, int], now_us: int, connection: extensions.connection
    ) -> None:
        rows = to_postgres_rows(batch, topic_refs, now_us, with_captured_at_us=True)
        # A frame that was in range when it was first written stays where it is.
        unless_kept = f"WHERE NOT EXISTS (SELECT FROM {FRAMES_BY_DAY.name} kept WHERE {_SAME_KEY})"
        with connection, connection.cursor() as cursor:
            copy_through_staging(cursor, rows, FRAMES_OUT_OF_RANGE.name, unless_kept)


def copy_through_staging(cursor: extensions.cursor, rows: pa.RecordBatch, table: str, unless: str = "") -> None:
    """Write the rows of which the table has none with the same key."""
    names = tuple(rows.schema.names)
    staging = f"{table}{_STAGING_SUFFIX}"
    cursor.execute(f"CREATE TEMP TABLE {staging} (LIKE {table} INCLUDING STORAGE) ON COMMIT DROP")
    _copy(cursor, rows, staging)
    cursor.execute(
        f"INSERT INTO {table} ({_quoted(names)}) SELECT {_quoted(names, 'moved.')} FROM {staging} moved "  # noqa: S608
        f"{unless} ON CONFLICT DO NOTHING"
    )


def _copy(cursor: extensions.cursor, rows: pa.RecordBatch, table: str) -> None:
    columns = _quoted(tuple(rows.schema.names))
    stream = CopyStream(rows)
    try:
        cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN (FORMAT BINARY)", stream, _COPY_READ_BYTES)
    except psycopg2.Error as error:
        if stream.failure is None:
            raise
        # Postgres only heard that reading failed, which sounds like something that passes.
        raise PostgresRefused(f"encoding frames: {stream.failure}", rows=len(rows)) from error


def _take_back_from_out_of_range(cursor: extensions.cursor, batch: FrameBatch, topic_refs: dict[str, int]) -> None:
    """A frame dated ahead of the window was put aside; replayed once its day has come, it is kept: not both."""
    for topic in np.unique(batch.identity_topic.astype(str)).tolist():
        of_topic = batch.identity_topic == topic
        offsets = batch.identity_offset[of_topic]
        partitions = np.unique(batch.identity_partition[of_topic]).tolist()
        cursor.execute(
            f"DELETE FROM {FRAMES_OUT_OF_RANGE.name} moved USING {FRAMES_BY_DAY.name} kept "  # noqa: S608
            'WHERE moved.topic_ref = %s AND moved."partition" = ANY(%s) AND moved."offset" BETWEEN %s AND %s '
            f"AND {_SAME_KEY}",
            (topic_refs[topic], partitions, int(offsets.min()), int(offsets.max())),
        )
