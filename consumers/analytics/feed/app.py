"""The feed's HTTP API, put together."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Annotated, Any, Final

from fastapi import APIRouter, FastAPI, Header, Query, Request, Response, WebSocket

from consumers.analytics.feed.access import AccessGate, AccessRules
from consumers.analytics.feed.errors import TooManyReaders, add_error_handlers, answer_error
from consumers.analytics.feed.event import EventFilter
from consumers.analytics.feed.live_feed import EVENTS, SKELETONS, LiveFeed, read_clock_ms
from consumers.analytics.feed.page.assets import mount_page
from consumers.analytics.feed.positions import read_positions
from consumers.analytics.feed.reading import Wish
from consumers.analytics.feed.sockets import write_json, write_messages
from consumers.analytics.feed.sse import EventStream
from keypoints.topics import check_stream_id
from observability.api_docs import add_docs
from observability.health import Answer, answer_livez, answer_metrics, answer_readyz
from observability.version import SUITE_VERSION

_ABOUT: Final = (
    "What analytics finds, as it is found. `/v1/events/ws` gives the same events over a WebSocket, and "
    "`/v1/skeleton/ws?stream=…` a stream's newest skeleton, which OpenAPI cannot describe: see docs/live-feed.md."
)
_MOST_WORDS: Final = 64

Words = Annotated[list[str] | None, Query(max_length=_MOST_WORDS)]


def build_app(feed: LiveFeed) -> FastAPI:
    """The API over a feed, which is run for as long as the app is."""

    @asynccontextmanager
    async def follow(_: FastAPI) -> AsyncIterator[None]:
        async with feed.follow():
            yield

    app = FastAPI(
        title="Holistic Stream live feed",
        summary="Events of analytics as they happen.",
        description=_ABOUT,
        version=SUITE_VERSION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=follow,
    )
    app.include_router(_events_router(feed))
    app.include_router(_skeleton_router(feed))
    app.include_router(_health_router(feed))
    add_error_handlers(app)
    add_docs(app)
    mount_page(app)
    app.add_middleware(AccessGate, rules=AccessRules.of(feed.settings))
    return app


def _events_router(feed: LiveFeed) -> APIRouter:
    router = APIRouter(tags=["events"])
    settings = feed.settings

    def read_wish(stream: Words, category: Words, kind: Words, hand: Words, after: str | None, recent: int) -> Wish:
        wanted = EventFilter(*(frozenset(words or ()) for words in (stream, category, kind, hand)))
        return Wish(wanted, read_positions(after) if after else None, recent)

    @router.get(
        "/v1/events",
        summary="Events as Server-Sent Events",
        response_class=Response,
        responses={200: {"content": {"text/event-stream": {}}, "description": "Events until either side has enough."}},
    )
    async def stream_events(
        stream: Words = None,
        category: Words = None,
        kind: Words = None,
        hand: Words = None,
        after: Annotated[str | None, Query(description="Id of the last event read; Last-Event-ID wins.")] = None,
        recent: Annotated[int, Query(ge=0, description="Newest events in memory to be sent first.")] = 0,
        last_event_id: Annotated[str | None, Header()] = None,
    ) -> Response:
        wish = read_wish(stream, category, kind, hand, last_event_id or after, recent)
        return EventStream(
            feed.reading.read(wish),
            feed.room.enter(EVENTS),
            settings.feed_send_timeout_s,
            feed.count_cut_off(EVENTS),
            feed.hub.closing,
        )

    @router.websocket("/v1/events/ws")
    async def talk_events(
        websocket: WebSocket,
        stream: Words = None,
        category: Words = None,
        kind: Words = None,
        hand: Words = None,
        after: str | None = None,
        recent: Annotated[int, Query(ge=0)] = 0,
    ) -> None:
        wish = read_wish(stream, category, kind, hand, after, recent)

        async def write() -> AsyncGenerator[str, None]:
            async with aclosing(feed.reading.read(wish)) as messages:
                async for message in messages:
                    yield write_json(message)

        await _talk(feed, websocket, EVENTS, write())

    @router.get("/v1/streams", summary="Streams heard of lately, and what goes on in each")
    async def read_streams() -> dict[str, Any]:
        return feed.book.describe(read_clock_ms())

    return router


def _skeleton_router(feed: LiveFeed) -> APIRouter:
    router = APIRouter()

    @router.websocket("/v1/skeleton/ws")
    async def talk_skeleton(websocket: WebSocket, stream: str) -> None:
        check_stream_id(stream)
        least_s = 1 / feed.settings.feed_skeletons_per_s
        await _talk(feed, websocket, SKELETONS, feed.frames.watch(stream, least_s))

    return router


async def _talk(feed: LiveFeed, websocket: WebSocket, of: str, messages: AsyncGenerator[str, None]) -> None:
    try:
        with feed.room.enter(of):
            timeout_s = feed.settings.feed_send_timeout_s
            await write_messages(websocket, messages, timeout_s, feed.count_cut_off(of), feed.hub.closing)
    except TooManyReaders as full:
        await websocket.send_denial_response(answer_error(full))


def _health_router(feed: LiveFeed) -> APIRouter:
    router = APIRouter(tags=["service"])

    @router.get("/livez", summary="200 while the process answers at all")
    async def read_livez() -> Response:
        return _respond(answer_livez())

    @router.get("/readyz", summary="200 while events come as they are published, else 503 with reasons")
    async def read_readyz() -> Response:
        return _respond(answer_readyz(feed.readiness()))

    @router.get("/metrics", summary="Prometheus metrics")
    async def read_metrics(request: Request) -> Response:
        return _respond(answer_metrics(feed.metrics.registry, request.headers.get("accept")))

    return router


def _respond(answer: Answer) -> Response:
    return Response(answer.body, answer.status, {"content-type": answer.content_type})
