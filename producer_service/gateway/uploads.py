"""Single pictures: as a form, or as their bytes alone. 200 means that Kafka has the frame."""

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from producer_service.access.caller import Caller
from producer_service.access.key_file import Right
from producer_service.gateway.answers import PublishedPicture, answer_published
from producer_service.gateway.bodies import read_body
from producer_service.gateway.callers import Gateway, ask_caller
from producer_service.gateway.descriptions import FORM_BODY, PICTURE_BODY, describe_errors
from producer_service.gateway.errors import RequestRefused, check_acknowledged
from producer_service.gateway.forms import parse_form
from producer_service.gateway.settings import FORM_BYTES
from producer_service.gateway.wishes import FORM_FIELDS, PictureWish, ask_wish
from producer_service.live.picture import EncodedPicture

PICTURE_TYPES: Final = ("image/jpeg", "image/png", "image/webp")
DEFAULT_STREAM: Final = "upload"


def uploads_router(gateway: Gateway) -> APIRouter:
    """`/upload` and `/v1/images`."""
    router = APIRouter(tags=["pictures"])
    asked = Depends(ask_caller(gateway.keys))
    errors = describe_errors(400, 401, 403, 408, 413, 415, 422, 429, 503)

    @router.post(
        "/upload",
        summary="Publish the landmarks of one picture, sent as a form",
        response_model=PublishedPicture,
        responses=errors,
        openapi_extra=FORM_BODY,
    )
    async def upload(
        request: Request, caller: Annotated[Caller, asked], wish: Annotated[PictureWish, Depends(ask_wish)]
    ) -> Response:
        gateway.admit(caller, Right.PUBLISH)
        gateway.check_kafka()
        with gateway.uploads.enter():
            body = await read_body(request, gateway.producer.max_image_bytes + FORM_BYTES, gateway.pace)
            form = parse_form(request.headers.get("content-type", ""), body, FORM_FIELDS)
            return await _publish(gateway, caller, form.file, wish.with_form(form.values))

    @router.post(
        "/v1/images",
        summary="Publish the landmarks of one picture, sent as its bytes alone",
        response_model=PublishedPicture,
        responses=errors,
        openapi_extra=PICTURE_BODY,
    )
    async def post_image(
        request: Request, caller: Annotated[Caller, asked], wish: Annotated[PictureWish, Depends(ask_wish)]
    ) -> Response:
        gateway.admit(caller, Right.PUBLISH)
        gateway.check_kafka()
        with gateway.uploads.enter():
            return await _publish(gateway, caller, await read_picture(gateway, request), wish)

    return router


async def read_picture(gateway: Gateway, request: Request) -> bytes:
    """A body that is a picture. Raises RequestRefused: 415 when it calls itself something else, 413, 408."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in PICTURE_TYPES:
        hint = f"Content-Type is one of {', '.join(PICTURE_TYPES)}; forms go to /upload"
        raise RequestRefused(415, "not_an_image", f"{kind[:100]!r} is no type of a picture that is taken", hint)
    return await read_body(request, gateway.producer.max_image_bytes, gateway.pace)


async def _publish(gateway: Gateway, caller: Caller, data: bytes, wish: PictureWish) -> Response:
    studio = gateway.open.studio
    stream_id = wish.stream if wish.stream is not None else gateway.producer.stream or DEFAULT_STREAM
    caller.check_owns(stream_id)
    picture = EncodedPicture(data, wish.captured_at_us(studio.equipment.now_us()))
    mirrored = gateway.producer.mirrored if wish.mirrored is None else wish.mirrored
    # Shielded: a request that is given up takes nothing back, and its picture stays in the book.
    outcome = await asyncio.shield(asyncio.wrap_future(studio.submit_still(picture, stream_id, mirrored=mirrored)))
    return answer_published(check_acknowledged(outcome), landmarks=wish.landmarks)
