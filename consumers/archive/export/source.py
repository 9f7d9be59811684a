"""What an export needs of a store, and the windows of time it reads a stream by."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Protocol

from consumers.archive.capture_range import CaptureRange
from keypoints.frame import FrameBatch

ROWS_AT_ONCE: Final = 2048
"""About so many frames, some 7 kB each, are held at a time."""

_MINUTE_US: Final = 60_000_000
_HOUR_US: Final = 60 * _MINUTE_US


@dataclass(frozen=True, slots=True)
class Survey:
    """What a store holds of a stream in a range, before any of it is read. Times in microseconds since 1970."""

    frames: int
    first_us: int
    last_us: int
    width: int
    height: int
    """Of the largest image, in pixels; 0 where no record said."""
    median_interval_us: int | None
    """Between frames of one session; None when there are no two."""
    minutes: tuple[tuple[int, int], ...]
    """The minutes that have frames, as the time they begin at and how many, in order."""

    @classmethod
    def of(cls, totals: Sequence[Any], minutes: Iterable[tuple[int, int]]) -> "Survey":
        """What a store answered: the fields in order, and the minutes."""
        frames, first_us, last_us, width, height, median_interval_us = totals
        return cls(frames, first_us, last_us, width, height, median_interval_us, tuple(minutes))


class FrameSource(Protocol):
    """A store that frames are read from, by stream and capture time."""

    def list_stream_ids(self) -> list[str]:
        """Every stream there is."""

    def survey(self, stream_id: str, wanted: CaptureRange) -> Survey | None:
        """What there is; None for nothing."""

    def has_irises(self, stream_id: str, wanted: CaptureRange) -> bool:
        """Whether any face has more than the 468 points of the mesh."""

    def read(self, stream_id: str, window: CaptureRange) -> FrameBatch:
        """The frames in order of capture time, with what they are of themselves; not with their keys and headers.

        Raises PostgresUnavailable, StorageUnavailable or QueryRefused.
        """


def split_windows(survey: Survey, wanted: CaptureRange) -> Iterator[CaptureRange]:
    """Windows that cover all surveyed frames, none across an hour, each of about ROWS_AT_ONCE frames at most.

    Frames that share one capture time cannot be split, nor minutes whose frames crowd in a moment.
    """
    begins_us: int | None = None
    ends_us = rows = 0
    for minute_us, count in survey.minutes:
        fits = rows + count <= ROWS_AT_ONCE and begins_us is not None and minute_us // _HOUR_US == begins_us // _HOUR_US
        if begins_us is not None and not fits:
            yield _within(wanted, begins_us, ends_us)
            begins_us, rows = None, 0
        if count > ROWS_AT_ONCE:
            yield from _split_minute(minute_us, count, wanted)
            continue
        begins_us = minute_us if begins_us is None else begins_us
        ends_us = minute_us + _MINUTE_US
        rows += count
    if begins_us is not None:
        yield _within(wanted, begins_us, ends_us)


def _split_minute(minute_us: int, count: int, wanted: CaptureRange) -> Iterator[CaptureRange]:
    pieces = -(-count // ROWS_AT_ONCE)
    edges = [minute_us + _MINUTE_US * piece // pieces for piece in range(pieces + 1)]
    for begins_us, ends_us in pairwise(edges):
        if (wanted.from_us is None or ends_us > wanted.from_us) and (wanted.to_us is None or begins_us < wanted.to_us):
            yield _within(wanted, begins_us, ends_us)


def _within(wanted: CaptureRange, begins_us: int, ends_us: int) -> CaptureRange:
    return CaptureRange(
        begins_us if wanted.from_us is None else max(begins_us, wanted.from_us),
        ends_us if wanted.to_us is None else min(ends_us, wanted.to_us),
    )
