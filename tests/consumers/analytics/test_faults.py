"""Analytics with replicas that come and go: the tables and events are those of an undisturbed run."""

import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pytest

from connect_runtime.sink import TopicPartition
from consumers.analytics.streams import PartitionStreams
from kafka_io.admin import topic_id
from kafka_io.publisher import BoundedPublisher
from kafka_io.settings import KafkaSettings
from keypoints.codec import encode
from keypoints.frame import FrameBatch
from keypoints.topics import frame_headers, record_key
from tests.consumers.analytics.busy_stage import busy_stage
from tests.consumers.analytics.conftest import Bench, query
from tests.consumers.analytics.made_streams import busy_minute
from tests.consumers.analytics.test_service import PROGRESS, RESULTS, read_events, running, stop, wait_until
from tests.consumers.analytics.working_out import work_out

pytestmark = [pytest.mark.servers, pytest.mark.long, pytest.mark.timeout(170)]

FRAMES_PER_S = 500
TURN_S = 3.0


def publish_steadily(kafka: KafkaSettings, topic: str, batch: FrameBatch, frames_per_s: int = FRAMES_PER_S) -> None:
    """Publish the frames in order at a steady rate, all acknowledged."""
    values = [(record_key(frame.stream_id), encode(frame)) for frame in map(batch.frame, range(len(batch)))]
    began = time.monotonic()
    with BoundedPublisher(kafka) as publisher:
        for number, (key, value) in enumerate(values):
            threading.Event().wait(max(0.0, began + number / frames_per_s - time.monotonic()))
            publisher.publish(topic, key, value, frame_headers())
        publisher.flush()
        assert publisher.counts().failed == 0


@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param(15, id="15 s"),
        pytest.param(60, id="60 s", marks=[pytest.mark.soak, pytest.mark.timeout(300)]),
    ],
)
def test_replicas_that_join_and_leave_every_3_s_change_no_result(
    kafka_settings: KafkaSettings,
    make_topic: Callable[..., str],
    make_database: Callable[[], str],
    seconds: int,
) -> None:
    topic, events_topic, database_url = make_topic(3, name="frames"), make_topic(1, name="events"), make_database()
    streams = 6
    batch = busy_minute(streams=streams, frames=seconds * FRAMES_PER_S // streams)
    publishing = threading.Thread(target=publish_steadily, args=(kafka_settings, topic, batch))
    with ExitStack() as processes:

        def start() -> subprocess.Popen[bytes]:
            return processes.enter_context(running(topic, events_topic, database_url, kafka_settings))

        steady = start()
        wait_until(database_url, "SELECT count(*) FROM analytics.sources", 0)
        publishing.start()
        visitors = deque([start()])
        turn = 0
        while publishing.is_alive():
            visitors.append(start())
            publishing.join(TURN_S)
            turn += 1
            visitors.popleft().send_signal(signal.SIGTERM if turn % 2 else signal.SIGKILL)
        for visitor in visitors:
            visitor.send_signal(signal.SIGKILL)
        wait_until(database_url, PROGRESS, len(batch))
        wait_until(database_url, "SELECT count(*) FROM analytics.outbox", 0, most=0)
        assert stop(steady) == 0
    ids = {event.result.result_id for event in work_out(PartitionStreams(), batch)}
    assert {row[0] for row in query(database_url, RESULTS)} == ids
    assert len(ids) > 50
    announced = {event["gesture_id"] for event in read_events(kafka_settings, events_topic)}
    assert announced == {str(each) for each in ids}


def test_five_kills_and_three_rebalances_leave_the_tables_of_one_quiet_run(
    kafka_settings: KafkaSettings,
    make_topic: Callable[..., str],
    make_database: Callable[[], str],
    make_bench: Callable[[], Bench],
) -> None:
    topic, events_topic, database_url = make_topic(1, name="frames"), make_topic(1, name="events"), make_database()
    batch = busy_stage(seconds=30.0)
    quiet = make_bench()
    quiet.topic_id = topic_id(kafka_settings, topic)
    sink = quiet.make_sink([TopicPartition(topic, 0)])
    sink.put(replace(batch, topic=topic, identity_topic=np.full(len(batch), topic, dtype=object)))
    sink.flush()
    expected = read_tables(quiet.database_url)
    assert len(expected["results"]) > 100

    publishing = threading.Thread(target=publish_steadily, args=(kafka_settings, topic, batch, 300))
    publishing.start()
    with ExitStack() as processes:

        def start() -> subprocess.Popen[bytes]:
            return processes.enter_context(running(topic, events_topic, database_url, kafka_settings))

        for turn in range(5):
            victim = start()
            wait_until(database_url, PROGRESS, len(batch) * turn // 8 + 1)
            if turn < 3:
                # Another member joins, which moves the partition or gives it anew, and is killed as well or leaves.
                visitor = start()
                wait_until(database_url, PROGRESS, len(batch) * (turn + 1) // 8)
                stop(visitor)
            victim.kill()
            victim.wait()
        last = start()
        wait_until(database_url, PROGRESS, len(batch))
        wait_until(database_url, "SELECT count(*) FROM analytics.outbox", 0, most=0)
        wait_until(database_url, IN_WINDOWS, len(batch))
        assert stop(last) == 0
    publishing.join()
    assert read_tables(database_url) == expected


# Windows that are not over are shown when it suits, which may be a little after the rest.
IN_WINDOWS = "SELECT sum(frames + too_late_frames) FROM analytics.windows WHERE kind = 'tumbling' AND length_s = 10"


def read_tables(database_url: str) -> dict[str, list[tuple[object, ...]]]:
    """All results, windows and sessions, state included."""
    return {
        "results": query(database_url, "SELECT * FROM analytics.results ORDER BY result_id"),
        "windows": query(database_url, "SELECT * FROM analytics.windows ORDER BY 3, 4, 5, 6, 7, 8, 9"),
        "streams": query(database_url, "SELECT * FROM analytics.streams ORDER BY stream_id, epoch, first_offset"),
    }
