"""Everything that can be set about reading images from Kafka."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from kafka_io.environment import read_settings
from keypoints.topics import IMAGES_TOPIC, dead_letter_topic
from observability.logs import LogFormat
from producer_service.image_topic.dead_letters import CONNECTOR
from producer_service.image_topic.stream_lines import LineOptions
from producer_service.landmarks.pool.options import PoolOptions, count_cores

_PREFIX = "HOLISTIC_IMAGES_"


class ImageTopicSettings(BaseSettings):
    """Read from the environment (names in capitals, prefix `HOLISTIC_IMAGES_`); keyword arguments win over it."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="ignore", frozen=True)

    topic: str = Field(default=IMAGES_TOPIC, min_length=1, description="Topic the images come from.")
    group: str = Field(default="holistic-images", min_length=1, description="Consumer group that shares them out.")
    dead_letter_topic: str = Field(
        default=dead_letter_topic(CONNECTOR), min_length=1, description="Topic for images that give no frame."
    )
    workers: int = Field(default_factory=count_cores, ge=1, description="Worker processes; one a core is best.")
    streams_a_worker: int = Field(default=8, ge=1, description="Streams one worker tracks at most.")
    pictures: int = Field(default=4, ge=1, le=4, description="Pictures of one stream that are under way at once.")
    idle_s: float = Field(default=60.0, gt=0, description="A stream without pictures for so long is closed.")
    drain_s: float = Field(
        default=10.0, ge=0, description="How long a partition that is given up is waited for, until it is committed."
    )
    commit_every_s: float = Field(default=1.0, gt=0, description="How often offsets are committed.")
    http_host: str = Field(default="127.0.0.1", description="Address of health and metrics.")
    http_port: int = Field(default=8087, ge=0, le=65535, description="Port of the same; 0 picks a free one.")
    log_format: LogFormat = Field(default="human", description="Form of log lines: human or json.")

    def line_options(self) -> LineOptions:
        """When streams are opened and closed."""
        return LineOptions(pictures=self.pictures, idle_s=self.idle_s)

    def pool_options(self) -> PoolOptions:
        """How many workers there are."""
        return PoolOptions(workers=self.workers, streams_a_worker=self.streams_a_worker)


def read_image_topic_settings(**given: object) -> ImageTopicSettings:
    """The settings of this process's environment; what is given and not None wins over it. Raises Terminal."""
    return read_settings(ImageTopicSettings, "image topic", given)
