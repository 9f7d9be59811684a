"""Everything that can be set about the avatar service, in one place."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import quote

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from connect_runtime.config_sources import merge_config, read_listed_files
from consumers.avatar.cast.showing import DefaultTargets
from consumers.avatar.outputs.target import parse_targets
from consumers.avatar.stage.stage import StageOptions
from kafka_io.consumer import gather
from kafka_io.environment import read_settings
from keypoints.topics import TRACKING_TOPIC
from observability.logs import LogFormat
from observability.own_names import check_host, check_origin

CONNECTOR_NAME: Final = "avatar"
"""Also the consumer group."""

START_KEY: Final = "consumer.override.auto.offset.reset"
INSTANCE_KEY: Final = "consumer.override.group.instance.id"
MAX_POLL_KEY: Final = "consumer.override.max.poll.records"

# A paced put takes as long as its frames did: who stops waits for the one there is, and for none that is read ahead.
_PACED: Final = {MAX_POLL_KEY: "10", "task.shutdown.graceful.timeout.ms": "1000"}

_TOGETHER_MS: Final = 8
"""What lies between two states that are sent."""

Start = Literal["latest", "earliest"]


class AvatarSettings(BaseSettings):
    """Read from the environment (names in capitals, prefix `HOLISTIC_`); keyword arguments win over it."""

    model_config = SettingsConfigDict(env_prefix="HOLISTIC_", extra="ignore", frozen=True)

    vmc_targets: str = Field(
        default="127.0.0.1:39539",
        description="Receivers of whoever has no role with its own, separated by commas: host:port (VMC over UDP), "
        "vmc://host:port?profile=vseeface, ifm://host. One performer at a time.",
    )
    avatar_stream: str | None = Field(
        default=None, min_length=1, description="Stream those receivers show; without it the first one seen."
    )
    avatar_from: Start = Field(
        default="latest",
        description="Where a new group begins. latest: live, frames that are old are not shown; earliest: all are.",
    )
    avatar_speed: float | None = Field(
        default=None, gt=0, le=100, description="Show frames as far apart as they were captured, so many times faster."
    )
    avatar_stale_after_s: float = Field(
        default=2.0, gt=0, description="Live: how many seconds after it was processed a frame is too old to be shown."
    )
    avatar_rate_hz: float = Field(
        default=60.0, ge=1, le=240, description="How many times a second states are sent, between frames too."
    )
    avatar_performers: int = Field(default=256, ge=1, le=4096, description="How many may be on stage at once.")
    avatar_memory: Path | None = Field(
        default=None,
        description="File that keeps what was shown last, so that avatars do not jump when the service is started "
        "again. Without it one is kept for a named member (consumer.override.group.instance.id) in the user's state.",
    )
    avatar_latency_log: Path | None = Field(
        default=None,
        description="File that gets a line of JSON for every frame sent: who it was, captured and sent when.",
    )
    avatar_models: Path | None = Field(
        default=None, description="Directory of .vrm files that roles may name, for the viewer and for vrm= of targets."
    )
    avatar_origins: str = Field(
        default="", description="Origins of other pages that may watch, as https://example.org, separated by commas."
    )
    avatar_hosts: str = Field(
        default="", description="Names by which this service is reached from other machines, separated by commas."
    )
    avatar_watchers: int = Field(default=64, ge=1, description="How many may watch one replica at once.")
    topic: str = Field(default=TRACKING_TOPIC, min_length=1, description="Topic the frames come from.")
    config_files: str = Field(
        default="",
        description="Files of connector settings, as Java properties or JSON, separated by commas.",
    )
    avatar_config: Mapping[str, Any] = Field(
        default_factory=dict, description='Settings of the connector as a JSON object, say {"tasks.max": 2}.'
    )
    durable_log: Path | None = Field(
        default=None, description="File that gets a line whenever more became durable, to measure latency by."
    )
    http_host: str = Field(default="127.0.0.1", description="Address of the REST API, health and metrics.")
    http_port: int = Field(default=8085, ge=0, le=65535, description="Port of the same; 0 picks a free one.")
    log_format: LogFormat = Field(default="human", description="Form of log lines: human or json.")

    @field_validator("avatar_origins")
    @classmethod
    def _check_origins(cls, value: str) -> str:
        for origin in split_listed(value):
            check_origin(origin)
        return value

    @field_validator("avatar_hosts")
    @classmethod
    def _check_hosts(cls, value: str) -> str:
        for host in split_listed(value):
            check_host(host)
        return value

    def default_targets(self) -> DefaultTargets:
        """The receivers of those without any of their own. Raises BadTarget."""
        return DefaultTargets(tuple(str(target) for target in parse_targets(self.vmc_targets)), self.avatar_stream)

    def own_models(self) -> frozenset[Path | None]:
        """Files of models that the receivers named here show. Raises BadTarget."""
        return frozenset(target.vrm for target in parse_targets(self.vmc_targets))

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
        # Live, what comes within a few milliseconds is moved together: each poll costs a solve, however few its rows.
        paced = gather(64, wait_ms=_TOGETHER_MS) if self.avatar_speed is None else _PACED
        ours = {**topics, **start, **paced, "offset.flush.interval.ms": "1000"}
        return merge_config(ours, files, named, self.avatar_config, overrides)

    def memory_path(self, config: Mapping[str, object]) -> Path | None:
        """Where what was shown last is kept: for a member without a name there is no telling which one comes back."""
        if self.avatar_memory is not None:
            return self.avatar_memory
        instance = config.get(INSTANCE_KEY)
        if instance is None:
            return None
        state = Path(os.environ.get("XDG_STATE_HOME") or Path("~/.local/state").expanduser())
        return state / "holistic" / f"avatar-{quote(str(instance), safe='')}.poses"

    def stage_options(self) -> StageOptions:
        """What the stage is made with; whoever asks for the earliest frames wants to see old ones."""
        live = self.avatar_from == "latest" and self.avatar_speed is None
        return StageOptions(
            self.avatar_stale_after_s if live else None, self.avatar_performers, 1 / self.avatar_rate_hz
        )


def split_listed(text: str) -> list[str]:
    """What a setting lists, separated by commas."""
    return [one.strip() for one in text.split(",") if one.strip()]


def read_avatar_settings(**given: object) -> AvatarSettings:
    """The settings of this process's environment; what is given and not None wins over it. Raises Terminal."""
    return read_settings(AvatarSettings, "avatar", given)
