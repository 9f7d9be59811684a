"""What tests of the whole service share."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kafka_io.settings import KafkaSettings
from tests.consumers.avatar.live import House


@pytest.fixture
def make_house(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str], tmp_path: Path
) -> Iterator[Callable[..., House]]:
    """`make_house(partitions)`: a topic and a group of their own."""
    made: list[House] = []

    def make(partitions: int = 1) -> House:
        made.append(House(kafka_settings, make_topic(partitions), f"avatar-{uuid.uuid4().hex[:8]}", tmp_path))
        return made[-1].__enter__()

    yield make
    for house in made:
        house.__exit__(None, None, None)
