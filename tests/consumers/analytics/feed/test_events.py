"""What readers of events are sent: in order, once, what they asked for alone, and on from where they were."""

import time
import uuid
from collections.abc import Callable

import httpx
import pytest

from consumers.analytics.feed.positions import read_positions
from consumers.analytics.feed.settings import FeedSettings
from tests.consumers.analytics.feed.reading import next_said, read_socket, read_sse
from tests.consumers.analytics.feed.serving import Publisher, await_true, made_event, read_metric, serve

pytestmark = pytest.mark.servers


@pytest.fixture
def stream() -> str:
    """A stream of this test's own: topics are shared by the module."""
    return f"ada-{uuid.uuid4().hex[:8]}"


def test_events_come_in_order_and_as_they_were_published(address: str, publisher: Publisher, stream: str) -> None:
    with read_sse(address, f"?stream={stream}") as reader:
        sent = [made_event(number, stream=stream, extra={"deep": [1]}) for number in range(20)]
        publisher.events(*sent)
        read = reader.take(20)
    assert [said.number for said in read] == list(range(20))
    assert {said.event for said in read} == {"occurred"}
    for said, event in zip(read, sent, strict=True):
        where = said.data.pop("feed")
        assert said.data == event
        assert said.id is not None
        assert read_positions(said.id)[where["partition"]] == where["offset"] + 1


def test_a_websocket_brings_the_same(address: str, publisher: Publisher, stream: str) -> None:
    with read_socket(address, f"/v1/events/ws?stream={stream}") as socket:
        assert next_said(socket).event == "state"
        publisher.events(made_event(1, stream=stream, phase="start"), made_event(1, stream=stream, phase="end"))
        assert [(said.event, said.number) for said in (next_said(socket), next_said(socket))] == [
            ("start", 1),
            ("end", 1),
        ]


def test_events_of_before_these_fields_are_filled_up(address: str, publisher: Publisher, stream: str) -> None:
    event = made_event(1, stream=stream, hand="left")
    old = {name: value for name, value in event.items() if name not in {"category", "subject", "severity", "evidence"}}
    with read_sse(address, f"?stream={stream}") as reader:
        publisher.events(old)
        (said,) = reader.take(1)
    filled = {name: said.data[name] for name in ("category", "subject", "severity", "evidence")}
    assert filled == {"category": "shape", "subject": "left", "severity": None, "evidence": {}}


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("&category=fault", [1]),
        ("&category=fault&category=shape", [0, 1, 3]),
        ("&kind=squat", [2]),
        ("&hand=left", [3]),
        ("&hand=left&kind=squat&kind=victory", [3]),
    ],
)
def test_a_reader_gets_what_it_asked_for_alone(
    address: str, publisher: Publisher, stream: str, query: str, numbers: list[int]
) -> None:
    mine = [
        made_event(0, stream=stream),
        made_event(1, stream=stream, kind="frozen", category="fault", subject="capture", hand=None),
        made_event(2, stream=stream, kind="squat", category="movement", subject="body", hand=None),
        made_event(3, stream=stream, kind="victory", hand="left"),
    ]
    with read_sse(address, f"?stream={stream}&stream={stream}-last{query}") as reader:
        publisher.events(made_event(9, stream=f"{stream}-other"), *mine, partition_by=stream)
        # One that every one of these filters admits.
        last = made_event(10, stream=f"{stream}-last", kind="squat", category="fault", hand="left")
        publisher.events(last, partition_by=stream)
        read: list[int] = []
        while not read or read[-1] != 10:
            read += [said.number for said in reader.take(1)]
    assert read == [*numbers, 10]


def test_fields_nobody_foresaw_and_times_beyond_the_calendar_break_nothing(
    address: str, publisher: Publisher, stream: str
) -> None:
    odd = [
        made_event(1, stream=stream, confidence=1, severity="catastrophic", evidence=[1, 2], source=None),
        made_event(2, stream=stream, category="of tomorrow", subject="tail", hand=None, feed="ours"),
        made_event(3, stream=stream) | {"started_at": "0001-01-01T00:00:00+14:00", "ended_at": "9999-12-31T23:59:59Z"},
    ]
    with read_sse(address, f"?stream={stream}") as reader:
        publisher.events(*odd)
        read = reader.take(3)
    assert [said.data["kind"] for said in read] == ["thumbs_up"] * 3
    assert read[1].data["feed"]["partition"] in {0, 1, 2}
    assert httpx.get(f"{address}/v1/streams").status_code == 200


def test_an_event_that_was_published_twice_is_sent_once(address: str, publisher: Publisher, stream: str) -> None:
    with read_sse(address, f"?stream={stream}") as reader:
        publisher.events(*[made_event(number, stream=stream) for number in (1, 2, 1, 2, 3)])
        assert [said.number for said in reader.take(3)] == [1, 2, 3]


def test_what_is_no_event_is_counted_and_passed_over(
    address: str, publisher: Publisher, stream: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = read_metric(address, "holistic_feed_events_unreadable_total")
    bad: list[dict[str, object] | bytes] = [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"x" * 70_000,
        made_event(1, stream=stream, started_at="yesterday"),
        made_event(2, stream=stream, phase="paused"),
        {name: value for name, value in made_event(3, stream=stream).items() if name != "event_id"},
    ]
    with read_sse(address, f"?stream={stream}") as reader:
        publisher.events(*bad, made_event(4, stream=stream), partition_by=stream)
        assert [said.number for said in reader.take(1)] == [4]
    assert read_metric(address, "holistic_feed_events_unreadable_total") == before + len(bad)
    assert len([line for line in caplog.messages if line.startswith("skipped")]) == len(bad)


@pytest.mark.parametrize("by", ["header", "query"])
def test_a_reader_goes_on_where_it_was(address: str, publisher: Publisher, stream: str, by: str) -> None:
    with read_sse(address, f"?stream={stream}") as reader:
        publisher.events(*[made_event(number, stream=stream) for number in range(5)])
        last = reader.take(3)[-1]
    publisher.events(made_event(5, stream=stream))
    assert last.id is not None
    query = f"?stream={stream}" + (f"&after={last.id}" if by == "query" else "")
    with read_sse(address, query, {"Last-Event-ID": last.id} if by == "header" else None) as reader:
        publisher.events(made_event(6, stream=stream))
        assert [said.number for said in reader.take(4)] == [3, 4, 5, 6]


def test_what_is_no_longer_in_memory_is_read_from_kafka_again(
    settings: FeedSettings, publisher: Publisher, stream: str
) -> None:
    streams = [f"{stream}-{number}" for number in range(4)]
    query = "?" + "&".join(f"stream={name}" for name in streams)
    with serve(settings.model_copy(update={"feed_memory_events": 5}), publisher.kafka) as address:
        with read_sse(address, query) as reader:
            publisher.events(made_event(0, stream=streams[0]))
            begun = reader.take(1)[0].id
            many = [made_event(number, stream=streams[number % 4]) for number in range(1, 61)]
            publisher.events(*many, many[7])
            reader.take(60)
        assert begun is not None
        with read_sse(address, query, {"Last-Event-ID": begun}) as reader:
            publisher.events(made_event(61, stream=streams[0]))
            read = reader.take(61)
            ids = [said.id for said in read]
        # From any of the ids handed out while it caught up, the rest follows.
        with read_sse(address, query, {"Last-Event-ID": str(ids[29])}) as reader:
            rest = reader.take(31)
    numbers = [said.number for said in read]
    assert sorted(numbers) == list(range(1, 62))
    for first in range(4):
        of_one = [number for number in numbers if number % 4 == first]
        assert of_one == sorted(of_one)
    assert sorted(said.number for said in rest) == sorted(numbers[30:])


def test_a_feed_that_starts_anew_knows_the_last_minutes_and_takes_old_ids(
    settings: FeedSettings, publisher: Publisher, stream: str
) -> None:
    with serve(settings, publisher.kafka) as address, read_sse(address, f"?stream={stream}") as reader:
        publisher.events(*[made_event(number, stream=stream) for number in range(4)])
        first = reader.take(4)[0]
    with serve(settings, publisher.kafka) as address:
        await_true(lambda: stream in httpx.get(f"{address}/v1/streams").text)
        with read_sse(address, f"?stream={stream}", {"Last-Event-ID": str(first.id)}) as reader:
            assert [said.number for said in reader.take(3)] == [1, 2, 3]
        with read_sse(address, f"?stream={stream}&recent=2") as reader:
            assert [said.number for said in reader.take(2)] == [2, 3]
    with (
        serve(settings.model_copy(update={"feed_history_s": 0}), publisher.kafka) as address,
        read_sse(address, f"?stream={stream}&recent=100") as reader,
    ):
        publisher.events(made_event(4, stream=stream))
        assert [said.number for said in reader.take(1)] == [4]


def test_an_id_of_a_topic_that_was_made_anew_is_told_so(address: str, publisher: Publisher, stream: str) -> None:
    publisher.events(made_event(1, stream=stream))
    await_true(lambda: stream in httpx.get(f"{address}/v1/streams").text)
    with read_sse(address, f"?stream={stream}", {"Last-Event-ID": "0:999999,1:999999,2:999999"}) as reader:
        gap = reader.next()
        assert (gap.event, gap.id) == ("gap", None)
        assert "ahead" in gap.data["message"]
        assert [said.number for said in reader.take(1)] == [1]


@pytest.mark.parametrize("given", ["yesterday", "0:1;1:2", "0:-4", "0:1,0:2", "1:" + "9" * 25])
def test_what_is_no_id_is_refused(address: str, given: str) -> None:
    answer = httpx.get(f"{address}/v1/events", headers={"Last-Event-ID": given})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")


def test_streams_tell_when_they_were_heard_of_and_what_goes_on(address: str, publisher: Publisher, stream: str) -> None:
    def about(name: str) -> dict[str, object] | None:
        streams = httpx.get(f"{address}/v1/streams").json()["streams"]
        return next((one for one in streams if one["stream_id"] == name), None)

    starts = [made_event(number, stream=stream, phase="start") for number in range(3)]
    publisher.events(*starts, made_event(1, stream=stream, phase="end"))
    await_true(lambda: (about(stream) or {}).get("events") == 4)
    told = about(stream)
    assert told is not None
    opened = told["open"]
    assert isinstance(opened, list)
    assert [one["evidence"]["number"] for one in opened] == [0, 2]
    assert told["last_event_at"] is not None
    assert told["last_frame_at"] is None


def test_nothing_is_committed_and_no_group_is_made(
    address: str, publisher: Publisher, stream: str, list_groups: Callable[[], set[str]]
) -> None:
    before = list_groups()
    with read_sse(address, f"?stream={stream}") as reader:
        publisher.events(made_event(1, stream=stream))
        reader.take(1)
    assert list_groups() == before


def test_an_event_is_there_at_once(address: str, publisher: Publisher, stream: str) -> None:
    delays_s = []
    with read_sse(address, f"?stream={stream}") as reader:
        for number in range(5):
            publisher.events(made_event(number, stream=stream))
            published_s = time.monotonic()
            reader.take(1)
            delays_s.append(time.monotonic() - published_s)
    assert sorted(delays_s)[2] < 0.5
