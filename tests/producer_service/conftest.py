"""What the producer's tests share: its topics on the real broker, and landmarkers that need no model."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from kafka import TopicPartition

from kafka_io.admin import topic_end_offsets
from kafka_io.consumer import make_consumer
from kafka_io.settings import KafkaSettings
from keypoints import HolisticFrame, decode
from producer_service.capture.captured import RgbImage
from producer_service.landmarks.landmarker import LandmarkerFailed, Landmarks
from tests.producer_service.made_media import draw_quarters, encode_picture

Position = tuple[int, int]


class RightHandFinder:
    """A landmarker by colour: a right hand where it is red top left, nobody elsewhere, and white pictures break it."""

    model = "right-hand-finder"

    def __init__(self) -> None:
        self.closed = False
        # Nothing a codec could make smaller.
        self._hand = np.random.default_rng(9).random((21, 3)).astype(np.float32)

    def find(self, image: RgbImage) -> Landmarks:
        assert not self.closed
        if image.min() == 255:
            raise LandmarkerFailed("white pictures break it", width=image.shape[1], height=image.shape[0])
        if image[0, 0, 0] < 100:
            return Landmarks()
        return Landmarks(right_hand=self._hand)

    def reset(self) -> None:
        assert not self.closed

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def read_topic(kafka_settings: KafkaSettings) -> Callable[[str], dict[Position, HolisticFrame]]:
    """`read_topic(name)`: every frame on the topic, by (partition, offset), checked to be Kafka's whole log."""

    def read(topic: str) -> dict[Position, HolisticFrame]:
        ends = topic_end_offsets(kafka_settings, topic)
        consumer = make_consumer(kafka_settings, None)
        frames: dict[Position, HolisticFrame] = {}
        try:
            partitions = [TopicPartition(topic, partition) for partition in ends]
            consumer.assign(partitions)
            consumer.seek_to_beginning(*partitions)
            while len(frames) < sum(ends.values()):
                for records in consumer.poll(timeout_ms=500).values():
                    for record in records:
                        frame = decode(record.value, key=record.key)
                        assert record.timestamp == frame.captured_at_us // 1000
                        assert record.key == frame.stream_id.encode()
                        frames[record.partition, record.offset] = frame
        finally:
            consumer.close()
        return frames

    return read


@pytest.fixture
def picture_folder(tmp_path: Path) -> Path:
    """Six files of a folder: a person, a damaged picture, a person, nobody, no picture at all, a person."""
    folder = tmp_path / "shots"
    folder.mkdir()
    person = encode_picture(draw_quarters())
    nobody = encode_picture(np.zeros((48, 64, 3), np.uint8))
    contents = [person, person[: len(person) // 2], person, nobody, b"no picture", person]
    for index, content in enumerate(contents):
        (folder / f"{index}.png").write_bytes(content)
    return folder
