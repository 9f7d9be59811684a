"""A running service asked over its REST API to let a connector be moved, as `curl` would."""

import base64
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import orjson

from connect_runtime.offsets.forms import write_offsets
from connect_runtime.sink import TopicPartition
from keypoints.errors import Terminal, Transient

_TIMEOUT_S: Final = 30.0
_LOOK_EVERY_S: Final = 0.2


class ServiceUnreachable(Transient):
    """No service answers at the address. Fields: url."""


class ServiceRefused(Terminal):
    """The service answered with an error. Fields: url, status."""


class RunningService:
    """One replica; what is asked of it reaches all.

    Who asks is said by a bearer's token, else by a user's name and password, in `url` or in `login`.
    """

    def __init__(self, url: str, token: str | None = None, login: tuple[str, str] | None = None) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ServiceRefused(f"{url!r} is no address of a service", hint="as in http://127.0.0.1:8083", url=url)
        self.url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/")
        if parts.username is not None:
            login = (urllib.parse.unquote(parts.username), urllib.parse.unquote(parts.password or ""))
        self._authorization: str | None = None
        if token is not None:
            self._authorization = f"Bearer {token}"
        elif login is not None:
            self._authorization = f"Basic {base64.b64encode(':'.join(login).encode()).decode()}"

    def find_state(self, connector: str) -> str | None:
        """RUNNING, PAUSED, STOPPED, FAILED or UNASSIGNED; None when the service knows no such connector.

        Raises ServiceUnreachable or ServiceRefused.
        """
        try:
            answer = self._ask("GET", f"/connectors/{urllib.parse.quote(connector, safe='')}/status")
        except ServiceRefused as error:
            if error.fields.get("status") == 404:
                return None
            raise
        state: str = answer["connector"]["state"]
        return state

    def read_config(self, connector: str) -> dict[str, str]:
        """The connector's present settings. Raises as `find_state`."""
        config: dict[str, str] = self._ask("GET", f"/connectors/{urllib.parse.quote(connector, safe='')}/config")
        return config

    def move(self, connector: str, offsets: Mapping[TopicPartition, int]) -> None:
        """Set a stopped connector's offsets, its sink's own too. Raises as `find_state`."""
        self._ask("PATCH", f"/connectors/{urllib.parse.quote(connector, safe='')}/offsets", write_offsets(offsets))

    @contextmanager
    def stopped(self, connector: str, is_empty: Callable[[], bool], timeout_s: float) -> Iterator[None]:
        """Have the connector stopped everywhere for the length of the block; then it is again as it was before.

        `is_empty` says whether its group has no members any more. Raises ServiceRefused when it has still after the
        time, or as `find_state`.
        """
        before = self.find_state(connector)
        if before == "STOPPED":
            yield
            return
        name = urllib.parse.quote(connector, safe="")
        self._ask("PUT", f"/connectors/{name}/stop")
        try:
            self._wait_until_empty(connector, is_empty, timeout_s)
            yield
        finally:
            self._ask("PUT", f"/connectors/{name}/{'pause' if before == 'PAUSED' else 'resume'}")

    def _wait_until_empty(self, connector: str, is_empty: Callable[[], bool], timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while self.find_state(connector) != "STOPPED" or not is_empty():
            if time.monotonic() > deadline:
                raise ServiceRefused(
                    f"{connector} was asked to stop, and its group still has members after {timeout_s:g} s",
                    hint=f"are there members that the service at {self.url} does not know?",
                    url=self.url,
                )
            time.sleep(_LOOK_EVERY_S)

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if self._authorization is not None:
            headers["Authorization"] = self._authorization
        data = None if body is None else orjson.dumps(body)
        request = urllib.request.Request(self.url + path, data, headers, method=method)  # noqa: S310 - http(s), checked
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
                content = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                raise ServiceRefused(
                    f"{self.url} refused {method} {path}: {_find_message(error.read())}",
                    url=self.url, status=error.code,
                ) from error  # fmt: skip
        except OSError as error:
            raise ServiceUnreachable(
                f"no service answers at {self.url}: {error}", hint="--rest-url says where it is", url=self.url
            ) from error
        return orjson.loads(content) if content else None


def _find_message(content: bytes) -> str:
    try:
        return str(orjson.loads(content)["message"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return content.decode(errors="replace")[:200]
