"""The archive as processes, each test with a topic, a database and a folder of its own."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import psycopg2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from consumers.archive.audit import ArchiveAudit, audit_archive
from consumers.archive.parquet.location import ArchiveLocation
from consumers.archive.postgres.migrate import migrate
from consumers.archive.sql import ask_parquet, ask_postgres
from kafka_io.admin import delete_topic, group_lag
from kafka_io.settings import KafkaSettings
from keypoints.topics import dead_letter_topic, retry_topic
from tests.consumers.archive.archived import Archived

if TYPE_CHECKING:
    from tests.consumers.archive.followed import Followed
    from tests.consumers.archive.s3_server import S3Server

QUICK_SESSION = {"consumer.override.session.timeout.ms": 3000, "consumer.override.heartbeat.interval.ms": 500}
STORES = ("postgres", "parquet")


@dataclass
class Replica:
    """One process of the archive."""

    process: "subprocess.Popen[bytes]"
    port: int

    def send_signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self, timeout: float = 40) -> int:
        return self.process.wait(timeout)

    def metrics(self) -> str:
        """What it says of itself; nothing while the process does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    def partitions(self) -> dict[str, int]:
        """Connector → partitions it has here; empty while the process does not answer."""
        return self._by_connector("kafka_connect_sink_task_partition_count")

    def retries(self) -> dict[str, int]:
        """Connector → calls of its sink that were repeated; empty while the process does not answer."""
        return self._by_connector("kafka_connect_task_error_total_retries_total")

    def _by_connector(self, name: str) -> dict[str, int]:
        return {
            sample.labels["connector"]: int(sample.value)
            for family in text_string_to_metric_families(self.metrics())
            for sample in family.samples
            if sample.name == name
        }


@dataclass
class Archive:
    """One topic, one database, one folder, and processes that archive the one into the others."""

    kafka: KafkaSettings
    topic: str
    database_url: str
    root: Path
    log: Path
    replicas: list[Replica] = field(default_factory=list)
    suffix: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    bucket: str | None = None
    """Where the Parquet files are instead of in the folder."""

    @property
    def location(self) -> ArchiveLocation:
        return self.bucket or self.root

    def start(self, stores: str = "both", settings: Mapping[str, object] | None = None) -> Replica:
        """Start a process; `settings` are of both connectors."""
        common = {**QUICK_SESSION, **(settings or {})}
        port = find_free_port()
        environment = {
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap_servers,
            "DATABASE_URL": self.database_url,
            "HOLISTIC_ARCHIVE_DIR": str(self.location),
            "HOLISTIC_TOPIC": self.topic,
            "HOLISTIC_HTTP_PORT": str(port),
            "HOLISTIC_ARCHIVE_POSTGRES_CONFIG": self._config("postgres", common),
            "HOLISTIC_ARCHIVE_PARQUET_CONFIG": self._config("parquet", {"rotate.interval.ms": 500, **common}),
        }
        with self.log.open("ab") as log:
            process = subprocess.Popen([sys.executable, "-m", "consumers.archive", stores], env=environment, stderr=log)
        self.replicas.append(Replica(process, port))
        return self.replicas[-1]

    def group(self, store: str) -> str:
        return f"archive-{store}-{self.suffix}"

    def _config(self, store: str, settings: dict[str, object]) -> str:
        known = {name: value for name, value in settings.items() if store == "parquet" or not name.startswith("rotate")}
        return orjson.dumps({"name": self.group(store), **known}).decode()

    def lag(self, store: str) -> int:
        return sum(group_lag(self.kafka, self.group(store), self.topic).values())

    def rows(self, store: str) -> int:
        if store == "postgres":
            with ask_postgres(self.database_url, "SELECT count(*) FROM frames") as answer:
                return int(next(answer.rows)[0])
        with ask_parquet(self.location, "SELECT count(*) FROM frames") as answer:
            return int(next(answer.rows)[0])

    def has_begun(self) -> bool:
        """Whether there are rows in Postgres; before the first migration there is not even a table."""
        try:
            return self.rows("postgres") > 0
        except Exception as error:
            if isinstance(error.__cause__, psycopg2.errors.UndefinedTable):
                return False
            raise

    def is_shared(self) -> bool:
        """Whether each replica has partitions of each connector."""
        shares = [replica.partitions() for replica in self.replicas]
        return all(len(share) == len(STORES) and all(share.values()) for share in shares)

    def wait_until(self, reached: Callable[[], bool], timeout_s: float = 60) -> None:
        deadline = time.monotonic() + timeout_s
        while not reached():
            assert time.monotonic() < deadline, self.log.read_text()[-4000:]
            assert self.replicas[-1].process.poll() is None, self.log.read_text()[-4000:]
            threading.Event().wait(0.1)

    def wait_until_caught_up(self, timeout_s: float = 60) -> None:
        self.wait_until(lambda: all(self.lag(store) == 0 for store in STORES), timeout_s)

    def audit(self) -> ArchiveAudit:
        return audit_archive(
            self.kafka,
            self.topic,
            database_url=self.database_url,
            archive_root=self.location,
            dead_letter_topics={store: dead_letter_topic(self.group(store)) for store in STORES},
        )


def find_free_port() -> int:
    """A port of this machine nobody listens on."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


@pytest.fixture
def database_url(make_database: Callable[[], str]) -> str:
    """An archive without frames in Postgres."""
    url = make_database()
    migrate(url)
    return url


@pytest.fixture
def archive(
    kafka_settings: KafkaSettings,
    make_topic: Callable[..., str],
    make_database: Callable[[], str],
    tmp_path: Path,
) -> Iterator[Archive]:
    made = Archive(
        kafka_settings,
        make_topic(partitions=3, name="archive"),
        make_database(),
        tmp_path / "archive",
        tmp_path / "log",
    )
    yield made
    for replica in made.replicas:
        if replica.process.poll() is None:
            replica.process.send_signal(signal.SIGCONT)
            replica.process.kill()
        replica.process.wait()
    for store in STORES:
        delete_topic(kafka_settings, dead_letter_topic(made.group(store)))
        delete_topic(kafka_settings, retry_topic(made.group(store)))


@pytest.fixture
def archived(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str], make_database: Callable[[], str], tmp_path: Path
) -> Archived:
    """Both stores, empty, and the command line that asks them."""
    database_url = make_database()
    migrate(database_url)
    return Archived(kafka_settings, make_topic(name="sql"), database_url, tmp_path / "archive")


@pytest.fixture(scope="session")
def s3_process() -> "Iterator[S3Server]":
    """moto's server, once a run."""
    # Takes a second to import.
    from tests.consumers.archive.s3_server import S3Server

    server = S3Server()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def s3(s3_process: "S3Server", monkeypatch: pytest.MonkeyPatch) -> "S3Server":
    """An object store, and the environment that names it."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "key-id-of-tests",
        "AWS_SECRET_ACCESS_KEY": "secret-of-tests",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": s3_process.url,
    }.items():
        monkeypatch.setenv(name, value)
    s3_process.forget_all()
    return s3_process


@pytest.fixture
def followed(make_database: Callable[[], str], tmp_path: Path) -> Iterator["Followed"]:
    from tests.consumers.archive.followed import Followed

    made = Followed(tmp_path / "archive", make_database())
    yield made
    made.close()
