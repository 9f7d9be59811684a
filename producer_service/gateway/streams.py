"""Streams: opened, fed, looked at and closed."""

import asyncio
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import JSONResponse, Response

from keypoints.topics import STREAM_ID_MAX_CHARACTERS, check_stream_id
from producer_service.access.caller import Caller
from producer_service.access.errors import Forbidden
from producer_service.access.key_file import Right
from producer_service.capture.live_source import LiveSource
from producer_service.gateway.answers import (
    PublishedPicture,
    StreamList,
    StreamState,
    answer_published,
    format_time,
    show_report,
)
from producer_service.gateway.bodies import read_body
from producer_service.gateway.callers import Gateway, ask_caller
from producer_service.gateway.descriptions import PICTURE_BODY, describe_errors
from producer_service.gateway.errors import RequestRefused, check_acknowledged
from producer_service.gateway.open_streams import OpenStream
from producer_service.gateway.sources import PUSH
from producer_service.gateway.uploads import read_picture
from producer_service.gateway.wishes import (
    FRAME_QUERY,
    CapturedAtQuery,
    LandmarksQuery,
    MirroredQuery,
    PictureWish,
    check_query,
)
from producer_service.live.picture import EncodedPicture
from producer_service.live.stream_line import StreamLine

_WISH_BYTES = 16 * 1024

StreamPath = Annotated[
    str,
    Path(
        min_length=1,
        max_length=STREAM_ID_MAX_CHARACTERS,
        # What a path cannot carry: a slash, and U+0000, which no stream's name may have.
        pattern=r"^[^/\x00]+$",
        description="Name of the stream, percent-encoded.",
    ),
]


class StreamWish(BaseModel):
    """What a stream is to be."""

    model_config = ConfigDict(extra="forbid", strict=True)

    source: str = Field(
        default=PUSH,
        min_length=1,
        max_length=2048,
        description="`push`: its pictures are sent. Else what is read: rtsp://…, http://…, webcam:0, or a file's name.",
    )
    mirrored: bool = Field(default=False, description="It shows the person as in a mirror.")


def streams_router(gateway: Gateway) -> APIRouter:
    """Everything under `/v1/streams` but WebSockets."""
    router = APIRouter(prefix="/v1/streams", tags=["streams"])
    asked = Depends(ask_caller(gateway.keys))
    _add_reading(router, gateway, asked)
    _add_opening(router, gateway, asked)
    _add_frames(router, gateway, asked)
    return router


def _add_reading(router: APIRouter, gateway: Gateway, asked: Any) -> None:
    @router.get(
        "", summary="Your streams that are open", response_model=StreamList, responses=describe_errors(401, 503)
    )
    async def list_streams(caller: Annotated[Caller, asked]) -> Response:
        here = {stream.line.stream_id: stream for stream in gateway.streams.list()}
        lines = {line.stream_id: line for line in gateway.open.studio.lines()}
        shown = [show_stream(stream.line, stream) for stream in here.values()]
        shown += [show_stream(line, None) for stream_id, line in lines.items() if stream_id not in here]
        return JSONResponse({"streams": [state for state in shown if _may_see(caller, state["stream_id"])]})

    @router.get(
        "/{stream_id}",
        summary="One of your streams",
        response_model=StreamState,
        responses=describe_errors(400, 401, 403, 404, 503),
    )
    async def read_stream(caller: Annotated[Caller, asked], stream_id: StreamPath) -> Response:
        caller.check_owns(check_stream_id(stream_id))
        stream = gateway.streams.find(stream_id)
        line = stream.line if stream is not None else _find_line(gateway, stream_id)
        return JSONResponse(show_stream(line, stream))


def _add_opening(router: APIRouter, gateway: Gateway, asked: Any) -> None:
    @router.put(
        "/{stream_id}",
        summary="Open a stream, and read its source if it has one",
        status_code=201,
        response_model=StreamState,
        responses={
            200: {"model": StreamState, "description": "It was open already, just so."},
            **describe_errors(400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 503),
        },
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": StreamWish.model_json_schema()}},
            }
        },
    )
    async def open_stream(request: Request, caller: Annotated[Caller, asked], stream_id: StreamPath) -> Response:
        caller.check_owns(check_stream_id(stream_id))
        wish = await _read_wish(gateway, request)
        # Another key may have opened it while the body came.
        caller.check_owns(stream_id)
        pushed = wish.source == PUSH
        gateway.admit(caller, Right.PUBLISH if pushed else Right.MANAGE)
        found = gateway.streams.find(stream_id)
        if found is not None and found.over:
            await gateway.streams.close(found)
        elif found is not None and found.asked == wish.source and found.mirrored == wish.mirrored:
            return JSONResponse(show_stream(found.line, found))
        if pushed:
            stream = await gateway.streams.open_push(caller, stream_id, mirrored=wish.mirrored)
        else:
            stream = await gateway.streams.open_source(caller, stream_id, wish.source, mirrored=wish.mirrored)
        return JSONResponse(show_stream(stream.line, stream), HTTPStatus.CREATED)

    @router.delete(
        "/{stream_id}",
        summary="Close a stream, once what was taken in is published",
        status_code=204,
        response_class=Response,
        responses=describe_errors(400, 401, 403, 404, 503),
    )
    async def close_stream(caller: Annotated[Caller, asked], stream_id: StreamPath) -> Response:
        caller.check_owns(check_stream_id(stream_id))
        stream = gateway.streams.find(stream_id)
        if stream is None:
            _find_line(gateway, stream_id)
            message = f"the stream {stream_id!r} was not opened over HTTP"
            raise Forbidden(message, hint="close it where it was opened", stream_id=stream_id)
        caller.check_may(Right.PUBLISH if stream.run is None else Right.MANAGE)
        await gateway.streams.close(stream)
        return Response(status_code=HTTPStatus.NO_CONTENT)


def _add_frames(router: APIRouter, gateway: Gateway, asked: Any) -> None:
    @router.post(
        "/{stream_id}/frames",
        summary="The next picture of a stream, which is opened by its first; 200 once Kafka has the frame",
        response_model=PublishedPicture,
        responses=describe_errors(400, 401, 403, 408, 409, 413, 415, 422, 429, 503),
        openapi_extra=PICTURE_BODY,
    )
    async def post_frame(
        request: Request,
        caller: Annotated[Caller, asked],
        stream_id: StreamPath,
        captured_at: CapturedAtQuery = None,
        mirrored: MirroredQuery = None,
        landmarks: LandmarksQuery = False,
    ) -> Response:
        gateway.admit(caller, Right.PUBLISH)
        caller.check_owns(check_stream_id(stream_id))
        check_query(request, FRAME_QUERY)
        gateway.check_kafka()
        with gateway.uploads.enter():
            data = await read_picture(gateway, request)
            wish = PictureWish(stream_id, captured_at, mirrored, landmarks)
            captured_at_us = wish.captured_at_us(gateway.open.studio.equipment.now_us())
            stream = await _find_or_open(gateway, caller, stream_id, mirrored)
            stream.used_s = gateway.clock_s()
            settled = stream.line.submit(EncodedPicture(data, captured_at_us))
            outcome = await asyncio.shield(asyncio.wrap_future(settled))
        return answer_published(check_acknowledged(outcome), landmarks=landmarks)


async def _find_or_open(gateway: Gateway, caller: Caller, stream_id: str, mirrored: bool | None) -> OpenStream:
    # Another key may have opened it while the picture came.
    caller.check_owns(stream_id)
    stream = gateway.streams.find(stream_id)
    if stream is None:
        wanted = gateway.producer.mirrored if mirrored is None else mirrored
        stream = await gateway.streams.open_push(caller, stream_id, mirrored=wanted)
    if stream.source != PUSH:
        message = f"the stream {stream_id!r} gets its pictures elsewhere"
        raise RequestRefused(409, "stream_taken", message, "use another name")
    if mirrored is not None and mirrored != stream.mirrored:
        message = f"the stream {stream_id!r} was opened with mirrored={str(stream.mirrored).lower()}"
        raise RequestRefused(409, "stream_taken", message, "close it first: it cannot change")
    return stream


async def _read_wish(gateway: Gateway, request: Request) -> StreamWish:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise RequestRefused(415, "not_json", "the body is to be application/json")
    body = await read_body(request, _WISH_BYTES, gateway.pace)
    try:
        return StreamWish.model_validate_json(body)
    except ValidationError as error:
        problems = [
            ": ".join(filter(None, [".".join(str(part) for part in problem["loc"]), problem["msg"]]))
            for problem in error.errors(include_input=False, include_url=False)
        ]
        raise RequestRefused(400, "invalid_request", "; ".join(problems), "/docs says what is expected") from error


def _find_line(gateway: Gateway, stream_id: str) -> StreamLine:
    for line in gateway.open.studio.lines():
        if line.stream_id == stream_id:
            return line
    raise RequestRefused(404, "no_such_stream", f"no stream {stream_id!r} is open")


def _may_see(caller: Caller, stream_id: str) -> bool:
    try:
        caller.check_owns(stream_id)
    except Forbidden:
        return False
    return True


def show_stream(line: StreamLine, stream: OpenStream | None) -> dict[str, Any]:
    """`StreamState`."""
    state, problem = "open", None
    if stream is not None and stream.run is not None:
        state, problem = stream.run.state.value, stream.run.problem
        source = stream.run.source
        if isinstance(source, LiveSource) and not stream.over:
            state, problem = source.status.state.value, source.status.last_error
    return {
        "stream_id": line.stream_id,
        "source": None if stream is None else stream.source,
        "state": state,
        "problem": problem,
        "mirrored": None if stream is None else stream.mirrored,
        "drop_policy": line.policy.value,
        "opened_at": None if stream is None else format_time(stream.opened_at_us),
        **show_report(line.counts.report()),
    }
