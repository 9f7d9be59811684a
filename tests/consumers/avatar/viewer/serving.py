"""The viewer as it is served, on a port of its own beside Kafka Connect's API, and its watchers."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from connect_runtime.rest.security import RestSettings
from consumers.avatar.viewer.app import Viewer, ViewerOptions
from consumers.avatar.viewer.hub import Hub
from consumers.avatar.viewer.replay.sessions import Replays
from consumers.avatar.viewer.replay.tools import ReplayTools
from tests.connect_runtime.harness import OnMemory, Store, running, spec_for, wait_until
from tests.consumers.avatar.viewer.made_states import MadeParts
from tests.consumers.avatar.viewer.wire_reading import ReadState, read_message

PATIENCE_S = 15.0


def read_clock_us() -> int:
    return time.time_ns() // 1000


MODEL = b"glTF and so on"


@dataclass
class Served:
    """Where it is served, and what it shows."""

    port: int
    hub: Hub

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def watch(self, query: str = "", **options: Any) -> Iterator["Watching"]:
        """A watcher that has been greeted."""
        address = f"ws://127.0.0.1:{self.port}/avatar/stream{query}"
        with connect(address, close_timeout=1, **options) as socket:
            watching = Watching(socket)
            assert watching.next_said("hello")["version"] == 1
            yield watching


class Watching:
    """What one watcher is sent, a message at a time."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.cast: dict[int, str] = {}

    def next(self) -> dict[str, Any] | tuple[float, list[ReadState]]:
        """The next message, whatever it is; casts are noted."""
        message = self.socket.recv(PATIENCE_S)
        if isinstance(message, bytes):
            return read_message(message)
        said: dict[str, Any] = orjson.loads(message)
        if said["type"] == "cast":
            self.cast = {one["number"]: one["stream"] for one in said["performers"]}
        return said

    def next_said(self, kind: str, fits: Callable[[dict[str, Any]], bool] = lambda said: True) -> dict[str, Any]:
        """The next message of JSON of this kind that fits."""
        while True:
            message = self.next()
            if isinstance(message, dict) and message["type"] == kind and fits(message):
                return message

    def next_states(self) -> tuple[float, dict[str, ReadState]]:
        """The server's time, and the next states in binary, by stream."""
        while True:
            message = self.next()
            if isinstance(message, tuple):
                at_ms, states = message
                return at_ms, {self.cast[state.number]: state for state in states}

    def say(self, **message: Any) -> None:
        """Say something, as JSON."""
        self.socket.send(orjson.dumps(message).decode())


@contextmanager
def serving(
    tools: ReplayTools | None = None,
    *,
    rest: RestSettings | None = None,
    options: ViewerOptions | None = None,
    parts: MadeParts | None = None,
    most_replays: int = 2,
) -> Iterator[Served]:
    """The viewer, in a service that has nothing else to do."""
    hub = Hub(parts or MadeParts())
    replays = Replays(tools, most_replays)
    viewer = Viewer(hub, replays, lambda: MODEL, read_clock_us, options or ViewerOptions())
    broker = OnMemory()
    spec = spec_for("avatar", broker.make_topic(1), Store())
    with running(broker, spec, http_port=0, rest=rest or RestSettings(), routes=viewer.routes()) as service:
        wait_until("listening", lambda: service.port > 0)
        yield Served(service.port, hub)
    replays.close()


def offer_key(key: str) -> list[Subprotocol]:
    """How a browser gives its key."""
    return [Subprotocol("holistic.v1"), Subprotocol(f"key.{key}")]
