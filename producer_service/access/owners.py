"""Whose the streams are that are open now."""

import threading
from collections import Counter
from dataclasses import dataclass

from producer_service.access.errors import Forbidden, TooManyStreams


@dataclass(slots=True)
class _Holding:
    owner: str
    claims: int = 1


class Claim:
    """A stream that somebody holds until it is released."""

    def __init__(self, owners: "StreamOwners", stream_id: str) -> None:
        self._owners: StreamOwners | None = owners
        self._stream_id = stream_id

    def release(self) -> None:
        """Let go; a second call does nothing."""
        owners, self._owners = self._owners, None
        if owners is not None:
            owners.let_go(self._stream_id)


class StreamOwners:
    """Remembers which key opened a stream, for as long as it is open. Safe for several threads."""

    def __init__(self, streams_a_key: int) -> None:
        self._streams_a_key = streams_a_key
        self._lock = threading.Lock()
        self._holdings: dict[str, _Holding] = {}
        self._streams: Counter[str] = Counter()

    def check(self, stream_id: str, owner: str) -> None:
        """Raises Forbidden when another key holds the stream."""
        with self._lock:
            self._check(stream_id, owner)

    def claim(self, stream_id: str, owner: str) -> Claim:
        """Hold a stream; one key may hold it several times. Raises Forbidden or TooManyStreams."""
        with self._lock:
            self._check(stream_id, owner)
            holding = self._holdings.get(stream_id)
            if holding is not None:
                holding.claims += 1
            elif self._streams[owner] >= self._streams_a_key:
                raise TooManyStreams(
                    f"{self._streams_a_key} streams of this key are open, and no more may be",
                    hint="close one first",
                    key=owner,
                    streams=self._streams_a_key,
                )
            else:
                self._holdings[stream_id] = _Holding(owner)
                self._streams[owner] += 1
        return Claim(self, stream_id)

    def let_go(self, stream_id: str) -> None:
        """Called by a claim."""
        with self._lock:
            holding = self._holdings[stream_id]
            holding.claims -= 1
            if not holding.claims:
                del self._holdings[stream_id]
                self._streams[holding.owner] -= 1

    def _check(self, stream_id: str, owner: str) -> None:
        holding = self._holdings.get(stream_id)
        if holding is not None and holding.owner != owner:
            raise Forbidden(f"the stream {stream_id!r} was opened with another key", key=owner, stream_id=stream_id)
