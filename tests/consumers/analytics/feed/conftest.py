"""The feed over topics of its tests' own."""

import uuid
from collections.abc import Callable, Iterator

import pytest

from consumers.analytics.feed.settings import FeedSettings
from kafka_io.admin import create_topics, delete_topic, open_admin
from kafka_io.settings import KafkaSettings
from keypoints.topics import TopicSpec
from tests.consumers.analytics.feed.serving import Publisher, serve


@pytest.fixture(scope="module")
def publisher(kafka_settings: KafkaSettings) -> Iterator[Publisher]:
    """To a topic of events of three partitions, and one of frames."""
    name = uuid.uuid4().hex[:12]
    topics = [TopicSpec(f"events-{name}", 3), TopicSpec(f"frames-{name}", 2)]
    create_topics(kafka_settings, topics)
    yield Publisher(kafka_settings, topics[0].name, topics[1].name)
    for topic in topics:
        delete_topic(kafka_settings, topic.name)


@pytest.fixture(scope="module")
def settings(publisher: Publisher) -> FeedSettings:
    """Of a feed of these topics, on a free port."""
    return FeedSettings(http_port=0, events_topic=publisher.events_topic, topic=publisher.topic)


@pytest.fixture(scope="module")
def address(settings: FeedSettings, publisher: Publisher) -> Iterator[str]:
    """A feed that runs for all tests of the module."""
    with serve(settings, publisher.kafka) as served:
        yield served


@pytest.fixture
def list_groups(kafka_settings: KafkaSettings) -> Callable[[], set[str]]:
    """Every consumer group the cluster knows."""

    def find() -> set[str]:
        with open_admin(kafka_settings, "listing groups") as admin:
            return {str(group) for group in admin.list_groups()}

    return find
