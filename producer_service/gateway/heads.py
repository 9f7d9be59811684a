"""How large the head of a request may be: h11 bounds only what it has to keep while a head is not complete."""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from producer_service.gateway.errors import Shown

LARGEST_HEAD_BYTES: Final = 64 * 1024
_TOO_LARGE: Final = Shown(431, "head_too_large", f"the head of a request has at most {LARGEST_HEAD_BYTES} bytes")


class HeadLimit:
    """Answers 431 to requests whose path, query and headers are too large together."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Measure, and pass on."""
        if scope["type"] in {"http", "websocket"} and _measure(scope) > LARGEST_HEAD_BYTES:
            await _TOO_LARGE.response()(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _measure(scope: Scope) -> int:
    headers = sum(len(name) + len(value) for name, value in scope["headers"])
    return headers + len(scope.get("raw_path") or b"") + len(scope["query_string"])
