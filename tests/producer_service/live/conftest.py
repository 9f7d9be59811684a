"""A studio on the real broker, with landmarkers that need no model in real worker processes."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from kafka_io.settings import KafkaSettings
from producer_service.landmarks.pool.options import PoolOptions
from producer_service.live.opening import OpenStudio, open_studio
from producer_service.pipeline import wall_clock_us
from producer_service.settings import ProducerSettings
from tests.producer_service.finders import TROUBLESOME

OpenedStudio = Callable[..., tuple[OpenStudio, str]]


@pytest.fixture
def open_a_studio(kafka_settings: KafkaSettings, make_topic: Callable[..., str]) -> Iterator[OpenedStudio]:
    """`open_a_studio(**pool options)` gives a studio and its topic of three partitions; closed after the test."""
    with ExitStack() as opened:

        def open_one(**options: object) -> tuple[OpenStudio, str]:
            topic = make_topic(partitions=3)
            settings = ProducerSettings(topic=topic, delivery_timeout_s=20)
            pool = PoolOptions(**{"workers": 1, "standby": 0, "opener": TROUBLESOME, **options})  # type: ignore[arg-type]
            return opened.enter_context(open_studio(settings, pool, kafka_settings, wall_clock_us)), topic

        yield open_one
