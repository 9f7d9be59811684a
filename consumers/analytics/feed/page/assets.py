"""Serve the page, and say to the browser what it may load, run and ask for: only what comes from here."""

from pathlib import Path
from typing import Final

import orjson
from fastapi import FastAPI
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from consumers.analytics.feed.skeleton import UNIT, describe_strokes
from observability.page_headers import make_page_headers

_SITE: Final = Path(__file__).parent / "site"
_PAGE: Final = "/page"

PAGE_HEADERS: Final = make_page_headers()


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
