"""Requests made to do harm: bodies without end or that trickle, headers that never come, forms of many parts."""

import threading
import time

import httpx
import pytest

from producer_service.gateway.settings import FORM_BYTES
from tests.producer_service.gateway.conftest import Serve
from tests.producer_service.gateway.raw_http import RawConnection, chunk, head
from tests.producer_service.gateway.serving import Service

pytestmark = pytest.mark.servers

LIMIT_BYTES = 8 * 1024 * 1024
PNG = {"content-type": "image/png"}


@pytest.fixture(autouse=True)
def _serves_on(service: Service, person: bytes) -> object:
    yield
    assert service.http.post("/v1/images", content=person, headers=PNG).status_code == 200


def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_sent(service: Service) -> None:
    with RawConnection(service) as connection:
        connection.send(head("/v1/images", f"Content-Length: {LIMIT_BYTES + 1}", "Expect: 100-continue"))
        answer = connection.read_answer()
    assert answer is not None
    assert (answer.status, answer.body["error"]["code"]) == (413, "body_too_large")


def test_a_form_too_large_is_told_so_to_clients_that_send_before_they_listen(service: Service) -> None:
    answer = service.http.post("/upload", files={"file": bytes(LIMIT_BYTES + FORM_BYTES)})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")


def test_a_chunked_body_without_end_is_cut_off(service: Service) -> None:
    piece = chunk(bytes(256 * 1024))
    sent = 0
    with RawConnection(service) as connection:
        connection.send(head("/v1/images", "Transfer-Encoding: chunked"))
        while sent < LIMIT_BYTES + 1024 * 1024:
            assert connection.send(piece)
            sent += 256 * 1024
        answer = connection.read_answer()
        assert answer is not None
        assert (answer.status, answer.body["error"]["code"]) == (413, "body_too_large")
        began_s = time.monotonic()
        while connection.send(piece):
            assert time.monotonic() - began_s < 15, "it is listened to for ever"


def test_a_body_that_trickles_is_given_up(service: Service) -> None:
    """A byte now and then: the connection is busy, and never done."""
    began_s = time.monotonic()
    with RawConnection(service) as connection:
        connection.send(head("/v1/images", "Content-Length: 100000"))
        trickling = threading.Event()

        def trickle() -> None:
            while not trickling.wait(0.1) and connection.send(b"\x89"):
                pass

        thread = threading.Thread(target=trickle)
        thread.start()
        answer = connection.read_answer()
        trickling.set()
        thread.join()
    assert answer is not None
    assert (answer.status, answer.body["error"]["code"]) == (408, "body_too_slow")
    assert time.monotonic() - began_s < 4


def test_a_body_that_stops_is_given_up_and_so_is_its_form(service: Service) -> None:
    form = head("/upload", "Content-Length: 1000").replace(b"image/png", b"multipart/form-data; boundary=x")
    with RawConnection(service) as connection:
        connection.send(form + b"--x\r\n")
        answer = connection.read_answer()
    assert answer is not None
    assert answer.status == 408


@pytest.mark.parametrize("sent", [b"", b"POST /up", head()[:-2], b"GET /livez HTTP/1.1\r\nHost: x\r\nX-A: "])
def test_headers_that_never_come_to_an_end_are_not_waited_for(service: Service, sent: bytes) -> None:
    began_s = time.monotonic()
    with RawConnection(service) as connection:
        connection.send(sent)
        assert connection.is_hung_up()
    assert time.monotonic() - began_s < 3


def test_headers_that_trickle_are_not_waited_for(service: Service) -> None:
    began_s = time.monotonic()
    with RawConnection(service) as connection:
        connection.send(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n")
        while connection.send(b"X-A: b\r\n") and time.monotonic() - began_s < 5:
            time.sleep(0.05)
    assert time.monotonic() - began_s < 3


def test_a_connection_that_is_used_again_is_waited_for_no_longer(service: Service) -> None:
    with RawConnection(service) as connection:
        connection.send(head("/livez", method="GET"))
        answer = connection.read_answer()
        assert answer is not None
        assert answer.status == 200
        connection.send(b"GET /livez HTTP/1.1\r\nX-A:")
        assert connection.is_hung_up()


@pytest.mark.parametrize(
    "request_bytes",
    [
        head("/livez", "X-Long: " + "x" * 100_000, method="GET"),
        head("/livez", *(f"X-{number}: y" for number in range(20_000)), method="GET"),
        b"GET " + b"/" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200) + b"\r\n\r\n",
        head("/v1/images", "Content-Length: -1"),
        head("/v1/images", "Content-Length: 5", "Content-Length: 6"),
        head("/v1/images", "Content-Length: 99999999999999999999999999"),
    ],
    ids=["long-header", "many-headers", "long-path", "tls", "negative", "two-lengths", "huge-length"],
)
def test_heads_that_are_too_large_or_none_are_refused(service: Service, request_bytes: bytes) -> None:
    with RawConnection(service) as connection:
        connection.send(request_bytes)
        answer = connection.read_answer()
    assert answer is not None
    assert answer.status in {400, 413, 431}
    assert set(answer.body["error"]) == {"code", "message", "hint"}


def test_a_form_of_thousands_of_parts_is_refused_at_once(service: Service, person: bytes) -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="stream"\r\n\r\na\r\n'
    began_s = time.monotonic()
    answer = service.http.post(
        "/upload",
        content=part * 100_000 + b"--x--\r\n",
        headers={"content-type": "multipart/form-data; boundary=x"},
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "damaged_form")
    assert time.monotonic() - began_s < 3


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x",
        b"--x--\r\n",
        b"--x\r\n\r\n\r\n--x--\r\n",
        b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\ncut off',
        b'--x\r\nContent-Disposition: attachment; name="file"\r\n\r\na\r\n--x--\r\n',
        b"--x\r\nContent-Disposition: form-data; filename=a\r\n\r\na\r\n--x--\r\n",
        b'--x\r\nContent-Disposition: form-data; name="stream"\r\n\r\n\xff\r\n--x--\r\n',
        b"no form at all",
    ],
)
def test_a_form_that_is_damaged_is_refused(service: Service, body: bytes) -> None:
    answer = service.http.post("/upload", content=body, headers={"content-type": "multipart/form-data; boundary=x"})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] in {"damaged_form", "one_file_expected"}


def test_bodies_received_at_once_are_bounded(serve: Serve, person: bytes) -> None:
    with serve(uploads_at_once=2, body_timeout_s=5) as service:
        with RawConnection(service) as first, RawConnection(service) as second:
            for connection in (first, second):
                connection.send(head("/v1/images", f"Content-Length: {len(person)}"))
            answer = None
            for _ in range(200):
                answer = service.http.post("/v1/images", content=person, headers=PNG)
                if answer.status_code == 503:
                    break
            assert answer is not None
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "too_many_uploads")
            assert answer.headers["retry-after"] == "1"
            first.send(person)
            published = first.read_answer()
            assert published is not None
            assert published.status == 200
        assert service.http.post("/v1/images", content=person, headers=PNG).status_code == 200


def test_one_key_may_send_so_many_pictures_a_second(serve: Serve, person: bytes) -> None:
    with serve(requests_per_s=1) as service:
        answers: list[httpx.Response] = [
            service.http.post("/v1/images", content=person, headers=PNG) for _ in range(30)
        ]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert len(refused) >= 10
        assert {answer.status_code for answer in answers} == {200, 429}
        assert refused[0].json()["error"]["code"] == "too_many_requests"
        assert int(refused[0].headers["retry-after"]) >= 1
        # Probes are nobody's pictures.
        assert service.http.get("/livez").status_code == 200
