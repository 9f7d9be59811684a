"""A stream's role in the topic of roles, which may hold how its performer's face is at rest: found, and taken away."""

from typing import Final

from kafka.consumer.fetcher import ConsumerRecord

from connect_runtime.forgetting.places import NOTHING_FOUND, Found, Subject
from kafka_io.publisher import BoundedPublisher, Delivery
from kafka_io.settings import KafkaSettings
from kafka_io.whole_topic import read_whole_topic
from keypoints.errors import HolisticError
from keypoints.topics import AVATAR_ROLES_TOPIC

_FLUSH_S: Final = 30.0


class AvatarRoles:
    """The compacted topic of roles. A role given after the moment stays."""

    name: Final = f"topic {AVATAR_ROLES_TOPIC}"
    proof: Final = (
        "the topic was read to its end: no role of the stream holds; what held before is gone once Kafka compacts it"
    )

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka

    def find(self, subject: Subject) -> Found:
        """The role that holds now, if it does. Raises KafkaUnavailable or KafkaRefused."""
        role = self._read(subject.stream_id)
        if role is None or not subject.holds(role.timestamp * 1000, role.timestamp):
            return NOTHING_FOUND
        return Found(1, role.timestamp * 1000, {"offsets": [[role.partition, role.offset]]})

    def erase(self, subject: Subject) -> Found:
        """Take it away: every service that follows the topic lets go of it at once."""
        found = self.find(subject)
        if found.records:
            failed: list[HolisticError] = []

            def settle(delivery: Delivery) -> None:
                if delivery.error is not None:
                    failed.append(delivery.error)

            with BoundedPublisher(self._kafka, on_delivery=settle) as publisher:
                publisher.publish(AVATAR_ROLES_TOPIC, subject.stream_id.encode(), None, partition=0)
                publisher.flush(_FLUSH_S)
            if failed:
                raise failed[0]
        return found

    def _read(self, stream_id: str) -> ConsumerRecord | None:
        newest = None
        for record in read_whole_topic(self._kafka, AVATAR_ROLES_TOPIC):
            if record.key == stream_id.encode():
                newest = None if record.value is None else record
        return newest
