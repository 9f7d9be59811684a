"""Who may use the REST API: nobody is asked by default, and it listens to this machine alone.

Browsers can give a WebSocket no header but its subprotocols: what would be in `Authorization` comes as one of them,
`key.<token>`, or `key.<user:password in base64url, without padding>`.
"""

import base64
import binascii
import hmac
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kafka_io.environment import read_settings
from observability.own_names import is_known_host, is_own_origin

# Asked by probes, which know no passwords; they tell states of tasks, and nothing of anybody's data.
OPEN_PATHS: Final = frozenset({"/livez", "/readyz", "/health"})
LARGEST_BODY_BYTES: Final = 1024 * 1024

SUBPROTOCOL: Final = "holistic.v1"
"""What a WebSocket agrees to where it is offered; browsers hang up when nothing they offered is agreed to."""
KEY_PREFIX: Final = "key."

ASKED_PATH: Final = "holistic.asked_path"
"""In the scope of a request: its path as it was asked for, with the slash at its end where it has one."""

_CHANGES_NOTHING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OUR_PATHS: Final = ("/connectors", "/connector-plugins", "/admin")
_LOOPBACK: Final = ("127.", "::1")

_TO_STANDARD: Final = str.maketrans("-_", "+/")


class RestSettings(BaseSettings):
    """Read from the environment (names in capitals, prefix `HOLISTIC_REST_`); keyword arguments win over it."""

    model_config = SettingsConfigDict(env_prefix="HOLISTIC_REST_", extra="ignore", frozen=True)

    user: str | None = Field(default=None, min_length=1, description="User name for basic authentication.")
    password: SecretStr | None = Field(default=None, description="Its password; never shown.")
    token: SecretStr | None = Field(default=None, description="Bearer token that is accepted as well; never shown.")
    tls_certfile: Path | None = Field(default=None, description="PEM file of the listener's certificate: HTTPS only.")
    tls_keyfile: Path | None = Field(default=None, description="PEM file of its key, where that is another file.")
    tls_key_password: SecretStr | None = Field(default=None, description="Password of the key; never shown.")
    advertised_host: str | None = Field(
        default=None,
        min_length=1,
        description="Host by which other machines reach this replica; its own name if unset.",
    )

    @model_validator(mode="after")
    def check_pairs(self) -> Self:
        """A user needs a password, a key a certificate."""
        if (self.user is None) != (self.password is None):
            raise ValueError("HOLISTIC_REST_USER and HOLISTIC_REST_PASSWORD are set together or not at all")
        if self.tls_keyfile is not None and self.tls_certfile is None:
            raise ValueError("HOLISTIC_REST_TLS_KEYFILE needs HOLISTIC_REST_TLS_CERTFILE")
        return self

    @property
    def asks_who(self) -> bool:
        """Whether callers must say who they are."""
        return self.user is not None or self.token is not None

    def admits(self, authorization: str | None) -> bool:
        """Whether this `Authorization` header is good enough."""
        if not self.asks_who:
            return True
        scheme, _, credentials = (authorization or "").partition(" ")
        given = credentials.strip()
        if scheme.lower() == "bearer" and self.token is not None:
            return _is_same(given, self.token.get_secret_value())
        if scheme.lower() == "basic" and self.user is not None and self.password is not None:
            try:
                decoded = base64.b64decode(given, validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                return False
            return _is_same(decoded, f"{self.user}:{self.password.get_secret_value()}")
        return False

    def admits_key(self, subprotocols: Sequence[str]) -> bool:
        """Whether one of the subprotocols that a WebSocket offers is a key that is good enough."""
        keys = [name.removeprefix(KEY_PREFIX) for name in subprotocols if name.startswith(KEY_PREFIX)]
        if self.token is not None and any(_is_same(key, self.token.get_secret_value()) for key in keys):
            return True
        return any(self.admits(f"Basic {key.translate(_TO_STANDARD)}{'=' * (-len(key) % 4)}") for key in keys)


def read_rest_settings() -> RestSettings:
    """The settings of this process's environment. Raises Terminal naming each wrong variable."""
    return read_settings(RestSettings, "REST", {})


def _opens_nothing(path: str) -> bool:  # noqa: ARG001
    return False


class Gate:
    """Lets requests and WebSockets in: from those admitted, of bounded size, with or without a slash at the path's end.

    `is_open` says which paths besides those of probes are answered to everybody.
    """

    def __init__(self, app: ASGIApp, settings: RestSettings, is_open: Callable[[str], bool] = _opens_nothing) -> None:
        self._app = app
        self._settings = settings
        self._is_open = is_open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401, 403 or 413 here, hand over the rest."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        path = scope["path"].rstrip("/") or "/"
        scope = {**scope, "path": path, ASKED_PATH: scope["path"]}
        scope.pop("raw_path", None)
        if not self._admits(scope):
            await _refuse(401, "User cannot access the resource.", scope, receive, send)
            return
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)
            return
        if self._is_foreign_page(scope):
            why = "pages of other origins, and names that are not this machine's, are not answered without a password"
            await _refuse(403, f"{why}: set HOLISTIC_REST_USER and HOLISTIC_REST_PASSWORD", scope, receive, send)
            return
        body = await _read_body(receive)
        if body is None:
            await _refuse(413, f"the body is larger than {LARGEST_BODY_BYTES} bytes", scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), _capitalize_headers(send))

    def _admits(self, scope: Scope) -> bool:
        if self._settings.admits(Headers(scope=scope).get("authorization")):
            return True
        if scope["type"] == "websocket":
            return self._settings.admits_key(scope["subprotocols"])
        return scope["path"] in OPEN_PATHS or self._is_open(scope["path"])

    def _is_foreign_page(self, scope: Scope) -> bool:
        """Whether a browser may have been sent here by a page of somebody else's, where nobody is asked who they are.

        A page may post anywhere, though it cannot read the answer; and a name its owner points at this machine (DNS
        rebinding) makes it a page of ours. Who is asked for a password is safe from both: no page knows it.
        """
        path = scope["path"]
        if self._settings.asks_who or not (path == "/" or path.startswith(_OUR_PATHS)):
            return False
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if origin is not None and scope["method"] not in _CHANGES_NOTHING and not is_own_origin(origin, host):
            return True
        came_to = str((scope.get("server") or ("",))[0])
        return came_to.startswith(_LOOPBACK) and not is_known_host(host, ())


async def _read_body(receive: Receive) -> bytes | None:
    body = b""
    while True:
        message = await receive()
        part: bytes = message.get("body", b"")
        body += part
        if len(body) > LARGEST_BODY_BYTES:
            return None
        if not message.get("more_body", False):
            return body


def _capitalize_headers(send: Send) -> Send:
    """Header names as Kafka Connect writes them, for clients that look them up by the letter."""

    async def send_capitalized(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [(name.title(), value) for name, value in message["headers"]]
        await send(message)

    return send_capitalized


def _replay(body: bytes, receive: Receive) -> Receive:
    waiting = [body]

    async def replay() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return replay


async def _refuse(status: int, message: str, scope: Scope, receive: Receive, send: Send) -> None:
    headers = {"WWW-Authenticate": 'Basic realm="holistic"'} if status == 401 else {"Connection": "close"}
    await JSONResponse({"error_code": status, "message": message}, status, headers)(scope, receive, send)


def _is_same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())
