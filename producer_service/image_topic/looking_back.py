"""Which images a partition's last owner had published without having committed them."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kafka_io.settings import KafkaSettings
from kafka_io.whole_topic import read_whole_topic
from keypoints.errors import HolisticError
from keypoints.topics import parse_origin
from producer_service.image_topic.positions import OutputPositions

log = logging.getLogger(__name__)

_TRY_AGAIN_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class LookBack:
    """A question: which images of `partition` from `first` on are there as frames, from these positions on?

    `tell` gets their offsets, on a thread of its own.
    """

    partition: int
    first: int
    positions: OutputPositions
    tell: Callable[[frozenset[int]], None]


class BackLooker:
    """Reads ends of the topic of frames, beside everything else: they may be long where others publish there too."""

    def __init__(self, kafka: KafkaSettings, images_topic: str) -> None:
        self._kafka = kafka
        self._images_topic = images_topic
        self._closed = threading.Event()

    def look(self, questions: Sequence[LookBack]) -> None:
        """Answer these with one reading, and try again until Kafka lets us read."""
        if questions:
            threading.Thread(target=self._look, args=(questions,), name="looking back", daemon=True).start()

    def close(self) -> None:
        """Answer nothing more."""
        self._closed.set()

    def _look(self, questions: Sequence[LookBack]) -> None:
        while not self._closed.is_set():
            try:
                found = self._find(questions)
            except HolisticError as error:
                log.warning("what was published before cannot be read yet: %s", error.message)
                self._closed.wait(_TRY_AGAIN_S)
                continue
            for question in questions:
                question.tell(frozenset(found[question.partition]))
            return

    def _find(self, questions: Sequence[LookBack]) -> dict[int, set[int]]:
        firsts = {question.partition: question.first for question in questions}
        found: dict[int, set[int]] = {partition: set() for partition in firsts}
        starts = _earliest([question.positions.by_partition() for question in questions])
        for record in read_whole_topic(self._kafka, questions[0].positions.topic, starts=starts):
            if self._closed.is_set():
                break
            origin = parse_origin(record.headers)
            if origin is None or origin[0] != self._images_topic:
                continue
            _, partition, offset = origin
            if partition in firsts and offset >= firsts[partition]:
                found[partition].add(offset)
        return found


def _earliest(positions: Sequence[Mapping[int, int]]) -> dict[int, int]:
    """Partitions that one of them does not know are read from their start."""
    known = set.intersection(*(set(each) for each in positions))
    return {partition: min(each[partition] for each in positions) for partition in known}
