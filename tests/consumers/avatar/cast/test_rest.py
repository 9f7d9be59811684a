"""Roles can be listed, given, changed and taken away over REST, and wrong ones are answered clearly."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.responses import Response

from connect_runtime.compacted_log import MemoryCompactedLog
from connect_runtime.rest.app import answer_error
from consumers.avatar.cast.book import RoleBook
from consumers.avatar.cast.rest import roles_router
from consumers.avatar.outputs.target import parse_target
from keypoints.errors import HolisticError

Ask = Callable[..., httpx.Response]


@pytest.fixture
def ask() -> Ask:
    """`ask(method, path, json=…)` of the routes alone, errors answered as the service does."""
    app = FastAPI()
    app.include_router(roles_router(RoleBook(MemoryCompactedLog()), parse_target, lambda: 1_790_000_000_000))

    def answer(_: Request, error: Exception) -> Response:
        assert isinstance(error, HolisticError)
        return answer_error(getattr(error, "status", 500), error.message)

    app.add_exception_handler(HolisticError, answer)

    async def request(method: str, path: str, **fields: Any) -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://avatar") as client:
            return await client.request(method, f"/avatar/roles{path}", **fields)

    return lambda *asked, **fields: asyncio.run(request(*asked, **fields))


def said(answer: httpx.Response) -> dict[str, Any]:
    fields: dict[str, Any] = answer.json()
    return {name: value for name, value in fields.items() if value is not None}


def test_a_role_is_given_read_changed_and_taken_away(ask: Ask) -> None:
    target = "vmc://127.0.0.1:39539?profile=vseeface"
    given = ask("PUT", "/ada", json={"targets": [target], "mirror": True})
    assert given.status_code == 200
    assert said(ask("GET", "/ada")) == {"stream": "ada", "targets": [target], "mirror": True}
    assert set(ask("GET", "").json()) == {"ada"}
    changed = ask("PATCH", "/ada", json={"mirror": None, "avatar": "fox"})
    assert said(changed) == {"stream": "ada", "targets": [target], "avatar": "fox"}
    assert ask("DELETE", "/ada").status_code == 204
    assert ask("GET", "/ada").status_code == 404


def test_a_stream_may_have_any_name(ask: Ask) -> None:
    ask("PUT", "/hall/camera 1", json={"mirror": True})
    assert said(ask("GET", "/hall/camera 1"))["stream"] == "hall/camera 1"
    assert ask("POST", "/hall/camera 1/calibrate").status_code == 202


def test_asking_for_a_calibration_keeps_the_role(ask: Ask) -> None:
    ask("PUT", "/ada", json={"mirror": True})
    asked = ask("POST", "/ada/calibrate")
    assert said(asked) == {"stream": "ada", "mirror": True, "calibrate_at_ms": 1_790_000_000_000}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"targets": ["127.0.0.1:0"]}, "127.0.0.1:0"),
        ({"targets": ["ftp://127.0.0.1"]}, "ftp"),
        ({"colour": "red"}, "colour"),
        ({"mirror": "perhaps"}, "mirror"),
    ],
)
def test_a_wrong_role_is_refused_with_what_is_wrong(ask: Ask, fields: Any, message: str) -> None:
    answer = ask("PUT", "/ada", json=fields)
    assert answer.status_code == 400
    assert message in answer.json()["message"]
    assert ask("GET", "/ada").status_code == 404
