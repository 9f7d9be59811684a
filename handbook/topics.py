"""Topics and headers."""

from typing import Final

from connect_runtime.dead_letters import OMITTED_VALUE_HEADER, TOPIC_ID_HEADER
from handbook.markdown import write_code, write_page, write_table
from kafka_io.failure_headers import FAILED_AT_HEADER
from keypoints.topics import (
    ATTEMPT_HEADER,
    AVATAR_ROLES_TOPIC,
    CONNECT_CONFIGS_TOPIC,
    CONNECT_STATUS_TOPIC,
    CONTENT_TYPE_HEADER,
    FORGOTTEN_TOPIC,
    GAPS_TOPIC,
    GESTURE_TOPIC,
    IMAGES_TOPIC,
    ORIGIN_HEADER,
    RESTORED_SUFFIX,
    SCHEMA_VERSION_HEADER,
    SCHEMAS_TOPIC,
    SUITE_TOPICS,
    TRACEPARENT_HEADER,
    TRACKING_TOPIC,
    dead_letter_topic,
    retry_topic,
)

MEANINGS: Final = {
    TRACKING_TOPIC: "One record a frame: key is the stream, value Avro or the classic JSON.",
    GESTURE_TOPIC: "What analytics finds: a JSON event when something begins and one when it ends.",
    SCHEMAS_TOPIC: "The writers' Avro schemas, by fingerprint.",
    IMAGES_TOPIC: "JPEG, PNG and WebP pictures that `holistic images` looks at.",
    CONNECT_CONFIGS_TOPIC: "Settings and wished states of connectors, for all replicas.",
    CONNECT_STATUS_TOPIC: "How each replica is, every few seconds.",
    GAPS_TOPIC: "What connectors could not read because it was gone.",
    FORGOTTEN_TOPIC: "Streams whose records, up to a moment, are to be nowhere, as salted digests.",
    AVATAR_ROLES_TOPIC: "Who plays which avatar, where it is shown, and how their face looks at rest.",
}
"""Of each topic that is made at the start."""

_HEADERS: Final = (
    (CONTENT_TYPE_HEADER, "frames, events, images", "`avro/binary` or `application/json`; of images their own type."),
    (SCHEMA_VERSION_HEADER, "frames", "Version of the frame's schema."),
    (TRACEPARENT_HEADER, "frames", "W3C trace context, when the frame is traced."),
    (ORIGIN_HEADER, "records published again", "Who the record was: `topic/partition/offset`."),
    (ATTEMPT_HEADER, "records published again", "How often it was published again."),
    (TOPIC_ID_HEADER, "dead letters", "Id of the topic the record was read from."),
    (OMITTED_VALUE_HEADER, "dead letters", "Bytes of a value that was too large to be kept."),
    (FAILED_AT_HEADER, "dead letters", "When the record failed, ms since 1970."),
    ("__connect.errors.…", "dead letters", "Kafka Connect's own: topic, partition, offset, stage, class, message."),
)
_MADE_LATER: Final = (
    (dead_letter_topic("CONNECTOR"), "Records a connector could not use; made with the first one."),
    (retry_topic("CONNECTOR"), "Dead letters published again, for that connector alone."),
    (f"TOPIC{RESTORED_SUFFIX}", "What `holistic restore` publishes, unless another topic is named."),
)


def write_topics() -> str:
    """The page of topics and headers."""
    topics = [
        (
            write_code(spec.name),
            str(spec.partitions),
            ", ".join(write_code(f"{key}={value}") for key, value in spec.configs.items()),
            MEANINGS.get(spec.name, ""),
        )
        for spec in SUITE_TOPICS
    ]
    return write_page(
        "Topics and headers",
        "`holistic up` makes these topics, and so does a service that needs one and does not find it.",
        [
            "## Topics\n\n" + write_table(("topic", "partitions", "settings", "what is in it"), topics),
            "## Made when needed\n\n"
            + write_table(("topic", "what is in it"), [(write_code(name), text) for name, text in _MADE_LATER]),
            "## Headers\n\n"
            + write_table(
                ("header", "on", "what it says"), [(write_code(name), where, text) for name, where, text in _HEADERS]
            ),
        ],
    )
