"""What users do not want to keep is gone after a while, and nothing else."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from connect_runtime.sink import TopicPartition
from consumers.analytics.retention import Retention
from keypoints.frame import FrameBatch
from keypoints.topics import TRACKING_TOPIC
from tests.consumers.analytics.conftest import Bench
from tests.consumers.analytics.made_hands import START_US, make_frames, make_hand

pytestmark = pytest.mark.servers

PARTITION = TopicPartition(TRACKING_TOPIC, 0)
HANDS = [make_hand("open")] * 40 + [None] * 40
DAY_US = 86_400_000_000


def test_results_windows_and_ended_sessions_go_when_they_are_too_old_and_what_is_open_stays(bench: Bench) -> None:
    now = datetime.fromtimestamp(START_US / 1e6, UTC) + timedelta(days=10)
    bench.retention = Retention(7, lambda: now)
    old = make_frames(HANDS, stream_id="old")
    young = make_frames(HANDS * 8, stream_id="young", start_us=START_US + 9 * DAY_US)
    open_still = make_frames([make_hand("open")] * 40, stream_id="open", start_us=START_US + 9 * DAY_US)
    bench.monotonic_s = count(step=10).__next__
    sink = bench.make_sink([PARTITION])
    sink.put(FrameBatch.from_frames(old + young + open_still))
    sink.flush()
    kept = "SELECT DISTINCT stream_id FROM analytics.{} ORDER BY 1"
    assert bench.query(kept.format("results")) == [("open",), ("young",)]
    assert bench.query(kept.format("windows")) == [("open",), ("young",)]
    assert bench.query(kept.format("streams")) == [("open",), ("young",)]
    assert bench.query("SELECT count(*) FROM analytics.results WHERE ended_at IS NULL") == [(1,)]


def test_without_a_number_of_days_all_is_kept(bench: Bench) -> None:
    bench.retention = Retention(-1, lambda: datetime.fromtimestamp(START_US / 1e6, UTC) + timedelta(days=9_999))
    bench.monotonic_s = count(step=10).__next__
    sink = bench.make_sink([PARTITION])
    sink.put(FrameBatch.from_frames(make_frames(HANDS)))
    sink.flush()
    assert bench.query("SELECT count(*) FROM analytics.results") == [(1,)]
