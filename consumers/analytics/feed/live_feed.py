"""What is read from Kafka, on threads of their own, brought to those who read along, on the loop's."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from consumers.analytics.feed.following import Follow, Follower, Standing, TopicFollowing
from consumers.analytics.feed.hub import Hub
from consumers.analytics.feed.metrics import (
    CUT_OFF,
    EVENTS_READ,
    EVENTS_REPEATED,
    EVENTS_UNREADABLE,
    FOLLOWING,
    READERS,
)
from consumers.analytics.feed.newest_frames import NewestFrames
from consumers.analytics.feed.readers import ReaderRoom
from consumers.analytics.feed.reading import EventReading
from consumers.analytics.feed.settings import FeedSettings
from consumers.analytics.feed.stream_book import StreamBook
from kafka_io.schema_topic import TopicSchemaLookup
from kafka_io.settings import KafkaSettings
from observability.health import Readiness
from observability.metrics import Metrics

EVENTS: Final = "events"
SKELETONS: Final = "skeletons"
_CHECK_STOP_S: Final = 0.2


def read_clock_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class LiveFeed:
    """Made, run and asked on the loop's thread."""

    def __init__(self, settings: FeedSettings, kafka: KafkaSettings, metrics: Metrics) -> None:
        self.settings = settings
        self.metrics = metrics
        self.book = StreamBook()
        self.room = ReaderRoom(settings.feed_readers, metrics)
        self.hub = Hub(self.book, metrics, settings.feed_memory_events, settings.feed_unread_events)
        self.frames = NewestFrames(self.book, TopicSchemaLookup(kafka), read_clock_ms)
        self.reading = EventReading(self.hub, kafka, settings.events_topic)
        self._kafka = kafka
        for counter in (EVENTS_READ, EVENTS_UNREADABLE, EVENTS_REPEATED):
            metrics.counter(counter)
        for of in (EVENTS, SKELETONS):
            metrics.counter(CUT_OFF, of=of)
            metrics.gauge(READERS, of=of)

    @asynccontextmanager
    async def follow(self) -> AsyncIterator[None]:
        """Follow both topics for the length of the block."""
        settings = self.settings
        loop = asyncio.get_running_loop()
        stopping = threading.Event()

        def on_loop(call: Callable[..., None]) -> Callable[..., None]:
            return lambda *args: _call_on_loop(loop, stopping, call, *args)

        followings = [
            TopicFollowing(
                self._kafka,
                settings.events_topic,
                Follower(on_loop(self.hub.begin), on_loop(self.hub.take), on_loop(self._note_events)),
                settings.feed_history_s,
                settings.feed_memory_events,
            ),
            TopicFollowing(
                self._kafka,
                settings.topic,
                Follower(lambda _: None, on_loop(self.frames.take), on_loop(self._note_skeletons)),
                None,
            ),
        ]
        for following in followings:
            following.start()
        try:
            yield
        finally:
            stopping.set()
            await asyncio.gather(*(asyncio.to_thread(following.close) for following in followings))

    def readiness(self) -> Readiness:
        """Ready while events come as they are published; skeletons are told of, and not waited for."""
        standings = {topic: self.hub.standing(topic) for topic in (EVENTS, SKELETONS)}
        reasons = () if self.hub.is_following else (standings[EVENTS].message or "still connecting",)
        details: dict[str, Any] = {topic: standing.follow.value for topic, standing in standings.items()}
        return Readiness(self.hub.is_following, reasons, details)

    def count_cut_off(self, of: str) -> Callable[[], None]:
        """What counts a reader that was too slow."""
        return lambda: self.metrics.counter(CUT_OFF, of=of).inc()

    def _note_events(self, standing: Standing) -> None:
        self._note(EVENTS, standing)

    def _note_skeletons(self, standing: Standing) -> None:
        self._note(SKELETONS, standing)

    def _note(self, topic: str, standing: Standing) -> None:
        self.metrics.gauge(FOLLOWING, of=topic).set(standing.follow is Follow.FOLLOWING)
        self.hub.note(topic, standing)


def _call_on_loop(
    loop: asyncio.AbstractEventLoop, stopping: threading.Event, call: Callable[..., None], *args: object
) -> None:
    """Call on the loop's thread, and wait until it is done: what is read from Kafka does not pile up before a loop that
    is busy. At the end of the service nobody waits."""
    done = threading.Event()

    def run() -> None:
        try:
            call(*args)
        finally:
            done.set()

    if stopping.is_set():
        return
    loop.call_soon_threadsafe(run)
    while not done.wait(_CHECK_STOP_S):
        if stopping.is_set():
            return
