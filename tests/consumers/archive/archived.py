"""A database and a folder that hold the same rows, and the command line that asks them."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from connect_runtime.sink import Assignment, Sink, TopicPartition
from consumers.archive.parquet.local_storage import LocalStorage
from consumers.archive.parquet.sink import ParquetSink
from consumers.archive.postgres.sink import PostgresSink
from kafka_io.admin import topic_id
from kafka_io.settings import KafkaSettings
from keypoints.frame import FrameBatch


class Archived:
    """One topic of one partition, a migrated database and a folder."""

    def __init__(self, kafka: KafkaSettings, topic: str, database_url: str, root: Path) -> None:
        self.topic = topic
        self.database_url = database_url
        self.root = root
        self._kafka = kafka

    def keep(self, batch: FrameBatch, *sinks: Sink) -> None:
        """Store the rows, by default in both stores."""
        for sink in sinks or (self.postgres(), self.parquet()):
            sink.open(Assignment((TopicPartition(self.topic, 0),), 1, "member", 0))
            sink.put(batch)
            sink.flush()
            sink.stop()

    def postgres(self) -> PostgresSink:
        return PostgresSink(self.database_url, self._topic_id, lambda: time.time_ns() // 1000)

    def parquet(self) -> ParquetSink:
        return ParquetSink(LocalStorage(self.root), "archive-parquet", self._topic_id, lambda: time.time_ns() // 1000)

    def environment(self) -> Mapping[str, str]:
        """What the command line finds the stores by."""
        return {
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": self._kafka.bootstrap_servers,
            "DATABASE_URL": self.database_url,
            "HOLISTIC_ARCHIVE_DIR": str(self.root),
            "HOLISTIC_TOPIC": self.topic,
        }

    def run(self, *arguments: str, expected_code: int = 0, stdin: str | None = None) -> str:
        """What `holistic` prints; with what it says of errors where it is expected to fail."""
        done = subprocess.run(
            [sys.executable, "-m", "holistic_cli", *arguments],
            env=self.environment(),
            # Nobody types: whatever runs the tests, there is no terminal.
            input=stdin or "",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == expected_code, done.stdout + done.stderr
        return done.stdout + (done.stderr if expected_code else "")

    def _topic_id(self, topic: str) -> str:
        return topic_id(self._kafka, topic)
