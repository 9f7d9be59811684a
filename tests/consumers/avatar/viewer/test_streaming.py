"""The live stream as watchers get it: quick and slow ones, some performers or all, and who may not watch at all."""

import threading
import time
from collections.abc import Iterator
from itertools import islice, pairwise
from statistics import median
from typing import Any

import httpx
import orjson
import pytest
from pydantic import SecretStr
from websockets.exceptions import InvalidStatus

from connect_runtime.control.errors import NotGranted
from connect_runtime.rest.security import RestSettings
from consumers.avatar.face.arkit import Blendshape
from consumers.avatar.viewer.access import PageRules
from consumers.avatar.viewer.app import ViewerOptions
from consumers.avatar.viewer.hub import Channel
from tests.connect_runtime.harness import wait_until
from tests.consumers.avatar.viewer.made_states import NOW_US, publish
from tests.consumers.avatar.viewer.serving import Served, offer_key, serving

JAW_OPEN = 24


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """A viewer that serves everybody."""
    with serving() as viewer:
        yield viewer


@pytest.fixture
def channel(served: Served) -> Iterator[Channel]:
    """A stage of the test's own."""
    channel = served.hub.open_channel()
    yield channel
    channel.close()


def refusal_of(served: Served, query: str = "", **options: Any) -> tuple[int, str]:
    """The status a WebSocket is refused with, and the reason."""
    with pytest.raises(InvalidStatus) as refused, served.watch(query, **options):
        pass
    body = orjson.loads(refused.value.response.body)
    assert body["error_code"] == refused.value.response.status_code
    return body["error_code"], body["message"]


class Showing(threading.Thread):
    """Publishes 60 times a second until it is stopped; the jaw counts, from 0 to 1 in 256 steps."""

    def __init__(self, channel: Channel, streams: int) -> None:
        super().__init__()
        self._channel = channel
        self._streams = [f"stream-{number}" for number in range(streams)]
        self._over = threading.Event()
        self.published = 0

    def run(self) -> None:
        while not self._over.wait(1 / 60):
            self.published += 1
            jaws = dict.fromkeys(self._streams, self.published % 256 / 255)
            publish(self._channel, jaws, time.time_ns() // 1000)

    def __enter__(self) -> "Showing":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()


def test_who_comes_late_is_told_the_cast_and_sees_the_newest_states(served: Served, channel: Channel) -> None:
    publish(channel, {"ada": 0.25, "bob": 0.75})
    with served.watch() as watching:
        _, states = watching.next_states()
        assert {stream: round(state.shapes[JAW_OPEN], 2) for stream, state in states.items()} == {
            "ada": 0.25,
            "bob": 0.75,
        }
        channel.dismiss(["ada", "bob"], NOW_US)
        assert watching.next_said("cast")["performers"] == []
        publish(channel, {"cleo": 0.5})
        assert [one["stream"] for one in watching.next_said("cast")["performers"]] == ["cleo"]
        assert watching.next_states()[1]["cleo"].tracked


def test_json_is_served_to_who_asks_for_it(served: Served, channel: Channel) -> None:
    publish(channel, {"ada": 0.25})
    with served.watch("?format=json&rate=10") as watching:
        said = watching.next_said("states")
        assert said["states"][0]["shapes"]["jawOpen"] == 0.25
        assert said["states"][0]["bones"] == {"Hips": [0, 0, 0, 1]}


def test_who_asks_for_one_stream_hears_of_no_other(served: Served, channel: Channel) -> None:
    publish(channel, {"ada": 0.25, "bob": 0.75})
    with served.watch("?streams=bob,nobody") as watching:
        assert [one["stream"] for one in watching.next_said("cast")["performers"]] == ["bob"]
        assert watching.next_states()[1].keys() == {"bob"}


def test_states_come_as_often_as_asked_for(served: Served, channel: Channel) -> None:
    with Showing(channel, 2), served.watch("?rate=60") as quick, served.watch("?rate=10") as slow:
        slow.next_states()
        # Before the first is shown there is nobody.
        shown = (states["stream-0"] for _, states in iter(quick.next_states, None) if states)
        counts = [round(state.shapes[Blendshape.JAW_OPEN] * 255) for state in islice(shown, 91)]
        assert median((later - one) % 256 for one, later in pairwise(counts)) == 1, (
            "each, but for a machine that is busy"
        )
        times_ms = [slow.next_states()[0] for _ in range(11)]
        assert times_ms[-1] - times_ms[0] > 850
        assert median(later - one for one, later in pairwise(times_ms)) < 200


def test_a_watcher_that_does_not_read_is_skipped_and_holds_up_nobody(served: Served, channel: Channel) -> None:
    with served.watch(max_queue=1) as asleep, Showing(channel, 100) as showing:
        asleep.next_states()
        with served.watch() as quick:
            late_ms = []
            for _ in range(90):
                at_ms, states = quick.next_states()
                late_ms.append(time.time() * 1000 - at_ms)
            assert len(states) == 100
            assert median(late_ms[-30:]) < 500
        wait_until("published for a while", lambda: showing.published > 200)
        # What it reads now is what had left before it fell asleep, and then the newest.
        began_ms, read = time.time() * 1000, 0
        while asleep.next_states()[0] < began_ms:
            read += 1
        assert read < 110, "of 200 states of 56 kB most were never sent"


def test_a_message_that_is_none_is_answered_and_changes_nothing(served: Served, channel: Channel) -> None:
    publish(channel, {"ada": 0.25})
    with served.watch() as watching:
        for text, said in [
            ("nonsense", "JSON"),
            ('{"type": "dance"}', "dance"),
            ('{"type": "pause"}', "nothing is replayed"),
            ('{"type": "replay"}', "replays nothing"),
        ]:
            watching.socket.send(text)
            assert said in watching.next_said("error")["message"]
        watching.socket.send(b"\x00\x01")
        assert watching.next_said("error")
        publish(channel, {"ada": 0.5})
        while round(watching.next_states()[1]["ada"].shapes[JAW_OPEN], 1) != 0.5:
            continue


@pytest.mark.parametrize("query", ["?format=xml", "?rate=0", "?rate=61", "?rate=often", "?rate=nan", "?speed=2"])
def test_a_query_that_asks_for_what_there_is_not_is_refused(served: Served, query: str) -> None:
    status, message = refusal_of(served, query)
    assert status == 400
    assert query[1:].partition("=")[0] in message


def test_pages_of_other_origins_may_not_watch_unless_they_are_listed(served: Served) -> None:
    assert refusal_of(served, origin="https://evil.test")[0] == 403
    assert refusal_of(served, origin="null")[0] == 403
    with served.watch(origin=served.url):
        pass
    rules = PageRules(origins=frozenset({"https://friend.test"}))
    with serving(options=ViewerOptions(rules)) as other, other.watch(origin="https://friend.test"):
        assert refusal_of(other, origin="https://evil.test")[0] == 403


def test_a_name_somebody_pointed_at_this_machine_is_not_ours(served: Served) -> None:
    rebound = {"host": f"evil.test:{served.port}"}
    for path in ("/avatar/", "/avatar/performers", "/avatar/builtin.vrm"):
        assert httpx.get(served.url + path, headers=rebound).status_code == 403
    named = PageRules(hosts=frozenset({"stage.test"}), only_loopback=False)
    scope = {"type": "http", "method": "GET", "headers": [(b"host", b"stage.test:8085")]}
    named.check(scope)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_pages_of_other_origins_change_nothing_though_their_browser_would_send_it(method: str) -> None:
    def ask(*headers: tuple[bytes, bytes]) -> None:
        PageRules().check({"type": "http", "method": method, "headers": [(b"host", b"localhost:8085"), *headers]})

    ask()
    ask((b"origin", b"http://localhost:8085"))
    for origin in (b"https://evil.test", b"null", b"http://localhost:3000"):
        with pytest.raises(NotGranted):
            ask((b"origin", origin))


def test_there_is_room_for_so_many_and_for_the_next_when_one_has_left() -> None:
    with serving(options=ViewerOptions(most_connections=2)) as served:
        with served.watch(), served.watch():
            assert refusal_of(served)[0] == 503

        def has_room() -> bool:
            try:
                with served.watch():
                    return True
            except InvalidStatus:
                return False

        wait_until("let in", has_room)


def test_nobody_watches_without_the_key_but_the_page_is_shown_to_ask_for_it() -> None:
    locked = RestSettings(token=SecretStr("t0ken"))
    with serving(rest=locked) as served:
        assert refusal_of(served)[0] == 401
        assert refusal_of(served, subprotocols=offer_key("other"))[0] == 401
        with served.watch(subprotocols=offer_key("t0ken")) as watching:
            assert watching.socket.subprotocol == "holistic.v1"
        assert httpx.get(f"{served.url}/avatar/performers").status_code == 401
        assert httpx.get(f"{served.url}/avatar/builtin.vrm").status_code == 200
        assert httpx.get(f"{served.url}/avatar/").status_code in {200, 404}


def test_the_list_of_performers_says_who_is_on_stage(served: Served, channel: Channel) -> None:
    now_us = time.time_ns() // 1000
    publish(channel, {"ada": 0.25, "bob": 0.75}, now_us)
    [ada, bob] = httpx.get(f"{served.url}/avatar/performers").json()
    assert (ada["stream"], ada["partition"], ada["tracked"], ada["avatar"]) == ("ada", 0, True, None)
    assert bob["received_at_ms"] - bob["captured_at_ms"] == pytest.approx(1.0)
    assert 0 <= ada["age_ms"] < 5_000
    assert ada["frames_per_s"] == 25.0
    assert "/avatar/performers" in httpx.get(f"{served.url}/openapi.json").json()["paths"]
