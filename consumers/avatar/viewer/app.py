"""What the viewer answers, beside Kafka Connect's API on the service's port."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request, WebSocket
from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import Scope

from connect_runtime.control.errors import ControlUnavailable
from connect_runtime.rest.app import answer_error
from connect_runtime.rest.routes import ServiceRoutes
from connect_runtime.rest.security import ASKED_PATH
from consumers.avatar.viewer.access import PageRules
from consumers.avatar.viewer.conversation import Conversation
from consumers.avatar.viewer.hub import Hub
from consumers.avatar.viewer.page_files import PAGE_DIRECTORY, PAGE_HEADERS, PageFiles
from consumers.avatar.viewer.replay.sessions import Replays
from consumers.avatar.viewer.wish import read_wish
from keypoints.errors import HolisticError

_PREFIX: Final = "/avatar"
_MODEL: Final = "builtin.vrm"
_MODEL_TYPE: Final = "model/gltf-binary"


@dataclass(frozen=True, slots=True)
class ViewerOptions:
    """Who may watch, how many at once, and where the built page is."""

    rules: PageRules = field(default_factory=PageRules)
    most_connections: int = 64
    page_directory: Path = PAGE_DIRECTORY
    on_connections: Callable[[int], None] = lambda _: None
    """Told how many watch, whenever that changes."""


class Viewer:
    """The viewer's routes; `build_model` makes the file of the built-in avatar, once."""

    def __init__(
        self,
        hub: Hub,
        replays: Replays,
        build_model: Callable[[], bytes],
        now_us: Callable[[], int],
        options: ViewerOptions,
    ) -> None:
        self._hub = hub
        self._replays = replays
        self._build_model = build_model
        self._now_us = now_us
        self._options = options
        self._page = PageFiles(options.page_directory)
        self._connections = 0

    def routes(self) -> ServiceRoutes:
        """To be added after all others under `/avatar`: what is none of theirs is a file of the page."""
        return ServiceRoutes(self.add_to, self.is_open)

    def is_open(self, path: str) -> bool:
        """The page, which asks its reader for the key, and the built-in avatar tell nothing of anybody."""
        if path == _PREFIX:
            return True
        name = path.removeprefix(f"{_PREFIX}/")
        return name != path and (name == _MODEL or self._page.has(name))

    def add_to(self, app: FastAPI) -> None:
        """Add them."""
        router = APIRouter(prefix=_PREFIX, tags=["viewer"])
        self._add_stage(router)
        self._add_page(router)
        app.include_router(router)

    def _add_stage(self, router: APIRouter) -> None:
        @router.websocket("/stream")
        async def talk(websocket: WebSocket) -> None:
            try:
                self._options.rules.check(websocket.scope)
                wish = read_wish(websocket.query_params)
                if self._connections >= self._options.most_connections:
                    raise ControlUnavailable(f"{self._connections} are watching already", hint="try again in a moment")
            except HolisticError as refused:
                await websocket.send_denial_response(answer_error(getattr(refused, "status", 500), refused.message))
                return
            self._count(1)
            try:
                await Conversation(websocket, wish, self._hub, self._replays).hold()
            finally:
                self._count(-1)

        @router.get("/performers", summary="Who is on stage of this replica, and how frequent their frames are")
        async def list_performers(request: Request) -> list[dict[str, Any]]:
            self._options.rules.check(request.scope)
            snapshot, now_us = self._hub.snapshot(), self._now_us()
            return [
                {
                    "number": entry.number,
                    "stream": entry.stream_id,
                    "partition": entry.partition,
                    "avatar": entry.avatar,
                    "mirror": entry.mirror,
                    "tracked": bool(states.tracked[row]),
                    "captured_at_ms": 0.0 if frame is None else frame.captured_at_us / 1000.0,
                    "received_at_ms": heard_at_us / 1000.0,
                    "age_ms": (now_us - heard_at_us) / 1000.0,
                    "frames_per_s": round(1e6 / interval_us, 1),
                }
                for entry, (_, frame, heard_at_us, interval_us, states, row, _) in zip(
                    snapshot.roster, snapshot.held, strict=True
                )
            ]

    def _count(self, more: int) -> None:
        self._connections += more
        self._options.on_connections(self._connections)

    def _add_page(self, router: APIRouter) -> None:
        @router.get("", include_in_schema=False)
        async def open_page(request: Request) -> Response:
            self._options.rules.check(request.scope)
            if not request.scope.get(ASKED_PATH, "/").endswith("/"):
                # The page asks for its files beside itself.
                return RedirectResponse(f"{_PREFIX}/")
            return await self._page.answer("", request.scope)

        @router.get(f"/{_MODEL}", summary="The built-in avatar, a VRM 1.0 model")
        def read_model(request: Request) -> Response:
            self._options.rules.check(request.scope)
            return self._model.answer(request.scope)

        @router.get("/{path:path}", include_in_schema=False)
        async def read_file(path: str, request: Request) -> Response:
            self._options.rules.check(request.scope)
            return await self._page.answer(path, request.scope)

    @cached_property
    def _model(self) -> "_Model":
        return _Model(self._build_model())


class _Model:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self._tag = f'"{blake2b(content, digest_size=16).hexdigest()}"'

    def answer(self, scope: Scope) -> Response:
        headers = {**PAGE_HEADERS, "etag": self._tag}
        if Headers(scope=scope).get("if-none-match") == self._tag:
            return Response(status_code=304, headers=headers)
        return Response(self._content, media_type=_MODEL_TYPE, headers=headers)
