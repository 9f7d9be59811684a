"""What a key may do over HTTP, and what without one may be asked."""

from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from producer_service.access.key_file import Right, create_key, revoke_key
from tests.producer_service.gateway.conftest import Serve
from tests.producer_service.gateway.raw_http import RawAnswer, RawConnection

pytestmark = pytest.mark.servers

PNG = {"content-type": "image/png"}
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def test_a_key_reaches_its_own_streams_alone(serve: Serve, key_file: Path, person: bytes) -> None:
    tokens = {
        name: create_key(key_file, name, streams, rights, NOW).token
        for name, streams, rights in (
            ("ada", ["ada-*", "stage"], frozenset({Right.PUBLISH})),
            ("bob", ["bob-*", "stage"], frozenset({Right.PUBLISH})),
            ("boss", ["*"], frozenset(Right)),
        )
    }

    with serve(api_keys_file=key_file) as service:

        def ask(name: str | None, method: str, path: str, **more: object) -> httpx.Response:
            headers = PNG if name is None else PNG | {"authorization": f"Bearer {tokens[name]}"}
            return service.http.request(method, path, headers=headers, **more)  # type: ignore[arg-type]

        for method, path in (
            ("POST", "/upload"), ("POST", "/v1/images"), ("POST", "/v1/streams/ada-1/frames"), ("GET", "/v1/streams"),
            ("GET", "/v1/streams/ada-1"), ("PUT", "/v1/streams/ada-1"), ("DELETE", "/v1/streams/ada-1"),
            ("GET", "/metrics"),
        ):  # fmt: skip
            answer = ask(None, method, path)
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized"), path
            assert answer.headers["www-authenticate"].startswith("Bearer")
        for path in ("/livez", "/readyz", "/docs", "/openapi.json"):
            assert ask(None, "GET", path).status_code == 200

        assert ask("ada", "POST", "/v1/images?stream=ada-1", content=person).status_code == 200
        for path in ("/v1/images?stream=bob-1", "/v1/images", "/v1/streams/bob-1/frames"):
            assert ask("ada", "POST", path, content=person).status_code == 403
        # A stream both may have is whose who opened it.
        assert ask("ada", "POST", "/v1/streams/stage/frames", content=person).status_code == 200
        for method, path in (
            ("POST", "/v1/streams/stage/frames"), ("GET", "/v1/streams/stage"), ("DELETE", "/v1/streams/stage"),
            ("POST", "/v1/images?stream=stage"),
        ):  # fmt: skip
            answer = ask("bob", method, path, content=person)
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
        assert [stream["stream_id"] for stream in ask("ada", "GET", "/v1/streams").json()["streams"]] == ["stage"]
        assert ask("bob", "GET", "/v1/streams").json() == {"streams": []}
        assert ask("ada", "DELETE", "/v1/streams/stage").status_code == 204
        assert ask("bob", "POST", "/v1/streams/stage/frames", content=person).status_code == 200

        film = {"source": "film.mp4"}
        headers = {"authorization": f"Bearer {tokens['ada']}"}
        refused = service.http.put("/v1/streams/ada-2", json=film, headers=headers)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
        assert ask("boss", "GET", "/metrics").status_code == 200

        revoke_key(key_file, "ada")
        assert ask("ada", "GET", "/v1/streams").status_code == 401
        key_file.write_text("{")
        away = ask("bob", "GET", "/v1/streams")
        assert (away.status_code, away.json()["error"]["code"]) == (503, "keys_unavailable")
        assert away.headers["retry-after"] == "1"


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_stream_opened_while_anothers_body_comes_is_not_theirs(
    serve: Serve, key_file: Path, person: bytes, method: str
) -> None:
    ada, bob = (create_key(key_file, name, ["stage"], frozenset({Right.PUBLISH}), NOW).token for name in ("ada", "bob"))
    path, body, kind = {
        "POST": ("/v1/streams/stage/frames", person, "image/png"),
        "PUT": ("/v1/streams/stage", b'{"mirrored": false}', "application/json"),
    }[method]
    lines = (f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Type: {kind}", f"Authorization: Bearer {bob}")
    with serve(api_keys_file=key_file) as service, RawConnection(service) as slow:
        slow.send("\r\n".join((*lines, f"Content-Length: {len(body)}", "Expect: 100-continue", "", "")).encode())
        # The service asks for the body once it has let the caller in.
        assert slow.read_answer() == RawAnswer(100, "", {})
        slow.send(body[:5])
        opened = service.http.post(
            "/v1/streams/stage/frames", content=person, headers=PNG | {"authorization": f"Bearer {ada}"}
        )
        assert opened.status_code == 200
        slow.send(body[5:])
        answer = slow.read_answer()
        assert answer is not None
        assert (answer.status, answer.body["error"]["code"]) == (403, "forbidden")


def test_the_openapi_document_says_that_a_key_is_needed(serve: Serve, key_file: Path) -> None:
    create_key(key_file, "ada", ["*"], frozenset(Right), NOW)
    with serve(api_keys_file=key_file) as service:
        described = service.http.get("/openapi.json").json()
    assert described["paths"]["/upload"]["post"]["security"] == [{"HTTPBearer": []}]
    assert described["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
