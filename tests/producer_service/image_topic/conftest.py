"""A topic of images on the real broker, members of its group, and what came of the images."""

from __future__ import annotations

import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pytest
from kafka.consumer.fetcher import ConsumerRecord

from kafka_io.admin import delete_topic, group_offsets, topic_end_offsets
from kafka_io.group_offsets import delete_group
from kafka_io.publisher import BoundedPublisher
from kafka_io.settings import KafkaSettings
from kafka_io.whole_topic import read_whole_topic
from keypoints import HolisticFrame, decode
from keypoints.topics import parse_origin
from producer_service.image_topic.run import ImageTopicOptions, run_image_topic
from producer_service.image_topic.settings import ImageTopicSettings
from producer_service.landmarks.pool.options import PoolOptions
from producer_service.ledger import Ledger
from producer_service.pipeline import wall_clock_us
from producer_service.settings import ProducerSettings
from tests.producer_service.finders import TROUBLESOME
from tests.producer_service.made_media import draw_quarters, encode_picture

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Published:
    """A frame on the topic of frames: where it is, and which image it was made of."""

    partition: int
    offset: int
    origin: Place
    frame: HolisticFrame


@cache
def person_jpeg() -> bytes:
    """A picture in which the test's landmarker finds a right hand."""
    return encode_picture(draw_quarters(), "JPEG")


def white_jpeg() -> bytes:
    """A picture the test's landmarker breaks at."""
    return encode_picture(np.full((48, 64, 3), 255, np.uint8), "JPEG")


@dataclass(slots=True)
class ImageTopic:
    """A topic of images, its group, and the topics its frames and dead letters go to."""

    kafka: KafkaSettings
    topic: str
    output: str
    group: str
    sent: dict[Place, tuple[str, int]] = field(default_factory=dict)
    """Place → its stream, and its number in that, of every image."""
    _numbers: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def send(self, streams: list[str | None], value: bytes | None = None, **headers: bytes) -> None:
        """One image after the other, of these streams, taken now."""
        told: list[tuple[str, int]] = []
        for stream_id in streams:
            name = stream_id or ""
            told.append((name, self._numbers[name]))
            self._numbers[name] += 1

        def note(delivery: object) -> None:
            tag, partition, offset = (getattr(delivery, name) for name in ("tag", "partition", "offset"))
            self.sent[partition, offset] = told[tag]

        with BoundedPublisher(self.kafka, on_delivery=note) as publisher:
            for index, stream_id in enumerate(streams):
                publisher.publish(
                    self.topic,
                    None if stream_id is None else stream_id.encode(),
                    person_jpeg() if value is None else value,
                    [(name.replace("_", "-"), content) for name, content in headers.items()],
                    wall_clock_us() // 1000,
                    index,
                )

    def settings(self, **given: object) -> ImageTopicSettings:
        """A member's."""
        usual: dict[str, object] = {
            "topic": self.topic, "group": self.group, "dead_letter_topic": self.dead_letter_topic, "workers": 1,
            "commit_every_s": 0.2, "http_port": 0,
        }  # fmt: skip
        return ImageTopicSettings(**{**usual, **given})  # type: ignore[arg-type]

    def environment(self, **given: object) -> dict[str, str]:
        """The same for a process of its own."""
        settings = self.settings(**given)
        ours = {f"HOLISTIC_IMAGES_{name.upper()}": str(getattr(settings, name)) for name in settings.model_fields_set}
        return {**ours, "HOLISTIC_TOPIC": self.output, "KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap_servers}

    @property
    def dead_letter_topic(self) -> str:
        return f"holistic-dlq-{self.topic}"

    def run(
        self, stop: threading.Event | None = None, *, to_end: bool = True, pool: dict[str, object] | None = None,
        delivery_timeout_s: float = 20, **given: object,
    ) -> Ledger:  # fmt: skip
        """Work as a member on this thread."""
        options = PoolOptions(**{"workers": 1, "standby": 0, "opener": TROUBLESOME, **(pool or {})})  # type: ignore[arg-type]
        return run_image_topic(
            self.settings(**given),
            ProducerSettings(topic=self.output, delivery_timeout_s=delivery_timeout_s),
            self.kafka,
            stop or threading.Event(),
            ImageTopicOptions(options, to_end=to_end),
        )

    @contextmanager
    def running(self, **given: object) -> Iterator[None]:
        """A member on a thread of its own, for the length of the block."""
        stop = threading.Event()
        failed: list[BaseException] = []

        def work() -> None:
            try:
                self.run(stop, to_end=False, **given)  # type: ignore[arg-type]
            except BaseException as error:  # noqa: BLE001 - raised again where the test is
                failed.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(60)
        assert not thread.is_alive()
        if failed:
            raise failed[0]

    def frames(self) -> list[Published]:
        """All that is on the topic of frames, in order within each partition."""
        found = []
        for record in read_whole_topic(self.kafka, self.output):
            origin = parse_origin(record.headers)
            assert origin is not None
            assert origin[0] == self.topic
            frame = decode(record.value, key=record.key)
            found.append(Published(record.partition, record.offset, origin[1:], frame))
        return found

    def letters(self) -> list[ConsumerRecord]:
        """All dead letters."""
        return list(read_whole_topic(self.kafka, self.dead_letter_topic))

    def committed(self) -> dict[int, int]:
        """Partition → the group's next offset."""
        return group_offsets(self.kafka, self.group, self.topic)

    def all_committed(self) -> bool:
        return self.committed() == topic_end_offsets(self.kafka, self.topic)

    def check_each_once(self) -> list[Published]:
        """Every image has one frame, its stream's own, and each stream's are in order. Returns the frames."""
        frames = self.frames()
        assert sorted(one.origin for one in frames) == sorted(self.sent)
        numbers: dict[str, list[int]] = defaultdict(list)
        for one in frames:
            stream_id, number = self.sent[one.origin]
            assert one.frame.stream_id == stream_id
            numbers[stream_id].append(number)
        assert numbers == {stream_id: list(range(count)) for stream_id, count in self._numbers.items()}
        return frames


@pytest.fixture
def images(kafka_settings: KafkaSettings, make_topic: Callable[..., str]) -> Iterator[ImageTopic]:
    """A topic of images with six partitions, and one of frames with four."""
    topic = make_topic(partitions=6, name="images", max_message_bytes=8 * 1024 * 1024)
    made = ImageTopic(kafka_settings, topic, make_topic(partitions=4), f"images-{uuid.uuid4().hex[:8]}")
    with ExitStack() as undone:
        undone.callback(delete_group, kafka_settings, made.group)
        undone.callback(delete_topic, kafka_settings, made.dead_letter_topic)
        yield made
