"""What was taught, in the service: found from the next open on, and the same however polls and restarts cut it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from connect_runtime.sink import TopicPartition
from consumers.analytics.database import connect, migrate
from consumers.analytics.taught.gesture import TaughtGesture
from consumers.analytics.taught.store import TaughtStore
from keypoints.frame import FrameBatch
from keypoints.topics import TRACKING_TOPIC
from tests.consumers.analytics.conftest import Bench
from tests.consumers.analytics.made_streams import cut
from tests.consumers.analytics.taught.own_gestures import draw_eight, show_shaka, taught_eight, taught_shaka

pytestmark = pytest.mark.servers

PARTITION = TopicPartition(TRACKING_TOPIC, 0)
FOUND = "SELECT stream_id, category, kind, subject, rules_version FROM analytics.results ORDER BY 1, 2, 3"


def teach(bench: Bench, gestures: list[TaughtGesture]) -> None:
    engine = connect(bench.database_url)
    try:
        migrate(engine)
        TaughtStore(engine).keep(gestures)
    finally:
        engine.dispose()


def performed() -> FrameBatch:
    """A shape and a movement, interleaved in one partition."""
    shown, drawn = show_shaka(3), draw_eight(4)
    frames = [batch.frame(row) for row in range(len(shown)) for batch in (shown, drawn)]
    return FrameBatch.from_frames([*frames, *(drawn.frame(row) for row in range(len(shown), len(drawn)))])


def test_findings_are_the_same_however_polls_and_restarts_cut_the_records(make_bench: Callable[[], Bench]) -> None:
    taught, batch, found = [taught_shaka(), taught_eight()], performed(), []
    for rows, replicas in ((500, 1), (7, 1), (40, 8)):
        bench = make_bench()
        teach(bench, taught)
        parts = cut(batch, rows)
        sink = bench.make_sink([PARTITION])
        for number, part in enumerate(parts):
            if replicas > 1 and number:
                sink = bench.make_sink([PARTITION])
            sink.put(part)
            sink.flush()
        found.append(bench.results()["results"])
    assert found[0] == found[1] == found[2]
    kinds = {(row[0], row[2]): row[4] for row in bench.query(FOUND)}
    assert kinds[("shaka-3", "shaka")] == taught[0].version
    assert kinds[("eight-4", "eight")] == taught[1].version


def test_what_is_taught_while_a_service_runs_is_found_from_its_next_open_on(bench: Bench) -> None:
    sink = bench.make_sink([PARTITION])
    sink.put(show_shaka(3))
    teach(bench, [taught_shaka()])
    later = show_shaka(4)
    later = replace(later, offset=later.offset + 1_000, identity_offset=later.identity_offset + 1_000)
    sink.put(later)
    sink.flush()
    assert "shaka" not in [row[2] for row in bench.query(FOUND)]
    again = show_shaka(5)
    again = replace(again, offset=again.offset + 2_000, identity_offset=again.identity_offset + 2_000)
    sink = bench.make_sink([PARTITION])
    sink.put(again)
    sink.flush()
    assert [row[0] for row in bench.query(FOUND) if row[2] == "shaka"] == ["shaka-5"]
