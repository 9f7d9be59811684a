"""Streams with names of their own, for the ledger is every test's, and what is left of one afterwards."""

import os
import subprocess
import sys
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson
import psycopg2
from psycopg2 import sql

from consumers.archive.parquet.chain import list_chains
from consumers.archive.parquet.footer import open_parquet
from consumers.archive.parquet.location import open_storage
from consumers.archive.parquet.rows_from_files import frames_from_file
from keypoints.frame import FrameBatch
from keypoints.topics import record_key
from tests.consumers.archive.conftest import Archive
from tests.consumers.archive.made_frames import make_batch


@dataclass(frozen=True)
class Trio:
    """Three performers whose frames come in turns."""

    names: tuple[str, ...] = field(
        default_factory=lambda: tuple(f"{name}-{uuid.uuid4().hex[:12]}" for name in ("ada", "bob", "eve"))
    )

    @property
    def forgotten(self) -> str:
        return self.names[1]

    def make(self, rows: int, **asked: Any) -> FrameBatch:
        batch = make_batch(rows, **asked)
        batch.stream_id[:] = [self.names[offset % 3] for offset in batch.offset.tolist()]
        return replace(batch, keys=tuple(record_key(str(name)) for name in batch.stream_id))


def environment_of(archive: Archive) -> dict[str, str]:
    return {
        **os.environ,
        "KAFKA_BOOTSTRAP_SERVERS": archive.kafka.bootstrap_servers,
        "DATABASE_URL": archive.database_url,
        "HOLISTIC_ARCHIVE_DIR": str(archive.root),
        "HOLISTIC_TOPIC": archive.topic,
        "HOLISTIC_ARCHIVE_POSTGRES_CONFIG": orjson.dumps({"name": archive.group("postgres")}).decode(),
        "HOLISTIC_ARCHIVE_PARQUET_CONFIG": orjson.dumps({"name": archive.group("parquet")}).decode(),
    }


def run_cli(archive: Archive, *arguments: str, expected_code: int = 0) -> str:
    """What `holistic` prints; with what it says of errors where it is expected to fail."""
    done = subprocess.run(
        [sys.executable, "-m", "holistic_cli", *arguments],
        env=environment_of(archive), capture_output=True, text=True, timeout=150, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == expected_code, done.stdout + done.stderr
    return done.stdout + (done.stderr if expected_code else "")


def find_files_naming(archive: Archive, name: str) -> list[str]:
    """Every file below the archive's folder whose bytes hold the name."""
    found: list[str] = []
    # Folders and files that somebody takes away meanwhile are not there.
    for folder, _, files in os.walk(archive.root):
        for path in (Path(folder, file) for file in files):
            with suppress(FileNotFoundError):
                if name.encode() in path.read_bytes():
                    found.append(str(path.relative_to(archive.root)))
    return sorted(found)


def count_rows_naming(database_url: str, name: str) -> Mapping[str, int]:
    """Rows of the stream in every table and view that has a column for it, and in what the planner knows of it."""
    connection = psycopg2.connect(database_url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT table_schema, table_name FROM information_schema.columns WHERE column_name = 'stream_id'"
            )
            counts: dict[str, int] = {}
            for schema, table in cursor.fetchall():
                place = sql.Identifier(schema, table)
                cursor.execute(sql.SQL("SELECT count(*) FROM {} WHERE stream_id = %s").format(place), (name,))
                [(counts[f"{schema}.{table}"],)] = cursor.fetchall()
            cursor.execute(
                "SELECT count(*) FROM pg_stats WHERE strpos(concat(most_common_vals, histogram_bounds), %s) > 0",
                (name,),
            )
            [(counts["pg_stats"],)] = cursor.fetchall()
    finally:
        connection.close()
    assert any(count.startswith("public.frames_by_day") for count in counts)
    return {place: count for place, count in counts.items() if count}


def read_others(archive: Archive, name: str) -> tuple[list[Any], list[Any]]:
    """All that both stores hold of the other streams, bit for bit."""
    connection = psycopg2.connect(archive.database_url)
    try:
        with connection, connection.cursor() as cursor:
            parts = ", ".join(f"md5(array_send({part}))" for part in ("pose", "pose_world", "face", "left_hand"))
            cursor.execute(
                'SELECT "partition", "offset", stream_id, captured_at, record_key, header_names, header_values, '
                f"{parts} FROM frames WHERE stream_id <> %s ORDER BY 1, 2",
                (name,),
            )
            rows = cursor.fetchall()
    finally:
        connection.close()
    storage = open_storage(archive.root)
    found: list[Any] = []
    for file in [file for chain in list_chains(storage) for file in chain.files]:
        with open_parquet(storage, file) as opened:
            for batch in frames_from_file(opened):
                found += [
                    (
                        int(batch.partition[row]), int(batch.offset[row]), batch.keys[row], batch.headers[row],
                        int(batch.timestamp_ms[row]), batch.pose[row].tobytes(), batch.face[row].tobytes(),
                    )
                    for row in range(len(batch))
                    if batch.stream_id[row] != name
                ]  # fmt: skip
    return rows, sorted(found)
