"""Events that are not in memory any more, read from Kafka once more for a reader that goes on where it was."""

import time
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from kafka import TopicPartition
from kafka import errors as kafka_errors

from consumers.analytics.feed.event import EventFilter, FeedEvent, UnreadableEvent, read_event
from consumers.analytics.feed.hub import merge_by_time
from kafka_io.consumer import make_consumer
from kafka_io.errors import KafkaUnavailable, explain_kafka_error
from kafka_io.settings import KafkaSettings
from keypoints.codec import RawRecord

MOST_EARLIER: Final = 10_000
_PATIENCE_S: Final = 20.0
_ANSWER_MS: Final = 5_000
_POLL_MS: Final = 200


class Earlier(NamedTuple):
    """Events in the order they were published, and how many records before them could not be had."""

    events: list[FeedEvent]
    left_out: int


def read_earlier(
    kafka: KafkaSettings, topic: str, starts: Mapping[int, int], ends: Mapping[int, int], wanted: EventFilter
) -> Earlier:
    """The events from `starts` to before `ends`, by partition; of more than 10,000 records the newest.

    Records that are no events are passed over; who follows the topic has counted them. Raises KafkaUnavailable or
    KafkaRefused.
    """
    places = [TopicPartition(topic, partition) for partition in ends if starts.get(partition, 0) < ends[partition]]
    if not places:
        return Earlier([], 0)
    consumer = make_consumer(kafka, None, bootstrap_timeout_ms=_ANSWER_MS)
    try:
        consumer.assign(places)
        firsts = consumer.beginning_offsets(places, timeout_ms=_ANSWER_MS)
        share = MOST_EARLIER // len(places)
        left_out = 0
        for place in places:
            asked, end = starts.get(place.partition, 0), ends[place.partition]
            start = min(end, max(asked, firsts[place], end - share))
            left_out += start - asked
            consumer.seek(place, start)
        read: dict[int, list[RawRecord]] = {place.partition: [] for place in places}
        deadline_s = time.monotonic() + _PATIENCE_S
        while any(consumer.position(place) < ends[place.partition] for place in places):
            if time.monotonic() > deadline_s:
                raise KafkaUnavailable(f"reading {topic}: it took more than {_PATIENCE_S:g} s", topic=topic)
            for place, records in consumer.poll(timeout_ms=_POLL_MS).items():
                read[place.partition] += (record for record in records if record.offset < ends[place.partition])
    except (kafka_errors.KafkaError, OSError) as error:
        raise explain_kafka_error(error, f"reading {topic}", topic=topic) from error
    finally:
        consumer.close(autocommit=False, timeout_ms=1_000)
    return Earlier([event for event in _read_events(read) if wanted.admits(event)], left_out)


def _read_events(records: Mapping[int, list[RawRecord]]) -> Iterator[FeedEvent]:
    for record in merge_by_time(records):
        try:
            yield read_event(record)
        except UnreadableEvent:
            continue
