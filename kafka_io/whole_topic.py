"""Everything a small topic holds now, read from its start to its end without a group."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping

from kafka import KafkaConsumer, TopicPartition
from kafka import errors as kafka_errors
from kafka.consumer.fetcher import ConsumerRecord

from kafka_io.admin import refuse_hidden
from kafka_io.consumer import make_consumer
from kafka_io.errors import KafkaUnavailable, explain_kafka_error
from kafka_io.settings import KafkaSettings

_POLL_MS = 200


def read_whole_topic(
    settings: KafkaSettings,
    topic: str,
    patience_s: float = 30.0,
    clock: Callable[[], float] = time.monotonic,
    starts: Mapping[int, int] | None = None,
    only: Collection[int] | None = None,
) -> Iterator[ConsumerRecord]:
    """The records there were when it was asked, in offset order within each partition; none when there is no topic.

    `starts` are offsets to begin at, by partition, where that is not the partition's own start; `only` names
    the partitions to be read, where not all are. Raises KafkaUnavailable, also when nothing more came for `patience_s`,
    or KafkaRefused, also for a topic that this login may not see.
    """
    consumer: KafkaConsumer = make_consumer(settings, None)
    try:
        if topic not in consumer.topics():
            refuse_hidden(settings, topic)
            return
        there = sorted(consumer.partitions_for_topic(topic))
        partitions = [TopicPartition(topic, index) for index in there if only is None or index in only]
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        consumer.seek_to_beginning(*partitions)
        for index, start in (starts or {}).items():
            # One that lies behind the end was noted of a topic that is no more.
            if start <= ends.get(TopicPartition(topic, index), -1):
                consumer.seek(TopicPartition(topic, index), start)
        heard_at = clock()
        while any(consumer.position(partition) < ends[partition] for partition in partitions):
            polled = consumer.poll(timeout_ms=_POLL_MS)
            if polled:
                heard_at = clock()
            elif clock() - heard_at > patience_s:
                raise KafkaUnavailable(f"reading {topic}: nothing came for {patience_s:g} s", topic=topic)
            for partition, records in polled.items():
                yield from (record for record in records if record.offset < ends[partition])
    except (kafka_errors.KafkaError, OSError) as error:
        raise explain_kafka_error(error, f"reading {topic}", topic=topic) from error
    finally:
        consumer.close()


def read_record(
    settings: KafkaSettings, topic: str, partition: int, offset: int, timeout_s: float = 10.0
) -> ConsumerRecord | None:
    """One record, or None when it is not there any more. Raises KafkaUnavailable or KafkaRefused."""
    consumer: KafkaConsumer = make_consumer(settings, None, auto_offset_reset="none", max_poll_records=1)
    place = TopicPartition(topic, partition)
    deadline_s = time.monotonic() + timeout_s
    try:
        if topic not in consumer.topics():
            refuse_hidden(settings, topic)
            return None
        consumer.assign([place])
        if not consumer.beginning_offsets([place])[place] <= offset < consumer.end_offsets([place])[place]:
            return None
        consumer.seek(place, offset)
        while time.monotonic() < deadline_s:
            for records in consumer.poll(timeout_ms=_POLL_MS).values():
                return records[0] if records[0].offset == offset else None
    except (kafka_errors.KafkaError, OSError) as error:
        raise explain_kafka_error(error, f"reading {topic}", topic=topic) from error
    finally:
        consumer.close()
    raise KafkaUnavailable(f"reading {topic}-{partition} offset {offset}: nothing came", topic=topic)
