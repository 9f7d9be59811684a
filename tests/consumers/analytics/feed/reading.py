"""Readers of the feed: Server-Sent Events and WebSockets, as programs read them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
from websockets.sync.client import ClientConnection, connect

from tests.consumers.analytics.feed.serving import PATIENCE_S


@dataclass(frozen=True, slots=True)
class Said:
    """One message, over either way."""

    id: str | None
    event: str
    data: Any

    @property
    def number(self) -> int:
        return int(self.data["evidence"]["number"])


class SseReader:
    """Reads messages one at a time, heartbeats left out. `first` is what it was told at once, which is read already."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.iter_lines()
        self.first = self.next()

    def next(self) -> Said:
        """The next message of any kind."""
        fields: dict[str, str] = {}
        for line in self._lines:
            name, _, value = line.partition(": ")
            if line and name:
                fields[name] = value
            elif not line and "data" in fields:
                return Said(fields.get("id"), fields["event"], orjson.loads(fields["data"]))
        raise EOFError

    def take(self, count: int) -> list[Said]:
        """The next events, the feed's own words left out."""
        events: list[Said] = []
        while len(events) < count:
            said = self.next()
            if said.event in {"start", "end", "occurred"}:
                events.append(said)
        return events


@contextmanager
def read_sse(address: str, query: str = "", headers: Mapping[str, str] | None = None) -> Iterator[SseReader]:
    """A reader whose first message, how it stands, has been read: what is published from now on reaches it."""
    with httpx.stream("GET", f"{address}/v1/events{query}", headers=headers, timeout=PATIENCE_S) as response:
        assert response.status_code == 200, response.read()
        reader = SseReader(response)
        assert reader.first.event == "state"
        yield reader


@contextmanager
def read_socket(address: str, path: str, **options: Any) -> Iterator[ClientConnection]:
    """A WebSocket of the feed's."""
    with connect(address.replace("http", "ws", 1) + path, close_timeout=2, **options) as socket:
        yield socket


def next_said(socket: ClientConnection) -> Said:
    """The next message of a WebSocket of events."""
    return Said(**orjson.loads(socket.recv(PATIENCE_S)))
