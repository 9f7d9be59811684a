"""Events on their way to the topic, and what the person on call is shown of them and of the rest."""

import time
from collections.abc import Callable

import pytest
from prometheus_client import generate_latest

from connect_runtime.sink import TopicPartition
from kafka_io.settings import KafkaSettings
from keypoints.frame import FrameBatch
from keypoints.topics import TRACKING_TOPIC
from tests.consumers.analytics.conftest import Bench
from tests.consumers.analytics.made_hands import make_frames, make_hand
from tests.consumers.analytics.test_service import read_events

pytestmark = pytest.mark.servers

PARTITION = TopicPartition(TRACKING_TOPIC, 0)
WAIT_S = 30.0


def tick_until(bench: Bench, tick: Callable[[], None], statement: str, number: int) -> None:
    deadline_s = time.monotonic() + WAIT_S
    while bench.query(statement) != [(number,)]:
        assert time.monotonic() < deadline_s, f"{statement} is not {number}"
        tick()
        time.sleep(0.05)


def test_a_backlog_greater_than_what_is_read_at_once_goes_out_in_order_and_news_behind_it(
    bench: Bench, kafka_settings: KafkaSettings
) -> None:
    bench.make_sink([])
    bench.query(
        "INSERT INTO analytics.outbox (topic, partition, stream_id, event_id, event) "
        f"SELECT '{TRACKING_TOPIC}', 0, 'stage-left', gen_random_uuid(), convert_to('{{\"n\": ' || n || '}}', 'UTF8') "
        "FROM generate_series(1, 10500) AS n RETURNING 1"
    )
    sink = bench.make_sink([PARTITION])
    sink.put(FrameBatch.from_frames(make_frames([make_hand("open")] * 20)))
    tick_until(bench, sink.tick, "SELECT count(*) FROM analytics.outbox", 0)
    events = read_events(kafka_settings, bench.events_topic)
    assert [event.get("n") for event in events] == [*range(1, 10_501), None]


def test_who_is_on_call_sees_what_is_found_and_how_much_is_under_way(bench: Bench) -> None:
    sink = bench.make_sink([PARTITION])
    frames = make_frames([make_hand("open")] * 20 + [None] * 40)
    sink.put(FrameBatch.from_frames([*frames, frames[3]]))
    sink.flush()
    shown = generate_latest(bench.metrics.registry).decode()
    for line in (
        'holistic_analytics_events_total{category="shape",phase="start"} 1.0',
        'holistic_analytics_events_total{category="shape",phase="end"} 1.0',
        "holistic_analytics_late_frames_total 1.0",
        'holistic_analytics_streams{task="0"} 1.0',
        'holistic_analytics_quiet_records{task="0"} 0.0',
        'holistic_analytics_events_total{category="fault",phase="start"} 0.0',
        "holistic_analytics_save_seconds_count",
    ):
        assert line in shown
    assert "stage-left" not in shown
    watermark_s = bench.metrics.registry.get_sample_value("holistic_analytics_watermark_seconds", {"task": "0"})
    assert watermark_s == pytest.approx((frames[-1].captured_at_us - frames[0].captured_at_us) / 1e6, abs=1e-3)


def test_who_is_on_call_sees_why_nothing_is_said_after_offsets_were_moved(bench: Bench) -> None:
    sink = bench.make_sink([PARTITION])
    sink.put(FrameBatch.from_frames(make_frames([None] * 50)))
    sink.flush()
    sink.close([PARTITION])
    assert 'holistic_analytics_streams{task="0"} 0.0' in generate_latest(bench.metrics.registry).decode()
    sink.alter_offsets({PARTITION: 40})
    bench.make_sink([PARTITION])
    assert 'holistic_analytics_quiet_records{task="0"} 40.0' in generate_latest(bench.metrics.registry).decode()
