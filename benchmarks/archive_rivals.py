"""The same rows into the same table by other means: the raw limit of the server, and what one would write at first."""

import io
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any, Final

import numpy as np
import psycopg2
from sqlalchemy import create_engine, insert, make_url
from sqlalchemy.pool import NullPool

from consumers.archive.postgres.copy_stream import CopyStream
from consumers.archive.postgres.days import days_of, make_days
from consumers.archive.postgres.rows import to_postgres_rows
from consumers.archive.postgres.tables import FRAMES_BY_DAY
from keypoints.frame import FrameBatch

COPY_ROWS: Final = 2000
INSERT_ROWS: Final = 200


def copy_raw(database_url: str, batches: Sequence[FrameBatch], frames: int) -> float:
    """Frames a second of rows encoded beforehand, through one bare COPY connection into the archive's table."""
    chunks: list[tuple[int, io.BytesIO]] = []
    names: list[str] = []
    for first in range(0, frames, COPY_ROWS):
        rows = number_rows(batches, first, min(first + COPY_ROWS, frames), "raw")
        encoded = to_postgres_rows(rows, {"raw": 1}, time.time_ns() // 1000)
        names = encoded.schema.names
        chunks.append((len(rows), io.BytesIO(CopyStream(encoded).read())))
    columns = ", ".join(f'"{name}"' for name in names)
    with closing(psycopg2.connect(database_url)) as connection:
        register_topic(database_url, "raw")
        make_days(days_of(np.concatenate([batch.captured_at_us for batch in batches])), connection)
        began = time.perf_counter()
        for _, content in chunks:
            with connection, connection.cursor() as cursor:
                cursor.copy_expert(f"COPY frames_by_day ({columns}) FROM STDIN (FORMAT BINARY)", content, 1 << 18)
        return sum(rows for rows, _ in chunks) / (time.perf_counter() - began)


def insert_lists(database_url: str, batches: Sequence[FrameBatch], frames: int) -> float:
    """Frames a second of SQLAlchemy's insert of rows as dictionaries with lists of floats, without decoding."""
    rows = as_dictionaries(number_rows(batches, 0, frames, "by-hand"))
    engine = create_engine(make_url(database_url).set(drivername="postgresql+psycopg2"), poolclass=NullPool)
    with closing(psycopg2.connect(database_url)) as connection:
        register_topic(database_url, "by-hand")
        make_days({row["captured_at"].date() for row in rows}, connection)
    began = time.perf_counter()
    for first in range(0, frames, INSERT_ROWS):
        with engine.begin() as transaction:
            transaction.execute(insert(FRAMES_BY_DAY), rows[first : first + INSERT_ROWS])
    seconds = time.perf_counter() - began
    engine.dispose()
    return frames / seconds


def number_rows(batches: Sequence[FrameBatch], first: int, after: int, topic: str) -> FrameBatch:
    """Rows `first` to `after` of the batches over and over, as if each were a record of its own."""
    everything = FrameBatch.concat([replace(batch, topic=topic) for batch in batches])
    numbers = np.arange(first, after, dtype=np.int64)
    rows = everything.take(numbers % len(everything))
    return replace(rows, identity_topic=np.full(len(rows), topic, dtype=np.object_), identity_offset=numbers)


def as_dictionaries(batch: FrameBatch) -> list[dict[str, Any]]:
    """Rows as SQLAlchemy takes them."""
    columns = to_postgres_rows(batch, dict.fromkeys(batch.identity_topic.tolist(), 1), time.time_ns() // 1000)
    return [{str(name): value for name, value in row.items()} for row in columns.to_pylist()]


def register_topic(database_url: str, topic: str) -> None:
    """Let rows refer to the topic as number 1."""
    with closing(psycopg2.connect(database_url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO archived_topics (name, kafka_id) VALUES (%s, 'bench')", (topic,))
