"""Replays of the topic of frames."""

from collections.abc import Callable, Mapping

from consumers.avatar.viewer.hub import Parts
from consumers.avatar.viewer.orders import Replay
from consumers.avatar.viewer.replay.performance import StageMaker
from consumers.avatar.viewer.replay.reading import TopicReading
from consumers.avatar.viewer.replay.tools import ReplayTools
from kafka_io.schema_topic import TopicSchemaLookup
from kafka_io.settings import KafkaSettings


def replay_from_kafka(
    kafka: KafkaSettings,
    topic: str,
    make_stage: StageMaker,
    parts: Parts,
    now_us: Callable[[], int],
    seen_in: Callable[[], Mapping[str, int]] = dict,
) -> ReplayTools:
    """What replays of this topic are made of; `seen_in` says in which partition each stream was seen last."""

    def open_reading(asked: Replay) -> TopicReading:
        return TopicReading(kafka, topic, asked.streams, (asked.from_ms, asked.to_ms), seen_in())

    return ReplayTools(open_reading, make_stage, TopicSchemaLookup(kafka), parts, now_us)
