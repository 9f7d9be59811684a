"""Which frames of a stream's epochs are on the topic."""

import threading
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Final

import numpy as np
from kafka.consumer.fetcher import ConsumerRecord
from numpy.typing import NDArray

from kafka_io.settings import KafkaSettings
from kafka_io.whole_topic import read_whole_topic
from keypoints.codec import decode_records

_AT_ONCE: Final = 500

Place = tuple[int, int]
"""A partition and an offset in it."""

_Numbers = NDArray[np.int64]
_Read = dict[tuple[str, int], list[_Numbers]]
"""Sequence numbers by stream and epoch."""


class PublishedFrames:
    """Finds the frames that are on a topic. Safe for several threads.

    The files of a run that was killed share the place where it began: a partition is read once from there to its end,
    however many files ask.
    """

    def __init__(self, kafka: KafkaSettings, topic: str) -> None:
        self._kafka = kafka
        self._topic = topic
        self._lock = threading.Lock()
        self._read: dict[Place, _Read] = {}

    def find(self, stream_id: str, place: Place, epochs: Mapping[int, int]) -> frozenset[int]:
        """Numbers of the pictures whose frames are there, from a place to its partition's end.

        `epochs` are those looked for, by the number of the picture each began at; within one every picture has a frame.
        Raises KafkaUnavailable or KafkaRefused.
        """
        with self._lock:
            if place not in self._read:
                self._read[place] = self._read_from(place)
            read = self._read[place]
        found: set[int] = set()
        for picture, epoch in epochs.items():
            for sequences in read.get((stream_id, epoch), ()):
                found.update((sequences + picture).tolist())
        return frozenset(found)

    def _read_from(self, place: Place) -> _Read:
        partition, offset = place
        records = read_whole_topic(self._kafka, self._topic, starts={partition: offset}, only=[partition])
        read: _Read = {}
        for some in _chunk(records):
            batch = decode_records(some).batch
            for stream_id in set(batch.stream_id.tolist()):
                of_stream = batch.stream_id == stream_id
                for epoch in np.unique(batch.epoch[of_stream]).tolist():
                    sequences = batch.sequence[of_stream & (batch.epoch == epoch)]
                    read.setdefault((stream_id, epoch), []).append(sequences)
        return read


def _chunk(records: Iterable[ConsumerRecord]) -> Iterator[list[ConsumerRecord]]:
    iterator = iter(records)
    while some := list(islice(iterator, _AT_ONCE)):
        yield some
