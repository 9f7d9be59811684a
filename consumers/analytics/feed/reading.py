"""One reader's messages in order: how it stands, what it missed, and then what happens."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Final

import orjson

from consumers.analytics.feed.earlier import read_earlier
from consumers.analytics.feed.event import EventFilter
from consumers.analytics.feed.hub import Hub, Message, Reader
from consumers.analytics.feed.positions import write_positions
from kafka_io.settings import KafkaSettings
from keypoints.errors import HolisticError

HEARTBEAT_S: Final = 15.0
_LOOK_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Wish:
    """What a reader asks for."""

    wanted: EventFilter = field(default_factory=EventFilter)
    after: dict[int, int] | None = None
    """Where it goes on, by partition; None: with what happens from now on."""
    recent: int = 0
    """Without `after`: how many of the newest events in memory it is sent first."""


class EventReading:
    """What readers' messages come from."""

    def __init__(self, hub: Hub, kafka: KafkaSettings, topic: str) -> None:
        self._hub = hub
        self._kafka = kafka
        self._topic = topic

    async def read(self, wish: Wish, heartbeat_s: float = HEARTBEAT_S) -> AsyncGenerator[Message | None, None]:
        """Messages as they come; None when there was none for `heartbeat_s`. Raises CutOff or FeedClosing."""
        hub = self._hub
        yield hub.state()
        async for message in self._await_beginning(heartbeat_s):
            yield message
        with hub.join(wish.wanted) as reader:
            if wish.after is None:
                for remembered in hub.recall(wish.wanted, wish.recent):
                    yield remembered.message()
            else:
                async for message in self._catch_up(wish.wanted, wish.after, reader):
                    yield message
            while True:
                yield await reader.next(heartbeat_s)

    async def _await_beginning(self, heartbeat_s: float) -> AsyncGenerator[Message | None, None]:
        """How it stands, until what happened before is known: nobody is sent that as news."""
        told, silent_s = self._hub.state(), 0.0
        while not self._hub.begun.is_set():
            try:
                async with asyncio.timeout(_LOOK_S):
                    await self._hub.begun.wait()
            except TimeoutError:
                silent_s += _LOOK_S
            if self._hub.closing.is_set():
                return
            state = self._hub.state()
            if state != told:
                told, silent_s = state, 0.0
                yield state
            elif silent_s >= heartbeat_s:
                silent_s = 0.0
                yield None

    async def _catch_up(
        self, wanted: EventFilter, after: Mapping[int, int], reader: Reader
    ) -> AsyncGenerator[Message, None]:
        # The memory, and what the reader is sent from now on, fit together only if nothing is awaited in between.
        hub = self._hub
        floor = dict(hub.floor)
        ahead = {partition for partition, offset in after.items() if offset > hub.positions.get(partition, offset)}
        known = {partition: offset for partition, offset in after.items() if partition not in ahead}
        in_memory = hub.recall_after(wanted, known)
        if ahead:
            yield _tell_gap("the id is ahead of the topic, as if that had been made anew")
        starts = {p: floor[p] if p in ahead else min(known.get(p, 0), floor[p]) for p in floor}
        try:
            earlier = await asyncio.to_thread(read_earlier, self._kafka, self._topic, starts, floor, wanted)
        except HolisticError as error:
            yield _tell_gap(f"what was missed could not be read: {error.message}")
        else:
            if earlier.left_out:
                yield _tell_gap(f"{earlier.left_out} records are too old, or too many, to be sent again")
            at = dict(starts)
            for event in earlier.events:
                at[event.partition] = event.offset + 1
                if reader.skips.add(event.event_id):
                    yield Message(write_positions(at), event.phase.value, event.body)
        for remembered in in_memory:
            if reader.skips.add(remembered.event.event_id):
                yield remembered.message()


def _tell_gap(message: str) -> Message:
    return Message(None, "gap", orjson.dumps({"message": message}))
