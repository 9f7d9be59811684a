"""What nobody foresaw: logged once, and answered with a sentence that says nothing of what is inside."""

import logging

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from producer_service.gateway.errors import UNEXPECTED

log = logging.getLogger(__name__)


class LastResort:
    """Answers 500 for an exception that comes out of `app`; one whose client is gone is answered to nobody."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and catch."""
        began = False

        async def send_noting(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            await self._app(scope, receive, send_noting)
        except ClientDisconnect:
            return
        except Exception:
            log.exception("a request failed", extra={"method": scope.get("method"), "path": scope.get("path")})
            if not began and scope["type"] == "http":
                await UNEXPECTED.response()(scope, receive, send)
