"""The whole HTTP API, put together."""

import asyncio
import importlib.util
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from fastapi import FastAPI

from observability.api_docs import add_docs
from observability.version import SUITE_VERSION
from producer_service.access.keys import ApiKeys
from producer_service.gateway.callers import Gateway
from producer_service.gateway.errors import add_error_handlers
from producer_service.gateway.heads import HeadLimit
from producer_service.gateway.health import health_router
from producer_service.gateway.last_resort import LastResort
from producer_service.gateway.limits import CallerRates, UploadRoom
from producer_service.gateway.open_streams import OpenStreams
from producer_service.gateway.origins import OriginGate, OriginRules
from producer_service.gateway.settings import GatewaySettings
from producer_service.gateway.sources import SourceRules
from producer_service.gateway.streams import streams_router
from producer_service.gateway.uploads import uploads_router
from producer_service.gateway.websocket import websocket_router
from producer_service.live.opening import OpenStudio
from producer_service.metrics import OutcomeMetrics
from producer_service.settings import ProducerSettings

_LOOPBACK: Final = ("127.", "::1", "localhost")
_ABOUT: Final = (
    "Pictures in, landmarks of body, face and hands out, on Kafka. 200 means that Kafka has acknowledged the frame. "
    "Frames of a camera are best sent over the WebSocket `/v1/streams/{stream_id}/ws`, which OpenAPI cannot describe: "
    "see docs/producer-api.md."
)


def build_app(
    studio: OpenStudio, keys: ApiKeys, settings: GatewaySettings, producer: ProducerSettings, metrics: OutcomeMetrics
) -> FastAPI:
    """The API over an open studio; `metrics` must be the one whose `note` the studio tells its outcomes."""
    now_us = studio.studio.equipment.now_us
    rules = SourceRules(
        settings.address_policy(),
        settings.webcam_sources,
        settings.sources_dir,
        producer.image_limits(),
        producer.patience(),
        now_us,
    )
    gateway = Gateway(
        open=studio,
        keys=keys,
        settings=settings,
        producer=producer,
        streams=OpenStreams(studio.studio, rules, now_us, settings.idle_stream_s),
        rates=CallerRates(settings.requests_per_s),
        uploads=UploadRoom(settings.uploads_at_once),
    )
    metrics.watch(studio, lambda: gateway.uploads.taken)

    @asynccontextmanager
    async def watch_streams(_: FastAPI) -> AsyncIterator[None]:
        watching = asyncio.create_task(gateway.streams.watch())
        try:
            yield
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
            await gateway.streams.close_all()

    app = FastAPI(
        title="Holistic Stream producer",
        summary="Pictures and cameras become landmarks on Kafka.",
        description=_ABOUT,
        version=SUITE_VERSION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=watch_streams,
    )
    routers = [
        uploads_router(gateway),
        streams_router(gateway),
        websocket_router(gateway),
        health_router(gateway, metrics.registry),
    ]
    for router in routers:
        app.include_router(router)
    add_error_handlers(app, [route for router in routers for route in router.routes])
    add_docs(app)
    _add_page(app)
    origins = OriginRules(
        settings.allowed_origins,
        settings.allowed_hosts,
        asks_who=keys.asks_who,
        only_loopback=is_loopback(settings.http_host),
    )
    app.add_middleware(LastResort)
    app.add_middleware(OriginGate, rules=origins)
    app.add_middleware(HeadLimit)
    return app


def is_loopback(host: str) -> bool:
    """Whether an address reaches this machine alone."""
    return host.startswith(_LOOPBACK)


def _add_page(app: FastAPI) -> None:
    """The capture page, where it is installed."""
    if importlib.util.find_spec("producer_service.page.assets") is not None:
        from producer_service.page.assets import mount_page

        mount_page(app)
