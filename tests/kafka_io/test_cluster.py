"""Topics, publishing and schemas on a real broker."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Callable

import pytest
from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.consumer.fetcher import ConsumerRecord

from kafka_io.admin import (
    create_topics,
    delete_topic,
    group_lag,
    group_offsets,
    open_admin,
    topic_end_offsets,
    topic_id,
    topic_start_offsets,
)
from kafka_io.consumer import make_consumer
from kafka_io.errors import KafkaRefused, KafkaUnavailable, PublisherFull, RecordTooLarge
from kafka_io.publisher import BoundedPublisher, Delivery, PublisherOptions
from kafka_io.schema_topic import TopicSchemaLookup, announce_schema
from kafka_io.settings import KafkaSettings
from keypoints.errors import Terminal, Transient
from keypoints.schemas import FRAME_SCHEMA, SchemaUnknown, fingerprint_schema
from keypoints.topics import SCHEMAS_TOPIC, SUITE_TOPICS, TopicSpec

pytestmark = pytest.mark.servers


def test_creating_a_topic_twice_creates_it_once_with_its_configs(kafka_settings: KafkaSettings) -> None:
    spec = TopicSpec(f"test-{uuid.uuid4().hex[:8]}", 3, {"retention.ms": "60000"})
    try:
        assert create_topics(kafka_settings, [spec]) == [spec.name]
        first_id = topic_id(kafka_settings, spec.name)
        assert create_topics(kafka_settings, [spec]) == []
        assert topic_end_offsets(kafka_settings, spec.name) == {0: 0, 1: 0, 2: 0}
    finally:
        delete_topic(kafka_settings, spec.name)
    delete_topic(kafka_settings, spec.name)
    create_topics(kafka_settings, [spec])
    try:
        assert topic_id(kafka_settings, spec.name) != first_id, "a topic made again is another topic"
    finally:
        delete_topic(kafka_settings, spec.name)


def test_an_unknown_topic_is_refused_by_name(kafka_settings: KafkaSettings) -> None:
    with pytest.raises(KafkaRefused, match="there is no topic no-such-topic"):
        topic_end_offsets(kafka_settings, "no-such-topic")
    with (
        BoundedPublisher(kafka_settings) as publisher,
        pytest.raises(KafkaRefused, match="there is no topic no-such-topic"),
    ):
        publisher.publish("no-such-topic", b"k", b"v")


@pytest.mark.parametrize(
    "connect",
    [
        lambda settings: topic_end_offsets(settings, "any"),
        BoundedPublisher,
        lambda settings: make_consumer(settings, "any", bootstrap_timeout_ms=500),
    ],
    ids=["admin", "publisher", "consumer"],
)
def test_an_absent_broker_is_transient_says_so_and_leaves_no_thread_behind(
    connect: Callable[[KafkaSettings], object],
) -> None:
    before = set(threading.enumerate())
    with pytest.raises(KafkaUnavailable) as caught:
        connect(KafkaSettings(bootstrap_servers="127.0.0.1:1"))
    assert isinstance(caught.value, Transient)
    assert caught.value.hint is not None
    assert set(threading.enumerate()) <= before


def test_published_records_come_back_whole_and_a_group_s_lag_counts_what_it_has_not_committed(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str]
) -> None:
    topic, group = make_topic(partitions=2), f"group-{uuid.uuid4().hex[:8]}"
    deliveries: list[Delivery] = []
    with BoundedPublisher(kafka_settings, on_delivery=deliveries.append) as publisher:
        for index in range(10):
            publisher.publish(topic, b"k", b"v%d" % index, [("h", b"1")], 1_700_000_000_000 + index, tag=index)
        publisher.flush()
        counts = publisher.counts()
    assert (counts.acknowledged, counts.failed, counts.in_flight, counts.in_flight_bytes) == (10, 0, 0, 0)
    assert [delivery.tag for delivery in deliveries] == list(range(10))
    assert [delivery.offset for delivery in deliveries] == list(range(10))
    [partition] = {delivery.partition for delivery in deliveries}
    assert partition is not None
    assert topic_start_offsets(kafka_settings, topic) == {0: 0, 1: 0}
    assert group_lag(kafka_settings, group, topic) == {partition: 10, 1 - partition: 0}

    consumer: KafkaConsumer = make_consumer(kafka_settings, group)
    place = TopicPartition(topic, partition)
    consumer.assign([place])
    records: list[ConsumerRecord] = []
    while len(records) < 10:
        records += consumer.poll(timeout_ms=5_000)[place]
    consumer.commit({place: OffsetAndMetadata(7, "", -1)})
    consumer.close()
    assert [(one.key, one.value, tuple(one.headers), one.timestamp) for one in records] == [
        (b"k", b"v%d" % index, (("h", b"1"),), 1_700_000_000_000 + index) for index in range(10)
    ]
    assert group_offsets(kafka_settings, group, topic) == {partition: 7}
    assert group_lag(kafka_settings, group, topic)[partition] == 3


def test_a_record_too_large_for_the_client_is_refused_at_once(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str]
) -> None:
    with (
        BoundedPublisher(kafka_settings, PublisherOptions(max_request_bytes=10_000)) as publisher,
        pytest.raises(RecordTooLarge) as caught,
    ):
        publisher.publish(make_topic(), b"k", bytes(20_000))
    assert isinstance(caught.value, Terminal)
    assert publisher.counts().in_flight == 0


def test_a_record_the_topic_would_refuse_is_refused_at_once_and_harms_no_other(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str]
) -> None:
    topic = make_topic(max_message_bytes="2000")
    now_ms = int(time.time() * 1000)
    with BoundedPublisher(kafka_settings) as publisher:
        publisher.publish(topic, b"k", b"before")
        with pytest.raises(RecordTooLarge):
            publisher.publish(topic, b"k", bytes(2_000))
        with pytest.raises(KafkaRefused, match="ahead of now"):
            publisher.publish(topic, b"k", b"from tomorrow", timestamp_ms=now_ms + 86_400_000)
        publisher.publish(topic, b"k", b"last year", timestamp_ms=now_ms - 365 * 86_400_000)
        for _ in range(10):
            publisher.publish(topic, b"k", bytes(range(256)) * 7)
        publisher.flush()
        assert publisher.counts().acknowledged == 12
        assert publisher.counts().failed == 0


def test_publishing_goes_on_after_the_broker_refused_a_record_nobody_foresaw(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str]
) -> None:
    topic = make_topic()
    deliveries: list[Delivery] = []
    with BoundedPublisher(kafka_settings, on_delivery=deliveries.append) as publisher:
        publisher.publish(topic, b"k", b"the limits are known from now on")
        publisher.flush()
        with open_admin(kafka_settings, "narrowing the topic") as admin:
            admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"max.message.bytes": "2000"})])
        # The broker goes by what its controller has taken a moment later.
        for _ in range(100):
            publisher.publish(topic, b"k", random.Random(1).randbytes(20_000), tag="large")
            publisher.flush()
            if deliveries[-1].error is not None:
                break
        assert isinstance(deliveries[-1].error, RecordTooLarge)
        publisher.publish(topic, b"k", b"small", tag="small")
        publisher.flush()
        assert deliveries[-1].tag == "small"
        assert deliveries[-1].error is None


def test_a_full_publisher_blocks_then_raises_and_takes_records_again_when_there_is_room(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str]
) -> None:
    topic = make_topic()
    acknowledging = threading.Event()
    options = PublisherOptions(max_in_flight_bytes=50_000, block_s=0.3, metadata_s=30.0)

    def hold(_: Delivery) -> None:
        acknowledging.wait(20)

    with BoundedPublisher(kafka_settings, options, on_delivery=hold) as publisher:
        publisher.publish(topic, b"k", bytes(30_000))
        with pytest.raises(PublisherFull):
            publisher.publish(topic, b"k", bytes(30_000))
        assert publisher.counts().in_flight == 1
        acknowledging.set()
        publisher.flush()
        publisher.publish(topic, b"k", bytes(30_000))
        publisher.flush()
        assert publisher.counts().acknowledged == 2


def test_an_announced_schema_is_found_by_its_fingerprint_also_by_a_reader_that_asked_before(
    kafka_settings: KafkaSettings,
) -> None:
    create_topics(kafka_settings, [spec for spec in SUITE_TOPICS if spec.name == SCHEMAS_TOPIC])
    extra = {"name": f"field_{uuid.uuid4().hex[:8]}", "type": "string"}
    schema = {**FRAME_SCHEMA, "fields": [*FRAME_SCHEMA["fields"], extra]}
    fingerprint = fingerprint_schema(schema)
    now = [0.0]
    lookup = TopicSchemaLookup(kafka_settings, clock=lambda: now[0])
    with pytest.raises(SchemaUnknown) as caught:
        lookup.by_fingerprint(fingerprint)
    assert caught.value.fields["fingerprint"] == fingerprint.hex()
    assert announce_schema(kafka_settings, schema, fingerprint) is None
    now[0] += 10.0
    assert lookup.by_fingerprint(fingerprint) == schema


def test_a_registry_id_without_a_registry_is_unknown_and_says_what_to_set(kafka_settings: KafkaSettings) -> None:
    lookup = TopicSchemaLookup(KafkaSettings(bootstrap_servers=kafka_settings.bootstrap_servers))
    with pytest.raises(SchemaUnknown) as caught:
        lookup.by_registry_id(7)
    assert caught.value.hint is not None
    assert "SCHEMA_REGISTRY_URL" in caught.value.hint
