"""Moving a stopped connector over REST moves its group and what its own store says, for every sink there is."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import pytest
from pydantic import SecretStr

from connect_runtime.spec import ConnectorSpec
from consumers.analytics.run import make_connector as make_analytics
from consumers.analytics.settings import AnalyticsSettings
from consumers.archive.audit import audit_archive
from consumers.archive.connectors import Store, make_connector
from consumers.archive.parquet.chain import list_chains
from consumers.archive.parquet.local_storage import LocalStorage
from consumers.archive.settings import ArchiveSettings
from consumers.avatar.cast.book import RoleBook
from consumers.avatar.run import Theatre
from consumers.avatar.settings import AvatarSettings
from kafka_io.admin import topic_end_offsets
from kafka_io.settings import KafkaSettings
from observability.metrics import Metrics
from tests.connect_runtime.harness import wait_until
from tests.connect_runtime.offsets.served import Served, serving
from tests.consumers.archive.made_frames import make_batch, publish

pytestmark = [pytest.mark.servers, pytest.mark.long, pytest.mark.timeout(120)]

ROWS = 300


@dataclass
class Suite:
    """A topic with frames on it, and the stores of all sinks."""

    kafka: KafkaSettings
    topic: str
    database_url: str
    root: Path

    def offsets(self, served: Served, name: str) -> dict[int, int]:
        _, answer = served.call("GET", f"/connectors/{name}/offsets")
        return {one["partition"]["kafka_partition"]: one["offset"]["kafka_offset"] for one in answer["offsets"]}

    def entry(self, partition: int, offset: int | None) -> dict[str, object]:
        return {
            "partition": {"kafka_topic": self.topic, "kafka_partition": partition},
            "offset": None if offset is None else {"kafka_offset": offset},
        }

    def move_about(self, spec: ConnectorSpec, in_store: Callable[[], dict[int, int]] | None) -> None:
        """Run the connector, move it in every way, and run it again; after each move its store must agree."""
        ends = topic_end_offsets(self.kafka, self.topic)
        with serving(self.kafka, [spec]) as served:
            wait_until("all is committed", lambda: self.offsets(served, spec.name) == ends)
            served.stop_connector(spec.name)
            moves: list[tuple[object, dict[int, int]]] = [
                ({"offsets": [self.entry(0, 5), self.entry(1, 7)]}, {**ends, 0: 5, 1: 7}),
                ({"offsets": [self.entry(0, None)]}, {1: 7, 2: ends[2]}),
                ({"to": "earliest"}, dict.fromkeys(ends, 0)),
                ({"shift_by": 11}, dict.fromkeys(ends, 11)),
            ]
            for body, expected in moves:
                status, answer = served.call("PATCH", f"/connectors/{spec.name}/offsets", body)
                assert status == 200, answer
                assert self.offsets(served, spec.name) == expected, body
                if in_store is not None:
                    assert in_store() == expected, body
            assert served.call("DELETE", f"/connectors/{spec.name}/offsets")[0] == 200
            assert self.offsets(served, spec.name) == {}
            if in_store is not None:
                assert in_store() == {}
            assert served.call("PUT", f"/connectors/{spec.name}/resume")[0] == 202
            wait_until("all is read again", lambda: self.offsets(served, spec.name) == ends)

    def archive(self, **configs: object) -> ArchiveSettings:
        return ArchiveSettings(
            topic=self.topic, database_url=SecretStr(self.database_url), archive_dir=self.root, **configs  # type: ignore[arg-type]
        )  # fmt: skip


@pytest.fixture
def suite(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str], make_database: Callable[[], str], tmp_path: Path
) -> Suite:
    topic = make_topic(partitions=3, name="moving")
    publish(kafka_settings, topic, make_batch(ROWS, starts_at_us=time.time_ns() // 1000 - ROWS * 33_333))
    return Suite(kafka_settings, topic, make_database(), tmp_path / "archive")


def named(kind: str) -> str:
    return f"{kind}-{uuid.uuid4().hex[:8]}"


def test_archive_postgres(suite: Suite) -> None:
    settings = suite.archive(archive_postgres_config={"name": named("archive-postgres")})
    suite.move_about(make_connector(Store.POSTGRES, settings, suite.kafka), None)
    assert audit_archive(suite.kafka, suite.topic, database_url=suite.database_url).clean


def test_archive_parquet(suite: Suite) -> None:
    config = {"name": named("archive-parquet"), "rotate.interval.ms": 300}
    settings = suite.archive(archive_parquet_config=config)

    def in_manifest() -> dict[int, int]:
        chains = list_chains(LocalStorage(suite.root))
        return {chain.identity.partition: chain.next_offset for chain in chains if chain.next_offset is not None}

    suite.move_about(make_connector(Store.PARQUET, settings, suite.kafka), in_manifest)
    assert audit_archive(suite.kafka, suite.topic, archive_root=suite.root).clean


def test_analytics(suite: Suite) -> None:
    name = named("analytics")

    def in_postgres() -> dict[int, int]:
        connection = psycopg2.connect(suite.database_url)
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute("SELECT partition, next_offset FROM analytics.sources")
                return dict(cursor.fetchall())
        finally:
            connection.close()

    settings = AnalyticsSettings(database_url=SecretStr(suite.database_url), topic=suite.topic)
    suite.move_about(
        make_analytics(settings, suite.kafka, {"name": name, "events.topic": f"{name}-events"}), in_postgres
    )


def test_avatar(suite: Suite) -> None:
    settings = AvatarSettings(topic=suite.topic, avatar_from="earliest", vmc_targets="127.0.0.1:9")
    theatre = Theatre(settings, Metrics(), RoleBook(None))
    suite.move_about(theatre.make_connector({"name": named("avatar")}), None)
