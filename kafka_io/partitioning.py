"""Where Kafka's default partitioner puts a stream."""

from typing import Final

from kafka.partitioner.default import murmur2

from keypoints.topics import record_key

_SIGN: Final = 0x7FFFFFFF


def partition_of(stream_id: str, partitions: int) -> int:
    """The partition Kafka's default partitioner gives a stream on a topic of so many."""
    return int((murmur2(record_key(stream_id)) & _SIGN) % partitions)
