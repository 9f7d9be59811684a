"""Everything that can be set about the producer, in one place."""

from pathlib import Path
from typing import Final, Literal, Self

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from kafka_io.environment import read_settings
from kafka_io.publisher import Compression, PublisherOptions
from keypoints.topics import TRACKING_TOPIC
from producer_service.capture.live_source import Patience
from producer_service.capture.still_image import ImageLimits

_PREFIX = "HOLISTIC_"
_METADATA_S = 10.0
_FILES_LINGER_MS: Final = 50


class ProducerSettings(BaseSettings):
    """Read from the environment (names in capitals, prefix `HOLISTIC_`); keyword arguments win over it."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="ignore", frozen=True)

    topic: str = Field(default=TRACKING_TOPIC, min_length=1, description="Topic the frames go to.")
    stream: str | None = Field(
        default=None, description="Name of the stream; by default the file's, folder's or camera's own."
    )
    content_type: Literal["avro/binary", "application/json"] = Field(
        default="avro/binary", description="Encoding of the frames; Avro is an eighth of JSON's size."
    )
    mirrored: bool = Field(default=False, description="The sources show the person as in a mirror (selfie cameras).")
    max_image_bytes: int = Field(default=8 * 1024 * 1024, gt=0, description="Largest still picture, as a file.")
    max_image_pixels: int = Field(default=16_000_000, gt=0, description="Largest still picture, in pixels.")
    max_image_side_px: int = Field(default=8192, gt=0, description="Longest side of a still picture, in pixels.")
    workers: int = Field(default=0, ge=0, le=256, description="Processes that look at pictures; 0: one a core.")
    decode_timeout_s: float = Field(
        default=2.0, gt=0, description="A still picture from outside that takes longer to decode is refused."
    )
    capture_ahead_frames: int = Field(
        default=2, ge=1, le=64, description="Pictures decoded ahead of inference, so that neither waits for the other."
    )
    picture_timeout_s: float = Field(
        default=10.0, gt=0, description="A camera that gives no picture for so long is connected to again."
    )
    frozen_after_s: float = Field(
        default=10.0, ge=0, description="So is one that gives the same picture over and over; 0: it may."
    )
    max_in_flight_bytes: int = Field(
        default=64 * 1024 * 1024,
        gt=0,
        description="Bytes published and not yet acknowledged; above it files wait, and all else finds no room.",
    )
    linger_ms: int = Field(
        default=0,
        ge=0,
        description="How long a record waits for company before it is sent: each ms is one more until Kafka has it.",
    )
    batch_bytes: int = Field(default=256 * 1024, gt=0, description="Size at which a batch is sent at once.")
    compression: Compression = Field(
        default="zstd",
        description="How batches are compressed: none, lz4 (makes Avro no smaller) or zstd (8 % smaller).",
    )
    spill_dir: Path | None = Field(
        default=None, description="Directory where live frames wait while Kafka is away; by default they are dropped."
    )
    spill_max_bytes: int = Field(
        default=1024 * 1024 * 1024, gt=0, description="Bytes that may wait there; what comes beyond them is dropped."
    )
    state_dir: Path | None = Field(
        default=None,
        description="Directory that keeps how far files were published; by default in XDG_STATE_HOME (~/.local/state).",
    )
    delivery_timeout_s: float = Field(
        default=120.0, ge=1, description="After this a frame Kafka did not acknowledge counts as dropped."
    )

    def for_files(self) -> Self:
        """The same for a run over files, where nobody waits for a single frame: records wait longer for company.

        A linger that was set stays. (Two 720p videos at once: 1 ms of CPU a frame less, here and in the broker.)
        """
        given = "linger_ms" in self.model_fields_set
        return self if given else self.model_copy(update={"linger_ms": _FILES_LINGER_MS})

    def image_limits(self) -> ImageLimits:
        """What a still picture may weigh and measure."""
        return ImageLimits(self.max_image_bytes, self.max_image_pixels, self.max_image_side_px)

    def patience(self) -> Patience:
        """How long live sources wait for what."""
        return Patience(picture_s=self.picture_timeout_s, frozen_after_s=self.frozen_after_s or None)

    def publisher_options(self) -> PublisherOptions:
        """How the frames are published. Files wait for room as long as a frame may take to be delivered."""
        return PublisherOptions(
            max_in_flight_bytes=self.max_in_flight_bytes,
            block_s=self.delivery_timeout_s,
            metadata_s=min(self.delivery_timeout_s, _METADATA_S),
            linger_ms=self.linger_ms,
            batch_bytes=self.batch_bytes,
            compression=self.compression,
            delivery_timeout_s=self.delivery_timeout_s,
        )


def read_producer_settings(**given: object) -> ProducerSettings:
    """The settings of this process's environment; what is given and not None wins over it. Raises Terminal."""
    return read_settings(ProducerSettings, "producer", given)
