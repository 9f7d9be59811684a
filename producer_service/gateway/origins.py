"""Which web pages may use the API: browsers say where a request comes from, and send it for any page that asks.

A page of another origin could otherwise have its visitor's browser upload to a service on the visitor's own machine, or
open a WebSocket to it, which no browser forbids. Who sends no `Origin` is no page, and needs none.
"""

from collections.abc import Iterable
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from observability.own_names import is_known_host, is_own_origin
from producer_service.gateway.errors import Shown

_HARMLESS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_PREFLIGHT: Final = {
    "access-control-allow-methods": "GET, POST, PUT, DELETE",
    "access-control-allow-headers": "authorization, content-type",
    "access-control-max-age": "600",
}


class OriginRules:
    """`origins` may use the API besides its own page. `hosts` are names of this service besides its addresses.

    Where keys are asked for, a page of any name this service was reached by is its own. Where none are, a name that
    anybody could have pointed at this machine (DNS rebinding) proves nothing, so it must be known.
    """

    def __init__(self, origins: Iterable[str], hosts: Iterable[str], *, asks_who: bool, only_loopback: bool) -> None:
        self._origins = frozenset(origin.rstrip("/").lower() for origin in origins)
        self._hosts = frozenset(host.lower() for host in hosts)
        self._asks_who = asks_who
        self._only_loopback = only_loopback

    def is_listed(self, origin: str) -> bool:
        """Whether pages of another origin may read answers."""
        return origin.lower() in self._origins

    def admits_origin(self, origin: str, host: str) -> bool:
        """Whether a page of `origin` may use the service that its browser calls `host`."""
        if self.is_listed(origin):
            return True
        return is_own_origin(origin, host) and (self._asks_who or self._knows(host))

    def admits_host(self, host: str) -> bool:
        """Whether a service that only this machine reaches, and that asks for no key, may be called so."""
        return self._asks_who or not self._only_loopback or self._knows(host)

    def _knows(self, host: str) -> bool:
        return is_known_host(host, self._hosts)


class OriginGate:
    """Turns requests of other pages away, answers preflights, and lets listed pages read what they are answered."""

    def __init__(self, app: ASGIApp, rules: OriginRules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 403 or a preflight here, hand over the rest."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin, host = headers.get("origin"), headers.get("host", "")
        method = scope.get("method", "CONNECT")
        if not self._rules.admits_host(host):
            hint = "HOLISTIC_ALLOWED_HOSTS lists the names of this service"
            refused = Shown(403, "host_not_allowed", "this service is not known by that name", hint)
            await answer_early(refused, scope, receive, send)
        elif origin is None:
            await self._app(scope, receive, send)
        elif self._rules.is_listed(origin):
            await self._serve_listed(origin, scope, receive, send)
        elif method not in _HARMLESS and not self._rules.admits_origin(origin, host):
            hint = "HOLISTIC_ALLOWED_ORIGINS lists them"
            refused = Shown(403, "origin_not_allowed", "pages of this origin may not use this service", hint)
            await answer_early(refused, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _serve_listed(self, origin: str, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_readable(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["access-control-allow-origin"] = origin
                headers["access-control-expose-headers"] = "retry-after"
                headers.add_vary_header("origin")
            await send(message)

        asks_first = "access-control-request-method" in Headers(scope=scope)
        if scope.get("method") == "OPTIONS" and asks_first:
            await Response(status_code=204, headers=_PREFLIGHT)(scope, receive, send_readable)
        else:
            await self._app(scope, receive, send_readable)


async def answer_early(shown: Shown, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request, or refuse a WebSocket, with an error."""
    # Starlette's responses answer a WebSocket that was not accepted as an HTTP request.
    await shown.response()(scope, receive, send)
