"""Every error the feed answers with: its status, its code, and one form for all."""

from typing import Final

from fastapi import FastAPI, Request, WebSocket
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from starlette.responses import JSONResponse

from consumers.analytics.feed.positions import BadPosition
from keypoints.errors import HolisticError, Terminal, Transient
from keypoints.topics import InvalidStreamId

_SOON_S: Final = "2"
_WRONG: Final = (BadPosition, InvalidStreamId)


class RequestRefused(Terminal):
    """A request that is not answered with what it asked for. `status` and `code` are what its sender is told."""

    def __init__(self, status: int, code: str, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.code = code


class TooManyReaders(Transient):
    """There is no room for one more reader at the moment."""


def answer_refusal(status: int, code: str, message: str, hint: str | None = None) -> JSONResponse:
    """`{"error": {"code", "message", "hint"}}`; Starlette's responses refuse a WebSocket as well."""
    headers = {"cache-control": "no-store"}
    if status == 401:
        headers["www-authenticate"] = "Bearer"
    if status == 503:
        headers["retry-after"] = _SOON_S
    return JSONResponse({"error": {"code": code, "message": message, "hint": hint}}, status, headers)


def answer_error(error: HolisticError) -> JSONResponse:
    """The answer an error of ours is."""
    if isinstance(error, RequestRefused):
        return answer_refusal(error.status, error.code, error.message, error.hint)
    if isinstance(error, _WRONG):
        return answer_refusal(400, "invalid_request", error.message, error.hint)
    if isinstance(error, TooManyReaders):
        return answer_refusal(503, "too_many_readers", error.message, error.hint)
    return answer_refusal(503 if isinstance(error, Transient) else 500, "failed", error.message, error.hint)


def add_error_handlers(app: FastAPI) -> None:
    """Answer errors of ours, and FastAPI's of a request's form, in the one form."""

    async def answer_ours(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HolisticError)  # noqa: S101 - registered for these
        return answer_error(error)

    async def answer_invalid(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for these
        return _answer_invalid(error)

    async def deny_invalid(websocket: WebSocket, error: Exception) -> None:
        assert isinstance(error, WebSocketRequestValidationError)  # noqa: S101 - registered for these
        await websocket.send_denial_response(_answer_invalid(error))

    app.add_exception_handler(HolisticError, answer_ours)
    app.add_exception_handler(RequestValidationError, answer_invalid)
    app.add_exception_handler(WebSocketRequestValidationError, deny_invalid)


def _answer_invalid(error: RequestValidationError | WebSocketRequestValidationError) -> JSONResponse:
    problems = [f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}" for problem in error.errors()]
    return answer_refusal(400, "invalid_request", "; ".join(problems), "/docs says what is expected")
