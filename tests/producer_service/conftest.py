"""What the producer's tests share: its topics on the real broker, and landmarkers that need no model."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from kafka import TopicPartition

from kafka_io.admin import topic_end_offsets
from kafka_io.consumer import make_consumer
from kafka_io.settings import KafkaSettings
from keypoints import HolisticFrame, decode
from local_stack import start_stack, stop_stack
from tests.producer_service.made_media import draw_quarters, encode_picture

Position = tuple[int, int]


def read_whole_topic(kafka: KafkaSettings, topic: str) -> dict[Position, HolisticFrame]:
    """Every frame on a topic, by (partition, offset), checked to be Kafka's whole log."""
    ends = topic_end_offsets(kafka, topic)
    consumer = make_consumer(kafka, None)
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


@pytest.fixture
def read_topic(kafka_settings: KafkaSettings) -> Callable[[str], dict[Position, HolisticFrame]]:
    """`read_topic(name)`: every frame on the topic, by (partition, offset), checked to be Kafka's whole log."""
    return lambda topic: read_whole_topic(kafka_settings, topic)


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


@pytest.fixture(scope="module")
def own_stack() -> Iterator[tuple[Path, KafkaSettings]]:
    """A stack of this module's own, for its tests stop and kill the broker."""
    data_dir = Path(tempfile.mkdtemp(prefix="holistic-producer-"))
    try:
        yield data_dir, KafkaSettings(bootstrap_servers=start_stack(data_dir).kafka_bootstrap_servers)
    finally:
        stop_stack(data_dir)
        shutil.rmtree(data_dir, ignore_errors=True)
