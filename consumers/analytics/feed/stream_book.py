"""Which streams were seen lately, and what goes on in each."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from consumers.analytics.feed.event import FeedEvent, write_ms
from consumers.analytics.finding import Phase

_MOST_STREAMS: Final = 500
_MOST_OPEN: Final = 64


@dataclass(slots=True)
class _Stream:
    last_frame_ms: int | None = None
    frame_seen_ms: int | None = None
    last_event_us: int | None = None
    event_seen_ms: int | None = None
    events: int = 0
    open: OrderedDict[str, bytes] = field(default_factory=OrderedDict)
    """Bodies of the starts that have no end yet, by the gesture's id."""


class StreamBook:
    """The streams heard of most lately, at most 500; called on one thread."""

    def __init__(self, most: int = _MOST_STREAMS) -> None:
        self._most = most
        self._streams: OrderedDict[str, _Stream] = OrderedDict()

    def note_event(self, event: FeedEvent) -> None:
        """Something was found in a stream."""
        stream = self._find(event.stream_id)
        stream.events += 1
        stream.last_event_us = max(event.at_us, stream.last_event_us or event.at_us)
        stream.event_seen_ms = event.published_ms
        if event.phase is Phase.START:
            stream.open[event.gesture_id] = event.body
            if len(stream.open) > _MOST_OPEN:
                stream.open.popitem(last=False)
        else:
            stream.open.pop(event.gesture_id, None)

    def note_frames(self, newest_ms: Mapping[str, int], now_ms: int) -> None:
        """Frames came: the time of each stream's newest."""
        for stream_id, frame_ms in newest_ms.items():
            stream = self._find(stream_id)
            stream.last_frame_ms, stream.frame_seen_ms = frame_ms, now_ms

    def describe(self, now_ms: int) -> dict[str, Any]:
        """`{"now", "streams": [{"stream_id", "last_frame_at", …}]}`, the one heard of most lately first."""
        return {
            "now": write_ms(now_ms),
            "streams": [self._describe(stream_id, self._streams[stream_id]) for stream_id in reversed(self._streams)],
        }

    def _describe(self, stream_id: str, stream: _Stream) -> dict[str, Any]:
        last_event_ms = None if stream.last_event_us is None else stream.last_event_us // 1000
        return {
            "stream_id": stream_id,
            "last_frame_at": _write(stream.last_frame_ms),
            "frame_seen_at": _write(stream.frame_seen_ms),
            "last_event_at": _write(last_event_ms),
            "event_seen_at": _write(stream.event_seen_ms),
            "events": stream.events,
            "open": [orjson.loads(body) for body in stream.open.values()],
        }

    def _find(self, stream_id: str) -> _Stream:
        stream = self._streams.setdefault(stream_id, _Stream())
        self._streams.move_to_end(stream_id)
        if len(self._streams) > self._most:
            self._streams.popitem(last=False)
        return stream


def _write(at_ms: int | None) -> str | None:
    return None if at_ms is None else write_ms(at_ms)
