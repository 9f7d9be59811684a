"""Serve the page, and say to the browser what it may load, run and ask for: only what comes from here."""

from pathlib import Path
from typing import Final

import orjson
from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from observability.page_headers import make_page_headers
from producer_service.page.connections import describe_connections

_SITE: Final = Path(__file__).parent / "site"
_PAGE: Final = "/page"

# Pictures and videos a person chooses reach <img> and <video> as blob: addresses.
PAGE_HEADERS: Final = make_page_headers("img-src 'self' blob:", "media-src 'self' blob:", camera="self")


def mount_page(app: FastAPI) -> None:
    """Serve the page at `/page/`, its tables at `/page/connections.json`, and send who asks for `/` there."""
    connections = orjson.dumps(describe_connections())

    @app.get("/", include_in_schema=False)
    def find_page() -> Response:
        return RedirectResponse(f"{_PAGE}/")

    @app.get(f"{_PAGE}/connections.json", include_in_schema=False)
    def read_connections() -> Response:
        return Response(connections, media_type="application/json", headers=PAGE_HEADERS)

    app.mount(_PAGE, _WithPageHeaders(StaticFiles(directory=_SITE, html=True)), name="page")


class _WithPageHeaders:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(PAGE_HEADERS)
            await send(message)

        await self._app(scope, receive, send_with_headers)
