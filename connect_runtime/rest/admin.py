"""Levels of loggers, here or on all replicas."""

import logging
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from starlette.responses import JSONResponse, Response

from connect_runtime.control.errors import BadRequest
from connect_runtime.control.herder import Herder
from observability.log_levels import LogLevels, UnknownLevel

log = logging.getLogger(__name__)


def admin_router(herder: Herder) -> APIRouter:
    """Everything under `/admin/loggers`."""
    router = APIRouter(prefix="/admin/loggers", tags=["loggers"])
    levels = LogLevels()

    def follow(logger: str, level: str) -> None:
        try:
            levels.set_level(logger, level)
        except UnknownLevel as error:
            log.warning("%s", error.message, extra={"logger_name": logger})

    herder.on_logger_level = follow

    @router.get("", summary="Every logger and its level")
    def list_loggers() -> dict[str, Any]:
        return dict(levels.list_levels())

    @router.get("/{logger}", summary="The level of one logger")
    def read_logger(logger: str) -> dict[str, Any]:
        return levels.get_level(logger)

    @router.put("/{logger}", summary="Set the level of a logger and those below it; on all replicas: scope=cluster")
    def set_logger(
        logger: str, body: Annotated[dict[str, Any], Body()], scope: Annotated[str, Query()] = "worker"
    ) -> Response:
        level = body.get("level")
        if not isinstance(level, str):
            raise BadRequest("Desired 'level' parameter was not specified in request.")
        changed = levels.set_level(logger, level)
        if scope.lower() != "cluster":
            return JSONResponse(changed)
        herder.set_logger_level(logger, level)
        return Response(status_code=204)

    return router
