"""Everything that can be set about the avatar service, in one place."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from connect_runtime.config_sources import merge_config, read_listed_files
from consumers.avatar.outputs.udp import Target, parse_target
from consumers.avatar.sink import AvatarOptions
from kafka_io.environment import read_settings
from keypoints.topics import TRACKING_TOPIC
from observability.logs import LogFormat

CONNECTOR_NAME: Final = "avatar"
"""Also the consumer group."""

START_KEY: Final = "consumer.override.auto.offset.reset"

Start = Literal["latest", "earliest"]


class AvatarSettings(BaseSettings):
    """Read from the environment (names in capitals, prefix `HOLISTIC_`); keyword arguments win over it."""

    model_config = SettingsConfigDict(env_prefix="HOLISTIC_", extra="ignore", frozen=True)

    vmc_targets: str = Field(
        default="127.0.0.1:39539", description="VMC receivers, as host:port, separated by commas; UDP."
    )
    avatar_stream: str | None = Field(
        default=None, min_length=1, description="Stream that drives the targets; without it the first one seen does."
    )
    avatar_from: Start = Field(
        default="latest",
        description="Where a new group begins. latest: live, frames that are old are not shown; earliest: all are.",
    )
    avatar_stale_after_s: float = Field(
        default=2.0, gt=0, description="Live: how many seconds after it was processed a frame is too old to be shown."
    )
    avatar_latency_log: Path | None = Field(
        default=None,
        description="File that gets a line of JSON for every frame sent: who it was, captured and sent when.",
    )
    topic: str = Field(default=TRACKING_TOPIC, min_length=1, description="Topic the frames come from.")
    config_files: str = Field(
        default="",
        description="Files of connector settings, as Java properties or JSON, separated by commas.",
    )
    avatar_config: Mapping[str, Any] = Field(
        default_factory=dict, description='Settings of the connector as a JSON object, say {"tasks.max": 2}.'
    )
    http_host: str = Field(default="127.0.0.1", description="Address of the REST API, health and metrics.")
    http_port: int = Field(default=8085, ge=0, le=65535, description="Port of the same; 0 picks a free one.")
    log_format: LogFormat = Field(default="human", description="Form of log lines: human or json.")

    def targets(self) -> tuple[Target, ...]:
        """The receivers. Raises BadTarget."""
        return tuple(parse_target(text) for text in self.vmc_targets.split(",") if text.strip())

    def connector_config(self, overrides: Mapping[str, str]) -> dict[str, object]:
        """Flat settings of the connector: ours, over them files', the environment's and those given by name.

        Raises ConfigFileUnusable and InvalidConfig.
        """
        files = read_listed_files(self.config_files, [CONNECTOR_NAME]).get(CONNECTOR_NAME, {})
        topics, start = {"topics": self.topic}, {START_KEY: self.avatar_from}
        named = {
            **(topics if "topic" in self.model_fields_set else {}),
            **(start if "avatar_from" in self.model_fields_set else {}),
        }
        ours = {**topics, **start, "offset.flush.interval.ms": "1000"}
        return merge_config(ours, files, named, self.avatar_config, overrides)

    def options(self) -> AvatarOptions:
        """What the sink is made with; whoever asks for the earliest frames wants to see old ones."""
        stale_after_s = None if self.avatar_from == "earliest" else self.avatar_stale_after_s
        return AvatarOptions(stream=self.avatar_stream, stale_after_s=stale_after_s)


def read_avatar_settings(**given: object) -> AvatarSettings:
    """The settings of this process's environment; what is given and not None wins over it. Raises Terminal."""
    return read_settings(AvatarSettings, "avatar", given)
