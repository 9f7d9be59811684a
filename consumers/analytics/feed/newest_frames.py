"""The newest frame of each stream, for those who watch one: frames in between are skipped."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Final

from consumers.analytics.feed.following import Polled
from consumers.analytics.feed.skeleton import name_stream, read_skeleton, write_skeleton
from consumers.analytics.feed.stream_book import StreamBook
from keypoints.codec import RawRecord
from keypoints.errors import HolisticError
from keypoints.schemas import SchemaLookup

log = logging.getLogger(__name__)

_MOST_STREAMS: Final = 256


@dataclass(slots=True, eq=False)
class _Slot:
    record: RawRecord | None = None
    count: int = 0
    """Of records seen."""
    written: tuple[int, bytes | None] = (0, None)
    """What the record of that count looks like, once somebody asked; None: it is no frame."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    watchers: int = 0


class NewestFrames:
    """Everything of it is called on the loop's thread; frames are decoded on others, and only those that are sent."""

    def __init__(self, book: StreamBook, schemas: SchemaLookup | None, now_ms: Callable[[], int]) -> None:
        self._book = book
        self._schemas = schemas
        self._now_ms = now_ms
        self._slots: OrderedDict[str, _Slot] = OrderedDict()

    def take(self, polled: Polled) -> None:
        """Records of the tracking topic."""
        newest = {name_stream(record): record for records in polled.values() for record in records}
        for stream_id, record in newest.items():
            slot = self._find(stream_id)
            slot.record = record
            slot.count += 1
            slot.changed.set()
        self._book.note_frames({stream: record.timestamp for stream, record in newest.items()}, self._now_ms())

    async def watch(self, stream_id: str, least_s: float) -> AsyncGenerator[str, None]:
        """The stream's newest frame as `write_skeleton` has it, again when there is a newer one, each `least_s` at
        most."""
        slot = self._find(stream_id)
        slot.watchers += 1
        shown = 0
        loop = asyncio.get_running_loop()
        try:
            while True:
                while slot.count == shown:
                    slot.changed.clear()
                    await slot.changed.wait()
                shown, began_s = slot.count, loop.time()
                written = await self._write(slot)
                if written is not None:
                    yield written.decode()
                await asyncio.sleep(max(0.0, began_s + least_s - loop.time()))
        finally:
            slot.watchers -= 1

    async def _write(self, slot: _Slot) -> bytes | None:
        count, record = slot.count, slot.record
        if slot.written[0] != count and record is not None:
            # Looking up a writer's schema may ask Kafka.
            slot.written = (count, await asyncio.to_thread(self._read, record))
        return slot.written[1]

    def _read(self, record: RawRecord) -> bytes | None:
        try:
            return write_skeleton(read_skeleton(record, self._schemas))
        except HolisticError as error:
            log.debug("no frame to show: %s", error.message, extra=error.fields)
            return None

    def _find(self, stream_id: str) -> _Slot:
        slot = self._slots.setdefault(stream_id, _Slot())
        self._slots.move_to_end(stream_id)
        if len(self._slots) > _MOST_STREAMS:
            forgotten = next((name for name, one in self._slots.items() if not one.watchers), stream_id)
            if forgotten != stream_id:
                del self._slots[forgotten]
        return slot
