"""The kinds of connectors this service has, their settings, and whether given ones would do."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query

from connect_runtime.control.herder import Herder
from connect_runtime.plugins import describe_config, find_plugin, list_plugins, validate_config
from connect_runtime.rest.version import SUITE_VERSION


def plugins_router(herder: Herder) -> APIRouter:
    """Everything under `/connector-plugins`."""
    router = APIRouter(prefix="/connector-plugins", tags=["plugins"])

    @router.get("", summary="Classes of the service's connectors, and with connectorsOnly=false of its converters")
    def list_all(
        connectors_only: Annotated[bool, Query(alias="connectorsOnly")] = True,
    ) -> list[dict[str, str]]:
        return list_plugins(herder.plugins(), SUITE_VERSION, connectors_only=connectors_only)

    @router.get("/{plugin}/config", summary="Every setting of a connector, with what it means")
    def describe(plugin: str) -> list[dict[str, Any]]:
        return describe_config(find_plugin(herder.plugins(), plugin))

    @router.put("/{plugin}/config/validate", summary="Every setting with its value and what is wrong with it")
    def validate(plugin: str, body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        return validate_config(find_plugin(herder.plugins(), plugin), body)

    return router
