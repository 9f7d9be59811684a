"""Rules from frames to a receiver: the same whatever happens to the service that reads them."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest

from connect_runtime.retry import Backoff
from connect_runtime.sink import TopicPartition
from consumers.analytics.database import connect
from consumers.analytics.reactions.courier import CourierOptions, WebhookCourier
from consumers.analytics.reactions.signing import find_routes
from consumers.analytics.sink import AnalyticsSink
from kafka_io.settings import KafkaSettings
from keypoints.frame import FrameBatch
from keypoints.topics import TRACKING_TOPIC
from observability.metrics import Metrics
from tests.consumers.analytics.conftest import Bench, Rows, query
from tests.consumers.analytics.made_hands import START_US, make_frames, make_hand, thumbs_up
from tests.consumers.analytics.made_streams import busy_minute, cut, interleave
from tests.consumers.analytics.reactions.conftest import await_true
from tests.consumers.analytics.reactions.made_rules import FRAME_US, make_rule
from tests.consumers.analytics.reactions.receiver import SECRET, Receiver
from tests.consumers.analytics.test_service import publish, running, stop

pytestmark = pytest.mark.servers

PARTITION = TopicPartition(TRACKING_TOPIC, 0)
_COLUMNS = "stream_id, rule, started_at, made_at, body::text, event_id"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver().listening() as listening:
        yield listening


@pytest.fixture
def make_ruled(make_bench: Callable[[], Bench], receiver: Receiver, tmp_path: Path) -> Callable[[], Bench]:
    """A bench whose sinks have rules and couriers."""
    rules = [
        make_rule(tmp_path, "thumbs_up for 1 s", name="long_thumb", webhook=receiver.address),
        make_rule(tmp_path, "open or closed 2 times within 3 s", name="hand_play", webhook=receiver.address),
    ]

    def make() -> Bench:
        bench = make_bench()

        def make_courier() -> WebhookCourier:
            routes = find_routes(rules, {"HOLISTIC_WEBHOOK_SECRET": SECRET})
            options = CourierOptions(backoff=Backoff(0.02, 0.1), look_s=0.1, dice=random.Random(1))
            return WebhookCourier(connect(bench.database_url), routes, Metrics(), options)

        bench.make_courier = make_courier
        return bench

    return make


def thumb(frames: int) -> FrameBatch:
    """A thumb held up from the 20th frame on."""
    return FrameBatch.from_frames(make_frames([*[make_hand("open")] * 20, *[thumbs_up()] * frames]))


def feed(sink: AnalyticsSink, *batches: FrameBatch) -> None:
    for batch in batches:
        sink.put(batch)
    sink.flush()


def deliveries(bench: Bench) -> Rows:
    return bench.query(f"SELECT {_COLUMNS} FROM webhook_deliveries ORDER BY event_id")


def test_a_thumb_held_up_for_a_second_is_told_while_it_is_held(
    make_ruled: Callable[[], Bench], receiver: Receiver
) -> None:
    bench = make_ruled()
    feed(bench.make_sink([PARTITION]), thumb(40))
    await_true(lambda: len(receiver.ids) == 1)
    [message] = receiver.messages
    assert message.is_signed_with(SECRET)
    told = orjson.loads(message.body)
    assert (told["rule"], told["stream_id"], told["hand"], told["category"]) == (
        "long_thumb",
        "stage-left",
        "right",
        "reaction",
    )
    assert (told["source"]["first_offset"], told["source"]["last_offset"]) == (20, 51)
    [(started_us, made_us)] = bench.query(
        "SELECT (extract(epoch FROM started_at) * 1e6)::bigint, (extract(epoch FROM made_at) * 1e6)::bigint "
        "FROM webhook_deliveries"
    )
    assert (started_us, made_us) == (START_US + 20 * FRAME_US, START_US + 51 * FRAME_US)
    # Others read the same on the topic of events and in the table of results.
    assert bench.query("SELECT kind FROM analytics.results WHERE category = 'reaction'") == [("long_thumb",)]


def test_the_same_is_told_however_polls_cut_the_records_and_whoever_takes_over(
    make_ruled: Callable[[], Bench],
) -> None:
    held = [make_hand("open")] * 10 + [thumbs_up()] * 45 + [None] * 20
    batch = interleave(
        *(make_frames(held * 3, stream_id=f"held-{number}", start_us=START_US + number) for number in range(2)),
        make_frames([*[make_hand("closed")] * 20, *[make_hand("open")] * 20], stream_id="busy"),
    )
    found = []
    for rows in (1, 7, 500):
        bench = make_ruled()
        feed(bench.make_sink([PARTITION]), *cut(batch, rows))
        found.append(deliveries(bench))
    assert [row[1] for row in found[0]].count("long_thumb") == 6
    assert [row[1] for row in found[0]].count("hand_play") == 3
    assert found[0] == found[1] == found[2]
    bench = make_ruled()
    for number, part in enumerate(cut(batch, 61)):
        sink = bench.make_sink([PARTITION])
        assert sink.durable_offsets() == ({PARTITION: number * 61} if number else {})
        feed(sink, *cut(part, 13))
    assert deliveries(bench) == found[0]


def test_a_replay_tells_nobody_anything_again(make_ruled: Callable[[], Bench], receiver: Receiver) -> None:
    bench = make_ruled()
    batch = busy_minute(streams=2, frames=150)
    thumb_held = FrameBatch.from_frames(make_frames([None, *[thumbs_up()] * 60], start_us=1), first_offset=len(batch))
    sink = bench.make_sink([PARTITION])
    feed(sink, batch, thumb_held)
    told = deliveries(bench)
    assert len(told) > 1
    await_true(lambda: len(receiver.ids) == len(told))
    sink.close([PARTITION])
    for goes_back_to in (None, 95):
        sink.alter_offsets({PARTITION: goes_back_to})
        again = bench.make_sink([PARTITION])
        feed(again, *cut(batch, 50))
        again.close([PARTITION])
    assert deliveries(bench) == told
    settled = "SELECT DISTINCT state, attempts FROM webhook_deliveries"
    assert bench.query(settled) == [("delivered", 1)]
    assert len(receiver.ids) == len(told)


def test_the_service_tells_a_receiver_that_took_some_time_and_ends_when_it_is_asked_to(
    kafka_settings: KafkaSettings,
    make_topic: Callable[..., str],
    make_database: Callable[[], str],
    receiver: Receiver,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    topic, events_topic, database_url = make_topic(1, name="frames"), make_topic(1, name="events"), make_database()
    make_rule(tmp_path, "thumbs_up for 1 s", webhook=receiver.address, secret_variable="MINE")
    monkeypatch.setenv("HOLISTIC_ANALYTICS_CONFIG", orjson.dumps({"rules.file": str(tmp_path / "told.yaml")}).decode())
    monkeypatch.setenv("MINE", SECRET)
    receiver.answers.append(503)
    publish(kafka_settings, topic, thumb(60))
    with running(topic, events_topic, database_url, kafka_settings) as process:
        await_true(lambda: len(receiver.ids) == 2, within_s=60.0)
        await_true(lambda: query(database_url, "SELECT state FROM webhook_deliveries") == [("delivered",)])
        assert stop(process) == 0
    assert len(set(receiver.ids)) == 1
    assert all(message.is_signed_with(SECRET) for message in receiver.messages)
    assert query(database_url, "SELECT state, attempts FROM webhook_deliveries") == [("delivered", 2)]
