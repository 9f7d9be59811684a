"""Streams over HTTP: opened, fed in order, looked at, and closed; and what may be their source."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keypoints import HolisticFrame
from tests.producer_service.conftest import Position
from tests.producer_service.gateway.conftest import Serve
from tests.producer_service.gateway.serving import Service
from tests.producer_service.made_media import write_video
from tests.producer_service.waiting import wait_until

pytestmark = pytest.mark.servers

PNG = {"content-type": "image/png"}
ReadTopic = Callable[[str], dict[Position, HolisticFrame]]


def send_frame(service: Service, stream: str, picture: bytes, **query: Any) -> Any:
    return service.http.post(f"/v1/streams/{stream}/frames", content=picture, headers=PNG, params=query)


def put(service: Service, stream: str, **wish: Any) -> tuple[int, dict[str, Any]]:
    answer = service.http.put(f"/v1/streams/{stream}", json=wish)
    return answer.status_code, answer.json()


def test_frames_of_a_stream_are_tracked_in_order(service: Service, read_topic: ReadTopic, person: bytes) -> None:
    answers = [
        send_frame(service, "dancer", person, landmarks=True, captured_at=1_790_000_000_000 + index).json()
        for index in range(5)
    ]
    # The landmarker counts what it has seen, as tracking would remember it.
    assert [answer["landmarks"]["right_hand"][0][0] for answer in answers] == [1, 2, 3, 4, 5]
    assert [answer["sequence"] for answer in answers] == [0, 1, 2, 3, 4]
    assert len({answer["epoch"] for answer in answers}) == 1
    frames = read_topic(service.topic)
    assert [frames[answer["partition"], answer["offset"]].sequence for answer in answers] == [0, 1, 2, 3, 4]
    assert service.http.delete("/v1/streams/dancer").status_code == 204


def test_a_stream_is_listed_with_its_figures_until_it_is_closed(service: Service, person: bytes) -> None:
    status, opened = put(service, "listed", source="push", mirrored=True)
    assert (status, opened["state"], opened["mirrored"], opened["acknowledged"]) == (201, "open", True, 0)
    assert put(service, "listed", source="push", mirrored=True)[0] == 200
    sent = send_frame(service, "listed", person).json()
    assert sent["mirrored"] is True
    shown = service.http.get("/v1/streams/listed").json()
    assert (shown["acknowledged"], shown["with_person"], shown["last_offset"]) == (1, 1, sent["offset"])
    assert "listed" in [stream["stream_id"] for stream in service.http.get("/v1/streams").json()["streams"]]
    assert service.http.delete("/v1/streams/listed").status_code == 204
    for gone in (service.http.get("/v1/streams/listed"), service.http.delete("/v1/streams/listed")):
        assert (gone.status_code, gone.json()["error"]["code"]) == (404, "no_such_stream")
    assert "listed" not in [stream["stream_id"] for stream in service.http.get("/v1/streams").json()["streams"]]


def test_what_a_stream_was_opened_as_it_stays(service: Service, person: bytes) -> None:
    put(service, "stays", mirrored=False)
    assert put(service, "stays", mirrored=True)[0] == 409
    refused = send_frame(service, "stays", person, mirrored=True)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "stream_taken")
    assert send_frame(service, "stays", person, mirrored=False).status_code == 200
    service.http.delete("/v1/streams/stays")


def test_a_stream_nobody_sends_to_is_closed_and_begins_anew_with_the_next_picture(serve: Serve, person: bytes) -> None:
    with serve(idle_stream_s=1.0) as service:
        first = send_frame(service, "idle", person).json()
        wait_until(lambda: service.http.get("/v1/streams/idle").status_code == 404)
        again = send_frame(service, "idle", person).json()
    assert again["epoch"] > first["epoch"]
    assert again["sequence"] == 0


def test_names_of_streams_are_any_text_a_path_can_carry(service: Service, person: bytes) -> None:
    answer = send_frame(service, "%C3%A4da%20%E2%98%85%3F", person)
    assert answer.json()["stream_id"] == "äda ★?"
    assert service.http.get("/v1/streams/%C3%A4da%20%E2%98%85%3F").status_code == 200
    assert send_frame(service, "a%00b", person).status_code == 400


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"source": 1}', "application/json", 400),
        (b'{"sauce": "push"}', "application/json", 400),
        (b'{"mirrored": "yes"}', "application/json", 400),
        (b'{"source": ""}', "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"[" * 10_000, "application/json", 400),
        (b'"' + b"x" * 20_000, "application/json", 413),
        (b"{}", "text/plain", 415),
    ],
)
def test_a_wish_that_cannot_be_read_opens_nothing(service: Service, body: bytes, kind: str, status: int) -> None:
    answer = service.http.put("/v1/streams/wished", content=body, headers={"content-type": kind})
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"code", "message", "hint"}
    assert service.http.get("/v1/streams/wished").status_code == 404


@pytest.mark.parametrize(
    "source",
    ["rtsp://127.0.0.1:8554/x", "http://169.254.169.254/latest/meta-data", "rtsp://camera.example.org/1", "webcam:0"],
)
def test_addresses_and_cameras_are_no_sources_unless_the_operator_says_so(service: Service, source: str) -> None:
    status, body = put(service, "spy", source=source)
    assert status == 403
    assert body["error"]["code"] in {"address_refused", "source_not_allowed"}
    assert service.http.get("/v1/streams/spy").status_code == 404


def test_private_addresses_are_refused_where_addresses_are_allowed(serve: Serve) -> None:
    hosts = (
        "127.0.0.1", "127.1.2.3:8554", "localhost", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1", "192.168.1.1",
        "172.16.0.9", "169.254.169.254", "0.0.0.0", "100.64.0.1", "[fe80::1]", "[fd00:ec2::254]", "224.0.0.1",
    )  # fmt: skip
    with serve(address_sources=True) as service:
        for scheme in ("rtsp", "rtsps", "http", "https"):
            for host in hosts:
                status, body = put(service, "spy", source=f"{scheme}://admin:secret@{host}/stream")
                assert (status, body["error"]["code"]) == (403, "address_refused"), host
                assert "secret" not in str(body)
        for odd in (
            "rtsp://2130706433/x",
            "rtsp://0x7f.1/x",
            "ftp://example.org/x",
            "file:///etc/passwd",
            "gopher://a/",
        ):
            status, body = put(service, "spy", source=odd)
            assert (status, body["error"]["code"]) == (400, "invalid_address"), odd
        assert service.http.get("/v1/streams").json() == {"streams": []}


def test_only_files_of_one_folder_are_sources_and_links_do_not_lead_out(serve: Serve, tmp_path: Path) -> None:
    folder, outside = tmp_path / "sources", tmp_path / "outside"
    (folder / "talks").mkdir(parents=True)
    outside.mkdir()
    write_video(folder / "talks" / "ada.mp4", 6)
    write_video(outside / "secret.mp4", 6)
    (folder / "link.mp4").symlink_to(outside / "secret.mp4")
    (folder / "linked").symlink_to(outside)
    with serve(sources_dir=folder, idle_stream_s=30.0) as service:
        for name in (
            "../outside/secret.mp4", "talks/../../outside/secret.mp4", str(outside / "secret.mp4"), "link.mp4",
            "linked/secret.mp4", "talks", ".", "nothing.mp4", "talks/ada.mp4\0.png", "/etc/passwd", "x" * 2000,
        ):  # fmt: skip
            status, body = put(service, "film", source=name)
            assert (status, body["error"]["code"]) == (404, "no_such_source"), name
            assert str(tmp_path) not in body["error"]["message"].replace(name[:200], "")
        status, opened = put(service, "film", source="talks/ada.mp4")
        assert (status, opened["source"]) == (201, "talks/ada.mp4")

        def show() -> dict[str, Any]:
            shown: dict[str, Any] = service.http.get("/v1/streams/film").json()
            return shown

        wait_until(lambda: show()["state"] == "ended")
        wait_until(lambda: show()["acknowledged"] == 6)
        assert str(tmp_path) not in str(show())
        # What has ended is read again when it is asked for again.
        assert put(service, "film", source="talks/ada.mp4")[0] == 201
        assert service.http.delete("/v1/streams/film").status_code == 204
        assert put(service, "film", source="/talks/ada.mp4")[0] == 404


def test_streams_of_one_key_are_counted(serve: Serve, person: bytes) -> None:
    with serve(streams_a_key=2) as service:
        assert [put(service, name)[0] for name in ("a", "b", "c")] == [201, 201, 429]
        refused = send_frame(service, "d", person)
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many_streams")
        service.http.delete("/v1/streams/a")
        assert put(service, "c")[0] == 201


def test_more_streams_than_can_be_tracked_are_told_to_come_back(serve: Serve, person: bytes) -> None:
    with serve(streams_a_key=100) as service:
        statuses = [send_frame(service, f"s{number}", person).status_code for number in range(9)]
        assert statuses == [200] * 8 + [503]
