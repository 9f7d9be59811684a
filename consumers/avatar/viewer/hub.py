"""States handed from the threads that make them to everybody who watches, the newest alone.

Who publishes stores references and rings a bell, and no more than that. What is sent is written on the loop's thread,
once for all watchers of a form, at most 60 times a second, and not at all while nobody watches.
"""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Protocol

from consumers.avatar.states import AvatarStates
from consumers.avatar.viewer.snapshot import Entry, Held, Roster, Snapshot, Watched

FASTEST_PER_S: Final = 60.0
_BEAT_S: Final = 1 / FASTEST_PER_S


class Part(Protocol):
    """What a stream plays, as the page is told."""

    @property
    def avatar(self) -> str | None: ...
    @property
    def mirror(self) -> bool | None: ...


class Parts(Protocol):
    """Who plays what. `version` changes whenever any part does; any thread may ask."""

    @property
    def version(self) -> int: ...
    def role_of(self, stream: str, /) -> Part: ...


class Channel:
    """What one task's performers show: the task's audience. Its methods are called on the task's thread alone."""

    def __init__(self, hub: "Hub") -> None:
        self._hub = hub
        self.held: dict[str, Held] = {}
        """The newest of each stream on stage."""
        self.version = 0

    def publish(self, performers: Sequence[Watched], states: AvatarStates, now_us: int) -> None:
        """Show the states of some performers, a row each; those of the others stay as they are.

        The arrays are kept: nothing is written into them afterwards.
        """
        held = self.held
        for row, one in enumerate(performers):
            held[one.stream_id] = (one.partition, one.last, one.heard_at_us, one.interval_us, states, row, now_us)
        self.version += 1
        self._hub.ring()

    def dismiss(self, streams: Sequence[str], now_us: int) -> None:  # noqa: ARG002
        """These have left."""
        for stream in streams:
            self.held.pop(stream, None)
        self.version += 1
        self._hub.ring()

    def close(self) -> None:
        """Nobody performs any more."""
        self._hub.drop(self)


class Watcher:
    """One who watches, on the loop's thread."""

    def __init__(self) -> None:
        self.bell = asyncio.Event()

    async def wait(self, patience_s: float) -> bool:
        """Whether the bell rang within this time since it was heard last."""
        try:
            async with asyncio.timeout(patience_s):
                await self.bell.wait()
        except TimeoutError:
            return False
        self.bell.clear()
        return True


class Hub:
    """`open_channel`, `ring`, `drop` and `partitions` may be called on any thread, all else on the loop's."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._lock = threading.Lock()
        self._channels: tuple[Channel, ...] = ()
        self._watchers: set[Watcher] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_ringing = False
        self._rang_at_s = 0.0
        self._numbers: dict[tuple[Channel, str], int] = {}
        self._next_number = 0
        self._known: tuple[object, ...] = ()
        self._snapshot = Snapshot((), ())

    def open_channel(self) -> Channel:
        """Another source of states."""
        channel = Channel(self)
        with self._lock:
            self._channels = (*self._channels, channel)
        return channel

    def drop(self, channel: Channel) -> None:
        """Forget a channel."""
        with self._lock:
            self._channels = tuple(one for one in self._channels if one is not channel)
        self.ring()

    def ring(self) -> None:
        """Have every watcher look, soon."""
        loop = self._loop
        if not self._watchers or self._is_ringing or loop is None:
            return
        self._is_ringing = True
        try:
            loop.call_soon_threadsafe(self._ring_on_the_beat)
        except RuntimeError:
            # The loop has ended, and with it everybody who watched.
            self._is_ringing = False

    def partitions(self) -> dict[str, int]:
        """In which partition each stream on stage was seen last; on any thread."""
        held = [channel.held.copy() for channel in self._channels]
        return {stream: partition for one in held for stream, (partition, *_) in one.items()}

    @contextmanager
    def watch(self) -> Iterator[Watcher]:
        """One more watcher, for the length of the block; its bell rings first for what is there already."""
        watcher = Watcher()
        watcher.bell.set()
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._is_ringing, self._rang_at_s = loop, False, 0.0
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)

    def snapshot(self) -> Snapshot:
        """What everybody shows now; the same object as long as that is the same."""
        channels = self._channels
        known = (self._parts.version, *((channel, channel.version) for channel in channels))
        if known != self._known:
            # Copied at once, for their threads go on: items taken one by one may be interrupted by the collector.
            held = [(channel, list(channel.held.copy().items())) for channel in channels]
            roster = self._enrol([(channel, stream, one) for channel, ones in held for stream, one in ones])
            self._known = known
            self._snapshot = Snapshot(roster, [one for _, ones in held for _, one in ones])
        return self._snapshot

    def _enrol(self, cast: Sequence[tuple[Channel, str, Held]]) -> Roster:
        """The roster of these, who keep their numbers; the one there was, where nothing is new."""
        numbers: dict[tuple[Channel, str], int] = {}
        roster = []
        for channel, stream, (partition, *_) in cast:
            number = self._numbers.get((channel, stream))
            if number is None:
                number, self._next_number = self._next_number, self._next_number + 1
            numbers[channel, stream] = number
            part = self._parts.role_of(stream)
            roster.append(Entry(number, stream, partition, part.avatar, bool(part.mirror)))
        self._numbers = numbers
        before = self._snapshot.roster
        return before if before == tuple(roster) else tuple(roster)

    def _ring_on_the_beat(self) -> None:
        loop = asyncio.get_running_loop()
        due_s = self._rang_at_s + _BEAT_S
        if loop.time() < due_s:
            loop.call_at(due_s, self._ring_all)
        else:
            self._ring_all()

    def _ring_all(self) -> None:
        # A beat that comes late is not made up for, but the next one is not later for it either.
        now_s = asyncio.get_running_loop().time()
        self._rang_at_s = max(self._rang_at_s + _BEAT_S, now_s - _BEAT_S / 2)
        self._is_ringing = False
        for watcher in self._watchers:
            watcher.bell.set()
