"""Single pictures by HTTP: what is answered is what is on the topic, and what is refused says why."""

import json
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keypoints import HolisticFrame
from tests.producer_service.conftest import Position
from tests.producer_service.gateway.serving import Service
from tests.producer_service.made_media import draw_quarters, encode_picture

pytestmark = pytest.mark.servers

ReadTopic = Callable[[str], dict[Position, HolisticFrame]]
PNG = {"content-type": "image/png"}


def test_curl_as_it_stands_in_the_readme_sends_a_picture(
    service: Service, person: bytes, tmp_path: Path, require_tool: Callable[[str], str]
) -> None:
    (tmp_path / "demo.jpg").write_bytes(person)
    answered = subprocess.run(
        [require_tool("curl"), "-sS", "--fail", "-X", "POST", f"{service.url}/upload", "-F", "file=@demo.jpg"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    assert json.loads(answered.stdout)["found"] == {"parts": ["right_hand"], "hands": ["right"]}


def test_every_answer_names_the_record_that_is_on_the_topic(
    service: Service, read_topic: ReadTopic, person: bytes
) -> None:
    """A thousand uploads, four at a time, each with a name and a time of its own."""
    began_ms = 1_790_000_000_000

    def send(index: int) -> dict[str, Any]:
        answer = service.http.post(
            "/upload",
            files={"file": person},
            data={"stream": f"sitter-{index % 7}", "captured_at": str(began_ms + index)},
        )
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body | {"sent": index}

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(send, range(1000)))
    frames = read_topic(service.topic)
    assert len({(answer["partition"], answer["offset"]) for answer in answers}) == 1000
    for answer in answers:
        frame = frames[answer["partition"], answer["offset"]]
        assert answer["topic"] == service.topic
        assert frame.stream_id == answer["stream_id"] == f"sitter-{answer['sent'] % 7}"
        assert (frame.epoch, frame.sequence) == (answer["epoch"], answer["sequence"])
        assert frame.captured_at_us == (began_ms + answer["sent"]) * 1000
        assert (frame.width, frame.height) == (answer["width"], answer["height"]) == (64, 48)
        assert frame.right_hand is not None


def test_landmarks_are_answered_when_they_are_asked_for_and_are_those_of_the_record(
    service: Service, read_topic: ReadTopic, person: bytes
) -> None:
    answer = service.http.post("/v1/images?landmarks=true", content=person, headers=PNG).json()
    frame = read_topic(service.topic)[answer["partition"], answer["offset"]]
    landmarks = answer["landmarks"]
    assert frame.right_hand is not None
    assert np.array_equal(np.array(landmarks["right_hand"], np.float32), frame.right_hand)
    assert [landmarks[part] for part in ("pose", "pose_world", "face", "left_hand")] == [None] * 4
    assert "landmarks" not in service.http.post("/v1/images", content=person, headers=PNG).json()


def test_a_mirrored_picture_shows_the_other_hand(service: Service, person: bytes) -> None:
    by_form = service.http.post("/upload", files={"file": person}, data={"mirrored": "true"}).json()
    by_query = service.http.post("/v1/images?mirrored=true", content=person, headers=PNG).json()
    for answer in (by_form, by_query):
        assert answer["mirrored"] is True
        assert answer["found"]["hands"] == ["left"]


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
def test_each_kind_of_picture_is_taken(service: Service, kind: str) -> None:
    picture = encode_picture(draw_quarters(), kind.upper())
    assert service.http.post("/upload", files={"file": picture}).status_code == 200
    raw = service.http.post("/v1/images", content=picture, headers={"content-type": f"image/{kind}"})
    assert raw.status_code == 200


def test_where_the_time_went_adds_up(service: Service, person: bytes) -> None:
    spent = service.http.post("/upload", files={"file": person}).json()["spent"]
    assert min(spent.values()) >= 0
    assert spent["total_ms"] == pytest.approx(sum(spent.values()) - spent["total_ms"], abs=0.01)


def test_an_answer_waits_for_nothing_but_its_picture(service: Service, person: bytes) -> None:
    """Not for the client's acknowledgement of its own beginning, which costs 40 ms each time."""
    beside_ms: list[float] = []
    for _ in range(41):
        began_s = time.perf_counter()
        answer = service.http.post("/upload", files={"file": person})
        beside_ms.append((time.perf_counter() - began_s) * 1000 - answer.json()["spent"]["total_ms"])
    assert sorted(beside_ms)[20] < 20


def refuse(service: Service, **request: Any) -> tuple[int, dict[str, Any]]:
    answer = service.http.post("/upload", **request)
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()) == {"error"}
    error: dict[str, Any] = answer.json()["error"]
    assert set(error) == {"code", "message", "hint"}
    return answer.status_code, error


def test_a_picture_of_nobody_is_refused_and_leaves_no_record(service: Service, read_topic: ReadTopic) -> None:
    before = len(read_topic(service.topic))
    nobody = encode_picture(np.zeros((48, 64, 3), np.uint8))
    status, error = refuse(service, files={"file": nobody})
    assert (status, error["code"]) == (422, "no_person")
    assert len(read_topic(service.topic)) == before


def test_a_landmarker_that_breaks_is_no_fault_of_the_sender(service: Service) -> None:
    answer = service.http.post("/upload", files={"file": encode_picture(np.full((48, 64, 3), 255, np.uint8))})
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "inference_failed"
    assert int(answer.headers["retry-after"]) >= 1


def test_a_form_is_to_have_one_file_and_only_fields_that_are_known(service: Service, person: bytes) -> None:
    status, error = refuse(service, files=[("file", person), ("file", person)])
    assert (status, error["code"]) == (400, "one_file_expected")
    status, error = refuse(service, files={"stream": b"only-a-name"})
    assert (status, error["code"]) == (400, "one_file_expected")
    status, error = refuse(service, files={"file": person}, data={"steram": "ada"})
    assert (status, error["code"]) == (400, "unknown_field")
    assert "'steram'" in error["message"]
    assert "stream" in error["hint"]
    status, error = refuse(service, content=person)
    assert (status, error["code"]) == (415, "not_a_form")


@pytest.mark.parametrize("captured_at", ["yesterday", "9999-12-31T00:00:00Z", "1950-01-01T00:00:00Z", "1" * 60])
def test_a_time_that_no_record_can_have_is_refused_before_any_work(
    service: Service, person: bytes, captured_at: str
) -> None:
    status, error = refuse(service, files={"file": person}, data={"captured_at": captured_at})
    assert (status, error["code"]) == (400, "invalid_capture_time")
    assert refuse(service, files={"file": person}, params={"captured_at": captured_at})[0] == 400


@pytest.mark.parametrize("path", ["/upload", "/v1/images", "/v1/streams/ada/frames"])
@pytest.mark.parametrize("query", ["streem=ada", "mirrored=true&mirrored=false"])
def test_a_query_that_is_mistyped_is_named_and_not_passed_over(
    service: Service, person: bytes, path: str, query: str
) -> None:
    answer = service.http.post(f"{path}?{query}", content=person, headers=PNG)
    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.json()["error"]["message"]


def test_a_stream_name_that_cannot_be_kept_is_refused(service: Service, person: bytes) -> None:
    for name in ("", "x" * 513, "a\0b"):
        status, error = refuse(service, files={"file": person}, data={"stream": name})
        assert (status, error["code"]) == (400, "invalid_stream_id")


def test_a_raw_body_says_what_it_is(service: Service, person: bytes) -> None:
    for kind in ("text/plain", "image/gif", "multipart/form-data", ""):
        answer = service.http.post("/v1/images", content=person, headers={"content-type": kind})
        assert (answer.status_code, answer.json()["error"]["code"]) == (415, "not_an_image")


def test_what_is_not_there_and_what_is_not_allowed_are_said_in_the_same_form(service: Service) -> None:
    missing = service.http.get("/v2/nothing")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not_found")
    wrong = service.http.patch("/v1/streams/a")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (405, "method_not_allowed")
    assert wrong.headers["allow"] == "DELETE, GET, PUT"
