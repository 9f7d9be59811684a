"""Everything that can be set about the analytics service, in one place."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from connect_runtime.config import ConfigKey, Kind, read_text
from connect_runtime.config_keys import read_count, read_optional_text, read_retention_days, read_timeout_ms
from connect_runtime.config_sources import merge_config, read_listed_files
from connect_runtime.database_words import DatabaseUrl
from kafka_io.consumer import gather
from kafka_io.environment import read_settings
from keypoints.topics import GESTURE_TOPIC, TRACKING_TOPIC
from observability.logs import LogFormat

CONNECTOR_NAME: Final = "analytics"
"""Also the consumer group."""

EVENTS_TOPIC_KEY: Final = "events.topic"

SNAPSHOT_KEY: Final = "snapshot.interval.records"

RETENTION_KEY: Final = "retention.days"

RULES_FILE_KEY: Final = "rules.file"

WEBHOOK_TIMEOUT_KEY: Final = "webhook.retry.timeout.ms"

SINK_KEYS: Final[Sequence[ConfigKey]] = (
    ConfigKey(EVENTS_TOPIC_KEY, read_text, GESTURE_TOPIC, "Topic the start and end of each result go to."),
    ConfigKey(
        SNAPSHOT_KEY,
        read_count,
        "50000",
        "Records of a partition between two snapshots of its state: a replay starts from the one before.",
    ),
    ConfigKey(
        RETENTION_KEY,
        read_retention_days,
        "-1",
        "Days after which results, windows and ended sessions are deleted, by event time; -1 keeps all.",
        kind=Kind.INT,
    ),
    ConfigKey(
        RULES_FILE_KEY,
        read_optional_text,
        "",
        "File of rules (YAML): what is told to whom when it is seen. Empty: nothing.",
    ),
    ConfigKey(
        WEBHOOK_TIMEOUT_KEY,
        read_timeout_ms,
        "86400000",
        "How long a webhook is tried again that its receiver does not take; -1 is for ever.",
    ),
)


class AnalyticsSettings(BaseSettings):
    """Read from the environment (names in capitals, prefix `HOLISTIC_`); keyword arguments win over it."""

    model_config = SettingsConfigDict(env_prefix="HOLISTIC_", extra="ignore", frozen=True, env_ignore_empty=True)

    database_url: DatabaseUrl = Field(
        validation_alias=AliasChoices("database_url", "DATABASE_URL"),
        description="Postgres that keeps results and state, as postgresql://user:password@host/name.",
    )
    topic: str = Field(default=TRACKING_TOPIC, min_length=1, description="Topic the frames come from.")
    config_files: str = Field(
        default="",
        description="Files of connector settings, as Java properties or JSON, separated by commas.",
    )
    analytics_config: Mapping[str, Any] = Field(
        default_factory=dict, description='Settings of the connector as a JSON object, say {"tasks.max": 2}.'
    )
    durable_log: Path | None = Field(
        default=None, description="File that gets a line whenever more became durable, to measure latency by."
    )
    http_host: str = Field(default="127.0.0.1", description="Address of the REST API, health and metrics.")
    http_port: int = Field(default=8084, ge=0, le=65535, description="Port of the same; 0 picks a free one.")
    log_format: LogFormat = Field(default="human", description="Form of log lines: human or json.")
    nice: int = Field(
        default=0,
        ge=0,
        le=19,
        description="How far the service stands back (as nice) when processors are scarce and others are waited for.",
    )

    def connector_config(self, overrides: Mapping[str, str]) -> dict[str, object]:
        """Flat settings of the connector: ours, over them files', the environment's and those given by name.

        Raises ConfigFileUnusable and InvalidConfig.
        """
        files = read_listed_files(self.config_files, [CONNECTOR_NAME]).get(CONNECTOR_NAME, {})
        topics = {"topics": self.topic}
        # Gestures are told as they begin and end; this is for the state, and bounds what a restart takes in again.
        ours = {**topics, **gather(256, wait_ms=50), "offset.flush.interval.ms": "500"}
        named_topics = topics if "topic" in self.model_fields_set else {}
        return merge_config(ours, files, named_topics, self.analytics_config, overrides)


def read_analytics_settings(**given: object) -> AnalyticsSettings:
    """The settings of this process's environment; what is given and not None wins over it. Raises Terminal."""
    return read_settings(AnalyticsSettings, "analytics", given)
