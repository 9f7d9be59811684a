"""Serve the page, and say to the browser what it may load, run and ask for: only what comes from here."""

from pathlib import Path
from typing import Final

import orjson
from fastapi import FastAPI
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from consumers.analytics.feed.skeleton import UNIT, describe_strokes

_SITE: Final = Path(__file__).parent / "site"
_PAGE: Final = "/page"

PAGE_HEADERS: Final[dict[str, str]] = {
    "content-security-policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "permissions-policy": "camera=(), microphone=(), geolocation=(), display-capture=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Asked for again each time and answered with 304: a page never meets the modules of another version.
    "cache-control": "no-cache",
}


class _Site(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        """A file, and what the browser may do with it."""
        response = await super().get_response(path, scope)
        response.headers.update(PAGE_HEADERS)
        return response


def mount_page(app: FastAPI) -> None:
    """Serve the page at `/page/`, what it draws at `/page/strokes.json`, and send who asks for `/` there."""
    strokes = orjson.dumps({"unit": UNIT, "strokes": describe_strokes()})

    @app.get("/", include_in_schema=False)
    async def find_page() -> Response:
        return RedirectResponse(f"{_PAGE}/")

    @app.get(f"{_PAGE}/strokes.json", include_in_schema=False)
    async def read_strokes() -> Response:
        return Response(strokes, media_type="application/json", headers=PAGE_HEADERS)

    app.mount(_PAGE, _Site(directory=_SITE, html=True), name="page")
