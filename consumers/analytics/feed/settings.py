"""Everything that can be set about the live feed, in one place."""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from kafka_io.environment import read_settings
from keypoints.topics import GESTURE_TOPIC, TRACKING_TOPIC
from observability.logs import LogFormat
from observability.own_names import check_host, check_origin

Listed = Annotated[tuple[str, ...], NoDecode]
Origins = Annotated[tuple[Annotated[str, AfterValidator(check_origin)], ...], NoDecode]
Hosts = Annotated[tuple[Annotated[str, AfterValidator(check_host)], ...], NoDecode]
"""Several values in one variable, separated by commas."""


class FeedSettings(BaseSettings):
    """Read from the environment (names in capitals, prefix `HOLISTIC_`); keyword arguments win over it."""

    model_config = SettingsConfigDict(env_prefix="HOLISTIC_", extra="ignore", frozen=True)

    http_host: str = Field(default="127.0.0.1", description="Address to listen on; 0.0.0.0 is every interface.")
    http_port: int = Field(default=8086, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")
    tls_certfile: Path | None = Field(default=None, description="PEM file of the listener's certificate: HTTPS only.")
    tls_keyfile: Path | None = Field(default=None, description="PEM file of its key, where that is another file.")
    feed_key: SecretStr | None = Field(
        default=None, min_length=16, description="Key readers must give; without it whoever reaches the port may read."
    )
    allowed_origins: Origins = Field(
        default=(), description="Origins of web pages that may read besides its own, as https://host:port."
    )
    allowed_hosts: Hosts = Field(
        default=(), description="Names browsers know this service by, needed for its page where no key is asked for."
    )
    events_topic: str = Field(default=GESTURE_TOPIC, min_length=1, description="Topic the events come from.")
    topic: str = Field(default=TRACKING_TOPIC, min_length=1, description="Topic the frames come from.")
    feed_history_s: float = Field(
        default=300, ge=0, le=86_400, description="Events of so many seconds are read back at the start."
    )
    feed_memory_events: int = Field(
        default=2_000, ge=1, le=100_000, description="Newest events kept in memory, for readers that come later."
    )
    feed_unread_events: int = Field(
        default=1_000, ge=1, le=100_000, description="Events one reader may be behind before it is cut off."
    )
    feed_send_timeout_s: float = Field(
        default=10, gt=0, description="A reader that takes nothing for so long is cut off."
    )
    feed_readers: int = Field(default=256, ge=1, description="Readers of events and skeletons there may be at once.")
    feed_skeletons_per_s: float = Field(
        default=15, gt=0, le=60, description="Frames a second that one reader of a skeleton is sent at most."
    )
    log_format: LogFormat = Field(default="human", description="Form of log lines: human or json.")

    @field_validator("allowed_origins", "allowed_hosts", mode="before")
    @classmethod
    def split_listed(cls, value: Any) -> Any:
        """Values are separated by commas."""
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @model_validator(mode="after")
    def check_pair(self) -> Self:
        """A key needs its certificate."""
        if self.tls_keyfile is not None and self.tls_certfile is None:
            raise ValueError("HOLISTIC_TLS_KEYFILE needs HOLISTIC_TLS_CERTFILE")
        return self


def read_feed_settings(**given: object) -> FeedSettings:
    """The settings of this process's environment; what is given and not None wins over it. Raises Terminal."""
    return read_settings(FeedSettings, "feed", given)
