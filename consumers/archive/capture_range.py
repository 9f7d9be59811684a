"""A range of capture times, as people give it on a command line."""

from dataclasses import dataclass
from typing import Final

from connect_runtime.offsets.forms import Edge, Moment, UnreadableOffsets, read_place

_ANY_TOPIC: Final = ("",)


@dataclass(frozen=True, slots=True)
class CaptureRange:
    """Frames captured at or after `from_us` and before `to_us`, microseconds since 1970; None: no bound."""

    from_us: int | None = None
    to_us: int | None = None


def read_capture_range(first: str | None, end: str | None, now_ms: int) -> CaptureRange:
    """Two places in time: `earliest`, `latest`, a duration ago (`2h`, `1h30m`, also `2h ago`), a time in ISO 8601.

    Raises UnreadableOffsets for anything else, and when the range ends before it begins.
    """
    found = CaptureRange(
        None if first is None else _read_time_us(first, now_ms, at_edge=Edge.EARLIEST),
        None if end is None else _read_time_us(end, now_ms, at_edge=Edge.LATEST),
    )
    if found.from_us is not None and found.to_us is not None and found.from_us >= found.to_us:
        raise UnreadableOffsets(f"{first} is not before {end}: the range is empty", given=(first, end))
    return found


def _read_time_us(text: str, now_ms: int, at_edge: Edge) -> int | None:
    try:
        place = read_place(text.strip().removesuffix(" ago"), now_ms, _ANY_TOPIC)
    except UnreadableOffsets:
        # What it asks for are offsets, which mean nothing here.
        place = None
    if place is not None and place == at_edge:
        return None
    if isinstance(place, Moment):
        return place.timestamp_ms * 1000
    raise UnreadableOffsets(
        f"{text!r} says no time",
        hint=f"{at_edge}, a duration ago (2h, 90s, 1h30m), or a time (2026-03-01T12:00:00+01:00)",
        given=text,
    )
