"""The archive's two connectors: how each is named, set up, and makes its sink."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from connect_runtime.config import read_config
from connect_runtime.forgetting.ledger import LedgerFollower
from connect_runtime.forgetting.sink import FORGOTTEN_RECORDS, ForgettingSink, NoteErased
from connect_runtime.memory_budget import MemoryBudget
from connect_runtime.offsets.bounded import BoundedReplay, name_replay
from connect_runtime.service import ConnectorSpec, read_connector
from connect_runtime.sink import Sink, TickingSink
from consumers.archive.forgetting.erased import ErasedFromParquet, ErasedFromPostgres
from consumers.archive.parquet.location import open_storage
from consumers.archive.parquet.replay import ParquetReplaySink
from consumers.archive.parquet.rewriting import ParquetRewriteSink
from consumers.archive.parquet.sink import ParquetSink, RollLimits
from consumers.archive.postgres.days import DayWindow
from consumers.archive.postgres.lanes import LaneOptions
from consumers.archive.postgres.migrate import migrate
from consumers.archive.postgres.rewriting import RewritingPostgresSink
from consumers.archive.postgres.sink import PostgresSink
from consumers.archive.settings import (
    BATCH_SIZE,
    CONNECTIONS,
    DAYS_BACK,
    FLUSH_BYTES,
    FLUSH_SIZE,
    PARQUET_CONNECTOR,
    PARQUET_KEYS,
    POSTGRES_CONNECTOR,
    POSTGRES_KEYS,
    RETENTION_DAYS,
    ROTATE_INTERVAL_MS,
    ArchiveSettings,
)
from kafka_io.admin import topic_id
from kafka_io.settings import KafkaSettings
from observability.metrics import Metrics

# A frame is a few kilobytes: what is fetched ahead of six partitions need not be large.
_READING: Final = {"consumer.override.max.partition.fetch.bytes": 1024 * 1024}

# What waits for Postgres waits in memory that was never used before, which costs more than to decode it a little later.
_READING_FOR_POSTGRES: Final = {**_READING, "buffer.memory": 48 * 1024 * 1024}

_NO_FLUSH_MS: Final = 24 * 60 * 60 * 1000

_POSTGRES_CLASS: Final = "holistic.archive.PostgresSinkConnector"
_PARQUET_CLASS: Final = "holistic.archive.ParquetSinkConnector"


class Store(StrEnum):
    """What the archive writes to."""

    POSTGRES = "postgres"
    PARQUET = "parquet"


def read_clock_us() -> int:
    """The clock on the wall, microseconds since 1970."""
    return time.time_ns() // 1000


@dataclass(frozen=True, slots=True)
class _Around:
    """What a connector has around it, whatever store it fills."""

    kafka: KafkaSettings
    now_us: Callable[[], int]
    metrics: Metrics

    def find_topic_id(self, topic: str) -> str:
        """Of the topic of that name there is now."""
        return topic_id(self.kafka, topic)

    def keep_forgotten_from(self, sink: TickingSink, note_erased: NoteErased, connector: str) -> Sink:
        """The sink behind the ledger of forgotten streams; what is kept from it is counted by connector."""
        counter = self.metrics.counter(FORGOTTEN_RECORDS, connector=connector)
        return ForgettingSink(sink, LedgerFollower(self.kafka), note_erased, counter.inc)


def make_connector(
    store: Store,
    settings: ArchiveSettings,
    kafka: KafkaSettings,
    now_us: Callable[[], int] = read_clock_us,
    metrics: Metrics | None = None,
) -> ConnectorSpec:
    """The connector that fills a store. Raises InvalidConfig, or Terminal when the database is not configured."""
    around = _Around(kafka, now_us, metrics or Metrics())
    return _postgres(settings, around) if store is Store.POSTGRES else _parquet(settings, around)


def make_bounded_replay(
    store: Store,
    settings: ArchiveSettings,
    kafka: KafkaSettings,
    now_us: Callable[[], int] = read_clock_us,
    *,
    rewrite: bool = False,
) -> BoundedReplay:
    """How what a store lacks of a range is added while the connector goes on. Raises as `make_connector`.

    With `rewrite`, what it has of the range is replaced.
    """
    around = _Around(kafka, now_us, Metrics())
    if store is Store.POSTGRES:
        spec = _postgres(settings, around, RewritingPostgresSink if rewrite else PostgresSink)
        return BoundedReplay(replace(spec, name=name_replay(spec.name)))
    spec = _parquet(settings, around, ParquetRewriteSink if rewrite else ParquetReplaySink)
    asked = ParquetReplaySink(
        open_storage(settings.archive_dir), spec.name, lambda topic: topic_id(kafka, topic), now_us
    )
    # A flush rewrites every file there are rows for: not before the sink finds that nothing more comes.
    config = {**spec.config, "offset.flush.interval.ms": _NO_FLUSH_MS} if rewrite else spec.config
    return BoundedReplay(
        replace(spec, name=name_replay(spec.name), config=config),
        asked.passed_by_live,
        f"{spec.name} has not come so far, and archives it itself",
        one_by_one=rewrite,
    )


def find_dead_letter_topics(settings: ArchiveSettings) -> dict[str, str]:
    """Store → the topic its records that cannot be used go to, empty where there is none. Raises InvalidConfig."""
    connectors = {
        Store.POSTGRES: (POSTGRES_CONNECTOR, settings.connector_config(POSTGRES_CONNECTOR), POSTGRES_KEYS),
        Store.PARQUET: (PARQUET_CONNECTOR, settings.connector_config(PARQUET_CONNECTOR), PARQUET_KEYS),
    }
    topics: dict[str, str] = {}
    for store, (default, given, keys) in connectors.items():
        name, config = _named(default, given)
        topics[store.value] = read_config({**config, "name": name}, keys).dead_letter_topic
    return topics


def _postgres(
    settings: ArchiveSettings, around: _Around, sink_class: type[PostgresSink] = PostgresSink
) -> ConnectorSpec:
    database_url = settings.require_database_url()
    name, given = _named(POSTGRES_CONNECTOR, settings.connector_config(POSTGRES_CONNECTOR))

    def build(config: Mapping[str, object]) -> ConnectorSpec:
        def make_sink() -> Sink:
            # Here, so that a database that is away when the service starts is waited for like one that goes away later.
            migrate(database_url)
            sink = sink_class(
                database_url,
                around.find_topic_id,
                around.now_us,
                DayWindow(int(values[DAYS_BACK.name]), retention_days=None if retention < 0 else retention),
                LaneOptions(int(values[CONNECTIONS.name]), int(values[BATCH_SIZE.name])),
                around.metrics,
            )
            return around.keep_forgotten_from(sink, ErasedFromPostgres(database_url, around.find_topic_id), name)

        spec = ConnectorSpec(name, config, make_sink, POSTGRES_KEYS, build, _POSTGRES_CLASS)
        values = read_connector(spec).sink
        retention = int(values[RETENTION_DAYS.name])
        return spec

    return build({**_READING_FOR_POSTGRES, **given})


def _parquet(settings: ArchiveSettings, around: _Around, sink_class: type[ParquetSink] = ParquetSink) -> ConnectorSpec:
    name, given = _named(PARQUET_CONNECTOR, settings.connector_config(PARQUET_CONNECTOR))

    def build(config: Mapping[str, object]) -> ConnectorSpec:
        def make_sink() -> Sink:
            storage = open_storage(settings.archive_dir)
            sink = sink_class(storage, name, around.find_topic_id, around.now_us, limits, around.metrics)
            note_erased = ErasedFromParquet(storage, around.find_topic_id, around.now_us)
            return around.keep_forgotten_from(sink, note_erased, name)

        # A flush ends files, so the runtime's own must not come before the age at which they are to end.
        rotate_ms = config.get(ROTATE_INTERVAL_MS.name, ROTATE_INTERVAL_MS.default)
        timed = {"offset.flush.interval.ms": rotate_ms, **config}
        spec = ConnectorSpec(name, timed, make_sink, PARQUET_KEYS, build, _PARQUET_CLASS)
        read = read_connector(spec)
        values = read.sink
        limits = RollLimits(
            rows=int(values[FLUSH_SIZE.name]),
            bytes=int(values[FLUSH_BYTES.name]),
            age_s=int(values[ROTATE_INTERVAL_MS.name]) / 1000,
            all_bytes=MemoryBudget(read.buffer_bytes).sink_bytes,
        )
        return spec

    return build({**_READING, **given})


def _named(default: str, config: Mapping[str, object]) -> tuple[str, dict[str, object]]:
    """A connector's name, which its settings may change, and the other settings."""
    return str(config.get("name", default)), {key: value for key, value in config.items() if key != "name"}
