"""Who may read: those with the key where one is set, and of web pages the feed's own and those listed.

Events and skeletons tell of people. A browser opens a WebSocket for a page of any origin, and a name that its owner
points at this machine (DNS rebinding) makes a foreign page look like one of this service: so where no key is asked for,
the name must be known, if only this machine reaches the service or names are listed.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from consumers.analytics.feed.errors import RequestRefused, answer_error
from consumers.analytics.feed.settings import FeedSettings
from observability.own_names import is_known_host, is_own_origin

SUBPROTOCOL: Final = "holistic.v1"
KEY_PREFIX: Final = "key."
"""Browsers can give a WebSocket no header but its subprotocols: the key comes as one of them, `key.<key>`."""

_LOOPBACK: Final = ("127.", "::1", "localhost")
_ASKS_KEY: Final = ("/v1/", "/metrics")
_PREFLIGHT: Final = {
    "access-control-allow-methods": "GET",
    "access-control-allow-headers": "authorization, last-event-id",
    "access-control-max-age": "600",
}


def is_loopback(host: str) -> bool:
    """Whether an address reaches this machine alone."""
    return host.startswith(_LOOPBACK)


@dataclass(frozen=True, slots=True)
class AccessRules:
    """The rules, as the settings have them."""

    key: str | None
    origins: frozenset[str]
    hosts: frozenset[str]
    only_loopback: bool

    @classmethod
    def of(cls, settings: FeedSettings) -> "AccessRules":
        """The rules of these settings."""
        return cls(
            settings.feed_key.get_secret_value() if settings.feed_key else None,
            frozenset(origin.rstrip("/").lower() for origin in settings.allowed_origins),
            frozenset(host.lower() for host in settings.allowed_hosts),
            is_loopback(settings.http_host),
        )

    def check(self, scope: Scope) -> None:
        """Raise RequestRefused where a request or WebSocket may not be served."""
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if self.key is None and (self.only_loopback or self.hosts) and not is_known_host(host, self.hosts):
            hint = "HOLISTIC_ALLOWED_HOSTS lists the names of this service"
            raise RequestRefused(403, "host_not_allowed", "this service is not known by that name", hint)
        if scope["type"] == "websocket" and origin is not None and not self._admits_origin(origin, host):
            hint = "HOLISTIC_ALLOWED_ORIGINS lists them"
            raise RequestRefused(403, "origin_not_allowed", "pages of this origin may not read the feed", hint)
        if self.key is not None and scope["path"].startswith(_ASKS_KEY) and not self._has_key(headers, scope):
            hint = "give the key of HOLISTIC_FEED_KEY as `Authorization: Bearer …`, or as a WebSocket's subprotocol"
            raise RequestRefused(401, "unauthorized", "the feed asks for a key", hint)

    def lists(self, origin: str | None) -> bool:
        """Whether pages of this other origin may read answers."""
        return origin is not None and origin.lower() in self.origins

    def _has_key(self, headers: Headers, scope: Scope) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        offered: Sequence[str] = scope.get("subprotocols", ())
        keys = [name.removeprefix(KEY_PREFIX) for name in offered if name.startswith(KEY_PREFIX)]
        if scheme.lower() == "bearer":
            keys.append(given.strip())
        return any(hmac.compare_digest(key.encode(), (self.key or "").encode()) for key in keys)

    def _admits_origin(self, origin: str, host: str) -> bool:
        own = is_own_origin(origin, host) and (self.key is not None or is_known_host(host, self.hosts))
        return own or self.lists(origin)


class AccessGate:
    """Turns away who may not read, answers preflights, and lets listed pages read what they are answered."""

    def __init__(self, app: ASGIApp, rules: AccessRules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401, 403 or a preflight here, hand over the rest."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if self._rules.lists(origin):
            send = _let_read(send, origin or "")
            if scope.get("method") == "OPTIONS" and "access-control-request-method" in headers:
                await Response(status_code=204, headers=_PREFLIGHT)(scope, receive, send)
                return
        try:
            self._rules.check(scope)
        except RequestRefused as refused:
            await answer_error(refused)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _let_read(send: Send, origin: str) -> Send:
    async def send_readable(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["access-control-allow-origin"] = origin
            headers.add_vary_header("origin")
        await send(message)

    return send_readable
