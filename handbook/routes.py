"""Every HTTP route, out of the same OpenAPI documents that the services answer at `/openapi.json`."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from prometheus_client import CollectorRegistry

from connect_runtime.rest.admin import admin_router
from connect_runtime.rest.connectors import connectors_router
from connect_runtime.rest.health import health_router as consumer_health_router
from connect_runtime.rest.offsets import offsets_router
from connect_runtime.rest.plugins import plugins_router
from consumers.analytics.feed.app import build_app as build_feed
from consumers.analytics.feed.settings import FeedSettings
from consumers.avatar.cast.models import models_router
from consumers.avatar.cast.rest import roles_router
from consumers.avatar.viewer.app import Viewer, ViewerOptions
from handbook.markdown import write_code, write_page, write_table
from producer_service.gateway.health import health_router as producer_health_router
from producer_service.gateway.streams import streams_router
from producer_service.gateway.uploads import uploads_router

_ABOUT: Final = (
    "Every service shows its API at `/docs`, and as OpenAPI at `/openapi.json`. WebSockets, which OpenAPI cannot "
    "describe, are told of in [the HTTP API](../producer-api.md), [the live feed](../live-feed.md) and [the avatars' "
    "stream](../avatar-stream.md)."
)
_VERBS: Final = ("get", "put", "post", "patch", "delete")


class _Absent:
    """Stands where a running service would: routes are described without one, and none is ever called."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *_: object, **__: object) -> Any:
        return self


def write_routes() -> str:
    """The page of routes."""
    parts = [f"## {title}\n\n{_write(app)}" for title, app in _describe_apis().items()]
    return write_page("HTTP routes", _ABOUT, parts)


def _describe_apis() -> dict[str, FastAPI]:
    absent: Any = _Absent()
    registry = CollectorRegistry()
    viewer = Viewer(absent, absent, bytes, int, ViewerOptions())
    return {
        "Every consumer (8083 archive, 8084 analytics, 8085 avatar)": _join(
            consumer_health_router(absent, registry, shows_traces=True),
            connectors_router(absent),
            offsets_router(absent, absent),
            plugins_router(absent),
            admin_router(absent),
        ),
        "Producer (5000)": _join(
            uploads_router(absent), streams_router(absent), producer_health_router(absent, registry)
        ),
        "Live feed (8086)": build_feed(_absent_feed()),
        "Avatar, beside the consumer's (8085)": _join(
            roles_router(absent, absent, absent), models_router(None), also=viewer.add_to
        ),
    }


def _absent_feed() -> Any:
    return SimpleNamespace(settings=FeedSettings.model_construct(), follow=None)


def _join(*routers: APIRouter, also: Callable[[FastAPI], None] = lambda _: None) -> FastAPI:
    app = FastAPI()
    for router in routers:
        app.include_router(router)
    also(app)
    return app


def _write(app: FastAPI) -> str:
    rows = [
        (write_code(verb.upper()), write_code(path), _summarise(route), _name_parameters(route))
        for path, routes in app.openapi()["paths"].items()
        for verb, route in routes.items()
        if verb in _VERBS
    ]
    return write_table(("", "route", "what it does", "query"), rows)


def _summarise(route: dict[str, Any]) -> str:
    return str(route.get("summary") or "")


def _name_parameters(route: dict[str, Any]) -> str:
    return ", ".join(write_code(one["name"]) for one in route.get("parameters", ()) if one["in"] == "query")
