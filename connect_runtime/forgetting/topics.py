"""Topics a record cannot be erased from, and when it is gone from them by itself."""

from collections.abc import Mapping
from typing import Final

from kafka.admin import ConfigResource, ConfigResourceType

from connect_runtime.forgetting.places import Lingering
from kafka_io.admin import open_admin
from kafka_io.settings import KafkaSettings
from keypoints.topics import RESTORED_SUFFIX

_RETENTION: Final = "retention.ms"
_SEGMENT: Final = "segment.ms"
_POLICY: Final = "cleanup.policy"


def find_lingering(kafka: KafkaSettings, topic: str, newest_us: int) -> Lingering | None:
    """What stays in a topic of a stream whose newest record there has this time, microseconds since 1970.

    None where there is no such topic. Raises KafkaUnavailable or KafkaRefused.
    """
    place = f"topic {topic}"
    configs = _read_configs(kafka, topic)
    if not configs:
        return None
    retention_ms, segment_ms = int(configs[_RETENTION]), int(configs[_SEGMENT])
    if "delete" not in configs[_POLICY] or retention_ms < 0:
        return Lingering(place, None, f"it keeps records without end ({_RETENTION}={retention_ms}): delete the topic")
    # A segment goes when its last record is past retention, and takes records until it is as old as segment.ms.
    return Lingering(
        place,
        newest_us + (retention_ms + segment_ms) * 1000,
        f"records of a topic with {_POLICY}=delete cannot be removed one by one; its newest segment with the stream "
        f"goes by then ({_RETENTION}={retention_ms}, {_SEGMENT}={segment_ms})",
    )


def list_restored_topics(kafka: KafkaSettings) -> list[str]:
    """Topics that records were restored to, by their usual name. Raises KafkaUnavailable or KafkaRefused."""
    with open_admin(kafka, "listing topics") as admin:
        return sorted(name for name in admin.list_topics() if name.endswith(RESTORED_SUFFIX))


def _read_configs(kafka: KafkaSettings, topic: str) -> Mapping[str, str]:
    resource = ConfigResource(ConfigResourceType.TOPIC, topic, [_RETENTION, _SEGMENT, _POLICY])
    with open_admin(kafka, f"reading the retention of {topic}", topic=topic) as admin:
        answer = admin.describe_configs([resource], config_filter="all").get("topic", {}).get(topic, {})
    return {name: stored["value"] for name, stored in answer.items() if name in {_RETENTION, _SEGMENT, _POLICY}}
