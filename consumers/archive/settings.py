"""Everything that can be set about the archive, in one place."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AliasChoices, BeforeValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from connect_runtime.config import ConfigKey, Kind, read_count, read_duration_ms
from connect_runtime.config_keys import read_retention_days
from connect_runtime.config_sources import merge_config, read_listed_files
from connect_runtime.database_words import DatabaseUrl
from consumers.archive.parquet.location import LocationUnknown, check_location
from kafka_io.consumer import gather
from kafka_io.environment import read_settings
from keypoints.errors import Terminal
from keypoints.topics import TRACKING_TOPIC

_PREFIX: Final = "HOLISTIC_"

POSTGRES_CONNECTOR: Final = "archive-postgres"
PARQUET_CONNECTOR: Final = "archive-parquet"
"""Also the consumer groups."""

CONNECTIONS: Final = ConfigKey("connections", read_count, "2", "Connections a task writes to Postgres with.")
BATCH_SIZE: Final = ConfigKey("batch.size", read_count, "500", "Most rows a transaction writes.")
DAYS_BACK: Final = ConfigKey(
    "days.back", read_count, "3650", "Frames captured longer ago than this go to frames_out_of_range."
)
RETENTION_DAYS: Final = ConfigKey(
    "retention.days",
    read_retention_days,
    "-1",
    "Days after which frames are removed from Postgres, counted from their capture; -1 keeps all.",
    kind=Kind.INT,
)
POSTGRES_KEYS: Final[Sequence[ConfigKey]] = (CONNECTIONS, BATCH_SIZE, DAYS_BACK, RETENTION_DAYS)

FLUSH_SIZE: Final = ConfigKey("flush.size", read_count, "20000", "Rows of a partition that become files at once.")
FLUSH_BYTES: Final = ConfigKey(
    "flush.bytes", read_count, str(96 * 1024 * 1024), "Bytes of a partition that become files at once."
)
ROTATE_INTERVAL_MS: Final = ConfigKey(
    "rotate.interval.ms", read_duration_ms, "10000", "Longest time rows wait to become files, also on an idle topic."
)
PARQUET_KEYS: Final[Sequence[ConfigKey]] = (FLUSH_SIZE, FLUSH_BYTES, ROTATE_INTERVAL_MS)


def _check_location(given: object) -> object:
    if not isinstance(given, str | Path):
        return given
    try:
        check_location(given)
    except LocationUnknown as error:
        raise ValueError(f"{error.message}: {error.hint}") from error
    return str(given)


class ArchiveSettings(BaseSettings):
    """Read from the environment (names in capitals, prefix `HOLISTIC_`); keyword arguments win over it."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, extra="ignore", frozen=True, populate_by_name=True, env_ignore_empty=True
    )

    topic: str = Field(default=TRACKING_TOPIC, min_length=1, description="Topics to archive, separated by commas.")
    database_url: DatabaseUrl | None = Field(
        default=None,
        validation_alias=AliasChoices("database_url", "DATABASE_URL"),
        description="Postgres to write to, as postgresql://user:password@host:port/database.",
    )
    archive_dir: Annotated[str, BeforeValidator(_check_location)] = Field(
        default="archive-data", description="Where the Parquet files are: a folder, or s3://bucket/prefix."
    )
    archive_postgres_config: Mapping[str, Any] = Field(
        default_factory=dict,
        description='Settings of the connector archive-postgres as a JSON object, say {"batch.size": 2000}.',
    )
    archive_parquet_config: Mapping[str, Any] = Field(
        default_factory=dict,
        description='Settings of the connector archive-parquet as a JSON object, say {"rotate.interval.ms": 60000}.',
    )
    archive_iceberg: bool = Field(
        default=False, description="Whether an Iceberg table, whose catalog is in Postgres, follows the Parquet files."
    )
    archive_iceberg_interval_s: float = Field(
        default=60, gt=0, description="Seconds from one look whether the Iceberg table must follow to the next."
    )
    archive_compact_interval_s: float = Field(
        default=3600, gt=0, description="Seconds from one compaction of the Parquet files to the next."
    )
    config_files: str = Field(
        default="",
        description="Files of connector settings, as Java properties or JSON, separated by commas.",
    )
    durable_log: Path | None = Field(
        default=None, description="File that gets a line whenever more became durable, to measure latency by."
    )
    http_port: int = Field(
        default=8083, ge=0, le=65535, description="Port of REST API, health and metrics; 0 picks one."
    )
    http_host: str = Field(default="127.0.0.1", description="Address of the REST API, health and metrics.")
    log_format: Literal["human", "json"] = Field(default="human", description="Form of log lines.")
    nice: int = Field(
        default=0,
        ge=0,
        le=19,
        description="How far the service stands back (as nice) when processors are scarce and others are waited for.",
    )

    def connector_config(self, connector: str) -> dict[str, object]:
        """Flat settings of a connector, by its usual name: its topics, over them files' and the environment's.

        Raises ConfigFileUnusable and InvalidConfig.
        """
        environment = {
            POSTGRES_CONNECTOR: self.archive_postgres_config,
            PARQUET_CONNECTOR: self.archive_parquet_config,
        }
        files = read_listed_files(self.config_files, list(environment)).get(connector, {})
        topics = {"topics": self.topic}
        named_topics = topics if "topic" in self.model_fields_set else {}
        return merge_config({**topics, **gather(256, wait_ms=100)}, files, named_topics, environment[connector])

    def require_database_url(self) -> str:
        """The database's URL. Raises Terminal when none is configured."""
        if self.database_url is None:
            raise Terminal("no database is configured", hint="set DATABASE_URL, or run `holistic up`")
        return self.database_url.get_secret_value()


def read_archive_settings(**given: object) -> ArchiveSettings:
    """The settings of this process's environment; what is given and not None wins over it. Raises Terminal."""
    return read_settings(ArchiveSettings, "archive", given)
