"""Analytics with a real database and a real topic of events."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from sqlalchemy import Engine, text

from connect_runtime.sink import Assignment, TopicPartition
from consumers.analytics.database import connect
from consumers.analytics.reactions.courier import WebhookCourier
from consumers.analytics.retention import Retention
from consumers.analytics.run import connect_events_topic
from consumers.analytics.save_pacer import SavePacer
from consumers.analytics.sink import AnalyticsSink, SinkOptions
from kafka_io.settings import KafkaSettings
from observability.metrics import Metrics

Rows = list[tuple[Any, ...]]

EVER_IN_OUTBOX = "SELECT coalesce(last_value, 0) FROM pg_sequences WHERE sequencename ~ 'outbox'"
"""How many events were ever put into the outbox."""


@dataclass
class Bench:
    """A database, a topic of events, and sinks that share them like replicas do."""

    database_url: str
    events_topic: str
    kafka: KafkaSettings
    sinks: list[AnalyticsSink] = field(default_factory=list)
    engines: list[Engine] = field(default_factory=list)
    """Each sink's own, in the same order."""
    topic_id: str = "first"
    snapshot_records: int = 5_000
    retention: Retention | None = None
    metrics: Metrics = field(default_factory=Metrics)
    monotonic_s: Callable[[], float] = time.monotonic
    make_courier: Callable[[], WebhookCourier] | None = None

    def make_sink(self, partitions: Sequence[TopicPartition], pacer: SavePacer | None = None) -> AnalyticsSink:
        """A sink that was assigned `partitions`; who else has them is not its business.

        Without a `pacer` news is saved with each put, and windows with each flush.
        """
        self.engines.append(connect(self.database_url))
        sink = AnalyticsSink(
            self.engines[-1],
            make_publisher=lambda: connect_events_topic(self.kafka, self.events_topic),
            topic_id=lambda _: self.topic_id,
            options=SinkOptions(
                snapshot_records=self.snapshot_records,
                courier=None if self.make_courier is None else self.make_courier(),
                retention=self.retention,
                pacer=pacer or SavePacer(spacing_s=0.0, share=1),
                windows_pacer=replace(pacer or SavePacer(spacing_s=0.0, share=1)),
                metrics=self.metrics,
                monotonic_s=self.monotonic_s,
            ),
        )
        self.sinks.append(sink)
        sink.open(Assignment(tuple(partitions), generation=1, member_id="test", task_id=0))
        return sink

    def query(self, statement: str) -> Rows:
        return query(self.database_url, statement)

    def results(self) -> dict[str, Rows]:
        """All that is known of streams and what was found in them, in a fixed order."""
        return {
            "results": self.query("SELECT * FROM analytics.results ORDER BY result_id"),
            "windows": self.query("SELECT * FROM analytics.windows ORDER BY 3, 4, 5, 6, 7, 8, 9"),
            "streams": self.query("SELECT * FROM analytics.streams ORDER BY stream_id, epoch, first_offset"),
        }


def query(database_url: str, statement: str) -> Rows:
    """The rows of one statement."""
    engine: Engine = connect(database_url)
    try:
        with engine.begin() as connection:
            return [tuple(row) for row in connection.execute(text(statement))]
    finally:
        engine.dispose()


@pytest.fixture
def make_bench(
    make_database: Callable[[], str], make_topic: Callable[..., str], kafka_settings: KafkaSettings
) -> Iterator[Callable[[], Bench]]:
    made: list[Bench] = []

    def make() -> Bench:
        made.append(Bench(make_database(), make_topic(1, name="events"), kafka_settings))
        return made[-1]

    yield make
    for bench in made:
        for sink in bench.sinks:
            sink.stop()


@pytest.fixture
def bench(make_bench: Callable[[], Bench]) -> Bench:
    return make_bench()
