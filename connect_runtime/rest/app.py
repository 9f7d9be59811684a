"""The whole REST API, put together, and how errors are answered."""

import logging
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from prometheus_client import CollectorRegistry
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from connect_runtime.control.herder import Herder
from connect_runtime.rest.admin import admin_router
from connect_runtime.rest.connectors import connectors_router
from connect_runtime.rest.health import health_router
from connect_runtime.rest.offsets import offsets_router
from connect_runtime.rest.plugins import plugins_router
from connect_runtime.rest.routes import ServiceRoutes
from connect_runtime.rest.security import Gate, RestSettings
from connect_runtime.rest.version import SUITE_VERSION
from kafka_io.settings import KafkaSettings
from keypoints.errors import HolisticError, Transient
from observability.api_docs import add_docs
from observability.logs import error_fields

_PHRASES: Final = {404: "HTTP 404 Not Found", 405: "HTTP 405 Method Not Allowed"}

log = logging.getLogger(__name__)


def make_app(
    herder: Herder,
    kafka: KafkaSettings | None,
    registry: CollectorRegistry,
    settings: RestSettings,
    routes: ServiceRoutes | None = None,
) -> ASGIApp:
    """The API of one replica, and the service's own routes. Without `kafka` there are no offsets to be asked for."""
    app = FastAPI(
        title="Holistic Stream connectors",
        summary="Kafka Connect's REST API for the sinks of this service, answered for all its replicas.",
        version=SUITE_VERSION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        strict_content_type=False,
    )
    app.add_exception_handler(HolisticError, _answer_error)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http)
    app.include_router(health_router(herder, registry, shows_traces=not settings.asks_who))
    app.include_router(connectors_router(herder))
    if kafka is not None:
        app.include_router(offsets_router(herder, kafka))
    app.include_router(plugins_router(herder))
    app.include_router(admin_router(herder))
    add_docs(app)
    if routes is None:
        return Gate(app, settings)
    routes.add(app)
    return Gate(app, settings, routes.is_open)


def answer_error(status: int, message: str) -> Response:
    """An error in Kafka Connect's form."""
    return JSONResponse({"error_code": status, "message": message}, status)


def _answer_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HolisticError)  # noqa: S101 - registered for these
    status = getattr(error, "status", 503 if isinstance(error, Transient) else 500)
    if status >= 500:
        log.warning("a request failed: %s", error.message, extra=error_fields(error))
    # Connect's form has no place of its own for what a person can do.
    return answer_error(status, error.message if error.hint is None else f"{error.message} ({error.hint})")


def _answer_invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for these
    problems = [f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}" for problem in error.errors()]
    return answer_error(400, "; ".join(problems))


def _answer_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for these
    response = answer_error(error.status_code, _PHRASES.get(error.status_code, str(error.detail)))
    response.headers.update(error.headers or {})
    return response
