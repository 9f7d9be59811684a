"""A service of its own process with a real store: what the fault tests kill, stop and drain.

Arguments: group, topic, database file, flush interval in ms. Prints its health port once it listens.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Mapping, Sequence

from connect_runtime.service import ConnectorSpec, ServiceOptions, run_connectors
from connect_runtime.sink import Assignment, TopicPartition
from kafka_io.settings import read_kafka_settings
from keypoints.errors import Transient
from keypoints.frame import FrameBatch
from observability.logs import configure_logging

SESSION_S = 6.0
CREATE = """
CREATE TABLE IF NOT EXISTS rows (
    topic TEXT, part INTEGER, off INTEGER, writer TEXT, written_at REAL DEFAULT (julianday('now')),
    PRIMARY KEY (topic, part, off))
"""
INSERT = "INSERT INTO rows (topic, part, off, writer) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"


class SqliteSink:
    """Writes at each flush, keyed by the record's identity."""

    def __init__(self, path: str) -> None:
        self._database = sqlite3.connect(path, timeout=10)
        with self._database:
            self._database.execute(CREATE)
        self._rows: list[tuple[str, int, int, str]] = []
        self._next: dict[TopicPartition, int] = {}
        self._durable: dict[TopicPartition, int] = {}
        self._member = ""

    def open(self, assignment: Assignment) -> Mapping[TopicPartition, int]:
        self._member = assignment.member_id
        return {}

    def put(self, batch: FrameBatch) -> None:
        for row in range(len(batch)):
            self._rows.append((batch.topic, int(batch.partition[row]), int(batch.offset[row]), self._member))
        for partition, offset in batch.next_offsets().items():
            self._next[TopicPartition(batch.topic, partition)] = offset

    def flush(self) -> None:
        try:
            with self._database:
                self._database.executemany(INSERT, self._rows)
        except sqlite3.OperationalError as error:
            raise Transient(f"the database is busy: {error}") from error
        self._rows.clear()
        self._durable |= self._next

    def durable_offsets(self) -> Mapping[TopicPartition, int]:
        return self._durable

    def close(self, revoked: Sequence[TopicPartition]) -> None:
        self._rows = [row for row in self._rows if TopicPartition(row[0], row[1]) not in revoked]
        for partition in revoked:
            self._next.pop(partition, None)
            self._durable.pop(partition, None)

    def alter_offsets(self, offsets: Mapping[TopicPartition, int | None]) -> None:
        """Keeps none of its own."""

    def stop(self) -> None:
        self._database.close()


def main() -> int:
    group, topic, path, flush_ms = sys.argv[1:]
    configure_logging("human", "INFO")
    config = {
        "topics": topic,
        "offset.flush.interval.ms": flush_ms,
        "consumer.override.session.timeout.ms": str(round(1000 * SESSION_S)),
        "consumer.override.heartbeat.interval.ms": "1500",
        "consumer.override.max.poll.records": "200",
    }
    options = ServiceOptions(on_listening=lambda port: print(port, flush=True))
    return run_connectors([ConnectorSpec(group, config, lambda: SqliteSink(path))], read_kafka_settings(), options)


if __name__ == "__main__":
    sys.exit(main())
