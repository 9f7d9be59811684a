"""Records taken out of a small topic, and those of others left in it."""

import uuid
from collections.abc import Callable, Sequence

import pytest

from connect_runtime.forgetting.letters import Letters, find_letter_topics
from connect_runtime.forgetting.places import Subject
from kafka_io.admin import create_topics, delete_topic, topic_start_offsets
from kafka_io.publisher import BoundedPublisher
from kafka_io.settings import KafkaSettings
from kafka_io.whole_topic import read_whole_topic
from keypoints.codec import encode_avro, encode_json
from keypoints.frame import HolisticFrame
from keypoints.topics import TopicSpec, dead_letter_topic, retry_topic

pytestmark = pytest.mark.servers


def value_of(stream_id: str) -> bytes:
    frame = HolisticFrame(
        stream_id=stream_id, sequence=0, epoch=1, captured_at_us=5_000, processed_at_us=0, width=1, height=1
    )
    return encode_avro(frame)


def send(
    kafka: KafkaSettings, topic: str, records: Sequence[tuple[bytes | None, bytes]], timestamp_ms: int = 5
) -> None:
    with BoundedPublisher(kafka) as publisher:
        for number, (key, value) in enumerate(records):
            headers = [("number", str(number).encode()), ("twice", b""), ("twice", b"\xff")]
            publisher.publish(topic, key, value, headers, timestamp_ms)


def read(kafka: KafkaSettings, topic: str) -> list[tuple[object, ...]]:
    return sorted((r.key or b"", r.value, tuple(r.headers), r.timestamp) for r in read_whole_topic(kafka, topic))


def test_a_streams_letters_go_and_the_others_stay_as_they_were(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str]
) -> None:
    topic = make_topic(name="letters")
    json = encode_json(HolisticFrame(stream_id="ada", sequence=0, epoch=1, captured_at_us=5_000, processed_at_us=0,
                                     width=1, height=1))  # fmt: skip
    send(kafka_settings, topic, [(b"bob", b"?"), (b"ada", b"?"), (None, b"?"), (b"key", value_of("ada")), (b"x", json),
                                 (b"ada", value_of("bob")), (b"bob", b"?")])  # fmt: skip
    letters = Letters(kafka_settings, topic)
    ada = Subject("ada", 6_000)
    before = read(kafka_settings, topic)
    assert letters.find(ada).records == 3
    assert letters.find(Subject("ada", 5_000)).records == 0, "none was captured or recorded before"
    assert letters.erase(ada).records == 3
    assert letters.find(ada).records == 0
    assert letters.erase(ada).records == 0
    gone = {(b"ada", b"?"), (b"key", value_of("ada")), (b"x", json)}
    assert read(kafka_settings, topic) == [record for record in before if (record[0], record[1]) not in gone]
    assert topic_start_offsets(kafka_settings, topic) == {0: 5}


def test_a_kill_between_copying_and_removing_leaves_no_letter_twice_in_the_end(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str]
) -> None:
    topic = make_topic(name="letters")
    send(kafka_settings, topic, [(b"bob", b"1"), (b"eve", b"2"), (b"ada", b"3")])
    before = read(kafka_settings, topic)
    # As if killed there: copies of some are behind already.
    send(kafka_settings, topic, [(b"bob", b"1")])
    Letters(kafka_settings, topic).erase(Subject("ada", None))
    assert read(kafka_settings, topic) == [record for record in before if record[0] != b"ada"]


def test_who_the_records_are_is_told_before_they_go(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str]
) -> None:
    topic = make_topic(name="letters")
    errors = {"topic": "frames", "partition": "2", "offset": "7"}
    headers = [(f"__connect.errors.{name}", text.encode()) for name, text in errors.items()]
    with BoundedPublisher(kafka_settings) as publisher:
        publisher.publish(topic, b"ada", b"?", headers, 5)
        publisher.publish(topic, b"ada", b"?", [*headers, ("holistic-origin", b"other/1/3")], 5)
        publisher.publish(topic, b"ada", uuid.uuid4().bytes, [], 5)
    told: list[tuple[str, int, int]] = []
    letters = Letters(kafka_settings, topic, told.extend)

    def look_and_fail(identities: Sequence[tuple[str, int, int]]) -> None:
        told.extend(identities)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        Letters(kafka_settings, topic, look_and_fail).erase(Subject("ada", None))
    assert letters.find(Subject("ada", None)).records == 3, "nothing went before it was on record"
    assert told == [("frames", 2, 7), ("other", 1, 3)]
    letters.erase(Subject("ada", None))
    assert letters.find(Subject("ada", None)).records == 0


def test_topics_of_others_are_left_alone_whatever_they_are_called(kafka_settings: KafkaSettings) -> None:
    ours, theirs = f"ours-{uuid.uuid4().hex[:8]}", f"theirs-{uuid.uuid4().hex[:8]}"
    topics = [dead_letter_topic(ours), retry_topic(ours), retry_topic(theirs)]
    create_topics(kafka_settings, [TopicSpec(topic, 1) for topic in topics])
    try:
        found = find_letter_topics(kafka_settings)
        assert [topic in found for topic in topics] == [True, True, False]
        assert retry_topic(theirs) in find_letter_topics(kafka_settings, [theirs])
    finally:
        for topic in topics:
            delete_topic(kafka_settings, topic)
