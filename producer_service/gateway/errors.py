"""Every error the API answers with: its status, its code, and one form for all."""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import orjson
from fastapi import FastAPI, Request, WebSocket
from fastapi.exceptions import RequestValidationError, ValidationException, WebSocketRequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route

from kafka_io.errors import RecordTooLarge
from keypoints.errors import HolisticError, Terminal, Transient
from keypoints.topics import InvalidStreamId
from observability.logs import error_fields
from producer_service.capture.address_policy import AddressRefused, HostUnknown
from producer_service.capture.captured import RefusalReason
from producer_service.capture.source_address import InvalidAddress
from producer_service.capture.webcam import InvalidWebcam
from producer_service.landmarks.landmarker import LandmarkerFailed, NoLandmarkerFree
from producer_service.live.outcome import Acknowledged, DropReason, PictureOutcome, Rejected
from producer_service.live.studio import StreamTaken
from producer_service.publish import name_drop_reason

log = logging.getLogger(__name__)

_SOON_S: Final = 1.0
_TOO_LARGE: Final = name_drop_reason(RecordTooLarge(""))
_KAFKA_AWAY_S: Final = 5.0


class ErrorDetail(BaseModel):
    """What was wrong."""

    code: str = Field(description="For programs: a word that does not change.", examples=["not_an_image"])
    message: str = Field(description="For people: what was wrong.")
    hint: str | None = Field(description="For people: what to do, where that can be said.")


class ErrorAnswer(BaseModel):
    """Every error's form."""

    error: ErrorDetail


class RequestRefused(Terminal):
    """A request that is not answered with what it asked for. `status` and `code` are what its sender is told."""

    def __init__(self, status: int, code: str, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.code = code


class ComeBackLater(Transient):
    """A request that may be answered in `retry_after_s`."""

    def __init__(self, status: int, code: str, message: str, retry_after_s: float = _SOON_S) -> None:
        super().__init__(message, hint=f"try again in {math.ceil(retry_after_s)} s")
        self.status = status
        self.code = code
        self.retry_after_s = retry_after_s


_STATUS_OF_REFUSAL: Final[dict[RefusalReason, int]] = {
    RefusalReason.FILE_TOO_LARGE: 413,
    RefusalReason.IMAGE_TOO_LARGE: 413,
    RefusalReason.NOT_AN_IMAGE: 415,
    RefusalReason.DAMAGED_IMAGE: 422,
    RefusalReason.DECODE_TIMEOUT: 422,
    RefusalReason.NO_PERSON: 422,
    RefusalReason.INFERENCE_FAILED: 503,
}
_STATUS_OF_ERROR: Final[dict[type[HolisticError], int]] = {
    InvalidStreamId: 400,
    InvalidAddress: 400,
    InvalidWebcam: 400,
    AddressRefused: 403,
    StreamTaken: 409,
    HostUnknown: 422,
    NoLandmarkerFree: 503,
    LandmarkerFailed: 503,
}
_HINTS: Final[dict[int, str]] = {
    404: "/docs lists what there is",
    405: "the `Allow` header names what is allowed",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """An error as it is answered."""

    status: int
    code: str
    message: str
    hint: str | None = None
    retry_after_s: float | None = None

    def body(self) -> bytes:
        """The one form."""
        return orjson.dumps({"error": {"code": self.code, "message": self.message, "hint": self.hint}})

    def headers(self) -> dict[str, str]:
        """What goes with it."""
        headers = {"content-type": "application/json"}
        if self.retry_after_s is not None:
            headers["retry-after"] = str(math.ceil(self.retry_after_s))
        if self.status == HTTPStatus.UNAUTHORIZED:
            headers["www-authenticate"] = 'Bearer realm="holistic"'
        return headers

    def response(self) -> Response:
        """As an answer."""
        return Response(self.body(), self.status, headers=self.headers())


UNEXPECTED: Final = Shown(500, "internal_error", "something went wrong here", "it is logged; tell the operator when")


def show_error(error: HolisticError) -> Shown:
    """How an error of any room is answered; one that nobody foresaw here says nothing of what is inside."""
    known = next((status for kind, status in _STATUS_OF_ERROR.items() if isinstance(error, kind)), None)
    status = getattr(error, "status", None) or known or (503 if isinstance(error, Transient) else 500)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("a request failed: %s", error.message, extra=error_fields(error))
        return UNEXPECTED
    retry_after_s: float | None = getattr(error, "retry_after_s", None)
    if retry_after_s is None and status in {429, 503}:
        retry_after_s = _SOON_S
    code = getattr(error, "code", None) or name_drop_reason(error)
    return Shown(status, code, error.message, error.hint, retry_after_s)


def check_acknowledged(outcome: PictureOutcome) -> Acknowledged:
    """The outcome, if Kafka has the frame. Raises what its sender is told otherwise."""
    if isinstance(outcome, Acknowledged):
        return outcome
    if isinstance(outcome, Rejected):
        status = _STATUS_OF_REFUSAL.get(outcome.reason, 422)
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            raise ComeBackLater(status, outcome.reason.value, outcome.message)
        raise RequestRefused(status, outcome.reason.value, outcome.message)
    if outcome.reason == DropReason.OVERTAKEN:
        raise ComeBackLater(429, outcome.reason, outcome.message)
    if outcome.reason == DropReason.STREAM_CLOSED:
        raise RequestRefused(409, outcome.reason, outcome.message, "open it again")
    if outcome.reason == _TOO_LARGE:
        # It would be as large again.
        raise RequestRefused(413, outcome.reason, outcome.message, "the topic's max.message.bytes is too small")
    raise ComeBackLater(503, outcome.reason, outcome.message, _KAFKA_AWAY_S)


def refuse_while_away() -> ComeBackLater:
    """Kafka is not reached, so that no picture is taken in."""
    return ComeBackLater(503, "kafka_unavailable", "Kafka is not reached at the moment", _KAFKA_AWAY_S)


def add_error_handlers(app: FastAPI, routes: Sequence[BaseRoute]) -> None:
    """Answer every error in the one form, those of FastAPI and Starlette as well. `routes` are those of the app."""

    async def answer_error(_: Request, error: Exception) -> Response:
        assert isinstance(error, HolisticError)  # noqa: S101 - registered for these
        return show_error(error).response()

    async def answer_invalid(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for these
        return _show_invalid(error).response()

    async def deny_invalid(websocket: WebSocket, error: Exception) -> None:
        assert isinstance(error, WebSocketRequestValidationError)  # noqa: S101 - registered for these
        await websocket.send_denial_response(_show_invalid(error).response())

    async def answer_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for these
        phrase = HTTPStatus(error.status_code).phrase
        code = phrase.lower().replace(" ", "_")
        response = Shown(error.status_code, code, phrase, _HINTS.get(error.status_code)).response()
        response.headers.update(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            # Starlette names the methods of one route; the others of the same path count as well.
            allowed = {method for route in routes for method in _methods_of(route, request)}
            response.headers["allow"] = ", ".join(sorted(allowed)) or response.headers.get("allow", "GET")
        return response

    app.add_exception_handler(HolisticError, answer_error)
    app.add_exception_handler(RequestValidationError, answer_invalid)
    app.add_exception_handler(WebSocketRequestValidationError, deny_invalid)
    app.add_exception_handler(HTTPException, answer_http)


def _show_invalid(error: ValidationException) -> Shown:
    problems = [f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}" for problem in error.errors()]
    return Shown(400, "invalid_request", "; ".join(problems), "/docs says what is expected")


def _methods_of(route: BaseRoute, request: Request) -> set[str]:
    if not isinstance(route, Route) or route.matches(request.scope)[0] is Match.NONE:
        return set()
    return set(route.methods or ())
