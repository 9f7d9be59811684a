"""The settings of analytics' own, beside those every connector has."""

from collections.abc import Sequence
from typing import Final

from connect_runtime.config import ConfigKey, read_text
from keypoints.topics import GESTURE_TOPIC

CONNECTOR_NAME: Final = "analytics"
"""Also the consumer group."""

EVENTS_TOPIC_KEY: Final = "events.topic"

SINK_KEYS: Final[Sequence[ConfigKey]] = (
    ConfigKey(EVENTS_TOPIC_KEY, read_text, GESTURE_TOPIC, "Topic the start and end of each gesture go to."),
)
