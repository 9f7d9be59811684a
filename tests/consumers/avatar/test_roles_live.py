"""Roles given, changed and taken away over REST while frames flow: the running services follow at once."""

import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from performers.acts import ActKind
from tests.consumers.avatar.live import (
    Performing,
    Receiving,
    Service,
    find_free_http_port,
    make_dance,
    wait_until,
)

pytestmark = [pytest.mark.servers, pytest.mark.timeout(120)]

QUIET_S = 0.5


@pytest.fixture(scope="module")
def dance() -> list[Any]:
    return make_dance()


@pytest.fixture
def stream() -> str:
    """A stream no other test gives a role."""
    return f"ada-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def taken_away(stream: str) -> Iterator[list[tuple[Service, str]]]:
    """Roles, by the service to ask, that are taken away after the test: their topic is everybody's."""
    given: list[tuple[Service, str]] = []
    yield given
    for service, name in given:
        with suppress(Exception):
            service.ask("DELETE", f"/avatar/roles/{name}")


def wait_quiet(receiver: Receiving) -> None:
    wait_until(lambda: receiver.silence_s() > QUIET_S, "nothing is sent there any more")


FOREARMS = ("RightLowerArm", "LeftLowerArm")


def right_and_left_arm(receiver: Receiving) -> tuple[float, float] | None:
    """How far each forearm moved in the last second, degrees; None when one of them was not told of."""
    bones = receiver.bones(time.time() - 1.0)
    if not bones.keys() >= set(FOREARMS):
        return None
    moved = []
    for name in FOREARMS:
        turned = bones[name].turned
        cosines = np.abs(turned @ turned.T)
        moved.append(float(2 * np.degrees(np.arccos(np.clip(cosines.min(), 0.0, 1.0)))))
    return moved[0], moved[1]


def waves_with(receiver: Receiving, side: str) -> bool:
    """Whether in the last second the one forearm moved, and the other hardly; not so while one is not told."""
    moved = right_and_left_arm(receiver)
    if moved is None:
        return False
    right, left = moved
    return right > 20.0 > left if side == "right" else left > 20.0 > right


def test_roles_are_followed_while_frames_flow(make_house: Any, dance: list[Any], stream: str) -> None:
    house, other = make_house(2), f"bob-{uuid.uuid4().hex[:8]}"
    with Receiving() as x, Receiving() as y, Performing(house.kafka, house.topic, {stream: 0, other: 1}, dance):
        one = house.start(name="one")
        one.wait_ready()
        wait_until(lambda: len(one.ask("GET", "/avatar/performers").json()) == 2, "both are on stage")
        assert one.ask("GET", "/avatar/roles").status_code == 200
        assert x.count() == y.count() == 0

        one.wait_for_roles()
        began_s = time.time()
        given = one.ask("PUT", f"/avatar/roles/{stream}", json={"targets": [x.target]})
        assert given.status_code == 200, given.text
        wait_until(lambda: x.count() > 0, "the role is followed", 2.0)
        followed_s = time.time() - began_s
        wait_until(lambda: waves_with(x, "right"), "the wave is the right arm's", 5.0)

        one.ask("PATCH", f"/avatar/roles/{stream}", json={"mirror": True, "ground_contact": True})
        wait_until(lambda: waves_with(x, "left"), "in a mirror it is the left one's", 5.0)

        # Two ask for one receiver: the first keeps it until its role lets go.
        assert one.ask("PUT", f"/avatar/roles/{other}", json={"targets": [x.target, y.target]}).status_code == 200
        wait_until(lambda: {line["stream_id"] for line in one.sent()} == {stream, other}, "both are shown", 2.0)
        wait_until(lambda: y.count() > 0, "the other's own receiver is fed", 2.0)
        one.ask("PATCH", f"/avatar/roles/{stream}", json={"targets": []})
        x.wait_for(20, 2.0)

        def sent_lately() -> set[str]:
            return {line["stream_id"] for line in one.sent() if line["sent_at_us"] > (time.time() - 0.25) * 1e6}

        wait_until(lambda: sent_lately() == {other}, "the receiver went to the other stream", 3.0)
        for refused, fields in (
            ("127.0.0.1:0", {"targets": ["127.0.0.1:0"]}),
            ("phone", {"targets": ["ifm-phone://127.0.0.1"]}),
            ("nobody.vrm", {"targets": [f"vmc://{x.target}?vrm=nobody.vrm"]}),
            ("mirror", {"mirror": "perhaps"}),
            ("colour", {"colour": "red"}),
            ("neutral_face", {"neutral_face": {"eye": "wide"}}),
        ):
            answer = one.ask("PATCH", f"/avatar/roles/{stream}", json=fields)
            assert (answer.status_code, refused in answer.text) == (400, True), answer.text
        for body in (b"{", b"[]", b'"x"', b"", b"\xff", b"[" * 100_000):
            answer = one.ask(
                "PUT", f"/avatar/roles/{stream}", content=body, headers={"Content-Type": "application/json"}
            )
            assert answer.status_code in {400, 422}, answer.text
            assert "Traceback" not in answer.text
        assert one.ask("GET", "/avatar/models/nobody.vrm").status_code == 404
        assert one.ask("PATCH", f"/avatar/roles/{other}", json={"avatar": "nobody.vrm"}).status_code == 200
        x.wait_for(20, 2.0)

        assert one.ask("DELETE", f"/avatar/roles/{stream}").status_code == 204
        assert one.ask("DELETE", f"/avatar/roles/{stream}").status_code == 404
        assert one.ask("DELETE", f"/avatar/roles/{other}").status_code == 204
        wait_quiet(x)
        wait_quiet(y)
        print(f"\n  a role is followed within {1000 * followed_s:.0f} ms")
        described = one.ask("GET", "/openapi.json").json()["paths"]
        assert {"/avatar/performers", "/avatar/roles", "/avatar/roles/{stream}", "/avatar/models"} <= set(described)
        assert one.ask("GET", "/docs").status_code == 200
        assert one.ask("GET", "/avatar/").status_code in {200, 404, 503}, "the page, where it is built"
        assert one.counted("holistic_avatar_performers") == 2
        assert one.counted("holistic_avatar_frames_shown_total") > 60
        assert one.stop() == 0


def test_a_face_at_rest_is_calibrated_and_survives_a_restart(make_house: Any, stream: str) -> None:
    house, still = make_house(), make_dance(ActKind.IDLE)
    with Receiving() as receiver, Performing(house.kafka, house.topic, {stream: 0}, still):
        one = house.start(name="one", environment={"HOLISTIC_VMC_TARGETS": receiver.target})
        receiver.wait_for(60)
        one.wait_for_roles()
        role = f"/avatar/roles/{stream}"
        assert one.ask("PATCH", role, json={"mirror": True}).status_code == 200
        asked = one.ask("POST", f"{role}/calibrate")
        assert asked.status_code == 202
        began_s = time.time()
        wait_until(lambda: one.ask("GET", role).json()["neutral_face"] is not None, "the face is known", 15.0)
        known_s = time.time() - began_s
        told = one.ask("GET", role).json()
        assert told["calibrated_at_ms"] == told["calibrate_at_ms"] == asked.json()["calibrate_at_ms"]
        assert told["mirror"] is True
        assert 2.0 < told["neutral_face"]["eye_opening_left"] < 15.0
        assert one.stop() == 0
        again = house.start(name="one", environment={"HOLISTIC_VMC_TARGETS": receiver.target})
        receiver.wait_for(60)
        again.wait_for_roles()
        time.sleep(1.0)
        assert again.ask("GET", role).json() == told, "it is not asked for again"
        print(f"\n  calibrated {known_s:.1f} s after it was asked for")
        again.ask("DELETE", role)


def test_the_role_of_everybody_holds_where_a_stream_says_nothing(
    make_house: Any, dance: list[Any], stream: str, taken_away: list[tuple[Service, str]]
) -> None:
    house = make_house(2)
    with Receiving() as receiver, Performing(house.kafka, house.topic, {stream: 0}, dance):
        one, two = house.start(name="one"), house.start(name="two")
        one.wait_ready()
        two.wait_ready()
        one.wait_for_roles()
        two.wait_for_roles()
        taken_away.append((two, "*"))
        wait_until(
            lambda: sum(len(each.ask("GET", "/avatar/performers").json()) for each in (one, two)) == 1, "it performs"
        )
        assert one.ask("PUT", "/avatar/roles/*", json={"targets": [receiver.target]}).status_code == 200
        receiver.wait_for(30, 3.0)
        wait_until(lambda: "*" in two.ask("GET", "/avatar/roles").json(), "the other replica knows it too", 2.0)
        # Whichever replica is asked, the one that has the stream follows.
        assert two.ask("PUT", f"/avatar/roles/{stream}", json={"targets": []}).status_code == 200
        wait_quiet(receiver)
        assert two.ask("DELETE", f"/avatar/roles/{stream}").status_code == 204
        receiver.wait_for(30, 3.0)
        assert two.ask("DELETE", "/avatar/roles/*").status_code == 204
        wait_quiet(receiver)


def relay(listener: socket.socket, to: tuple[str, int]) -> None:
    """Pass on everything between whoever connects and another address."""

    def pour(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    while True:
        try:
            ours, _ = listener.accept()
        except OSError:
            return
        theirs = socket.create_connection(to)
        for ends in ((ours, theirs), (theirs, ours)):
            threading.Thread(target=pour, args=ends, daemon=True).start()


@pytest.mark.long
def test_while_kafka_is_away_the_service_answers_and_says_so_then_follows(
    make_house: Any, dance: list[Any], stream: str
) -> None:
    house, port = make_house(), find_free_http_port()
    with Receiving() as receiver, Performing(house.kafka, house.topic, {stream: 0}, dance):
        environment = {"KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{port}", "HOLISTIC_VMC_TARGETS": receiver.target}
        service = house.start(name="one", environment=environment)
        service.wait_alive()
        refused = service.ask("PUT", f"/avatar/roles/{stream}", json={"mirror": True})
        assert refused.status_code == 503
        assert "avatar roles" in refused.text
        assert service.ask("GET", "/readyz").status_code == 503
        wait_until(lambda: "the topics of avatar roles cannot be read" in service.said(), "the log says so", 15.0)
        host, _, kafka_port = house.kafka.bootstrap_servers.partition(":")
        with socket.create_server(("127.0.0.1", port)) as listener:
            threading.Thread(target=relay, args=(listener, (host, int(kafka_port))), daemon=True).start()
            receiver.wait_for(60)
            wait_until(
                lambda: service.ask("PUT", f"/avatar/roles/{stream}", json={"targets": []}).status_code == 200,
                "roles can be given",
            )
            wait_quiet(receiver)
            service.ask("DELETE", f"/avatar/roles/{stream}")


def test_a_token_guards_roles_performers_and_the_stream(make_house: Any, stream: str) -> None:
    house = make_house()
    service = house.start(name="one", environment={"HOLISTIC_REST_TOKEN": "sesame"})
    service.wait_alive()
    key = {"Authorization": "Bearer sesame"}
    for path in ("/avatar/roles", f"/avatar/roles/{stream}", "/avatar/performers", "/avatar/models", "/metrics"):
        assert service.ask("GET", path).status_code == 401, path
        assert service.ask("GET", path, headers=key).status_code != 401, path
    assert service.ask("PUT", f"/avatar/roles/{stream}", json={"mirror": True}).status_code == 401
    assert service.ask("GET", "/livez").status_code == 200
    url = f"ws://127.0.0.1:{service.port}/avatar/stream"
    with pytest.raises(InvalidStatus, match="401"), connect(url):
        pass
    with connect(url, additional_headers=key) as watching:
        assert watching.recv(5)
