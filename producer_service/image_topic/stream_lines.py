"""The streams a member has open: opened with their first picture, closed when they rest or others need the room."""

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass

from keypoints.errors import Transient
from producer_service.capture.captured import DropPolicy
from producer_service.image_topic.image_record import ImageRecord
from producer_service.landmarks.landmarker import LandmarkerFailed, NoLandmarkerFree
from producer_service.live.stream_line import StreamLine
from producer_service.live.studio import StreamTaken, Studio, StudioClosed

log = logging.getLogger(__name__)


class NoRoomForStream(Transient):
    """There is no landmarker for one more stream just now."""


@dataclass(frozen=True, slots=True)
class LineOptions:
    """How many pictures of a stream are under way at once, and when its line is closed.

    At most `streams` are open (None: as many as there are landmarkers). One that got nothing for `idle_s` is closed,
    for `spare_s` when another needs its room. When none rests that long, the one open longest gives way to a stream
    that has waited for `patience_s`. A stream that could not be opened is tried again after `again_s`.
    """

    pictures: int = 4
    streams: int | None = None
    idle_s: float = 60.0
    spare_s: float = 2.0
    patience_s: float = 15.0
    again_s: float = 0.25


@dataclass(slots=True, eq=False)
class OpenLine:
    """A stream's line, the partition its pictures come from, and how many of them are under way."""

    line: StreamLine
    partition: int
    mirrored: bool
    opened_s: float
    used_s: float
    under_way: int = 0
    gives_way: bool = False


class StreamLines:
    """Opens and closes streams. For one thread at a time."""

    def __init__(self, studio: Studio, options: LineOptions, clock: Callable[[], float]) -> None:
        self._studio = studio
        self._options = options
        self._clock = clock
        self._lines: dict[str, OpenLine] = {}
        self._try_again_s = 0.0
        self._short_since_s: float | None = None

    def __len__(self) -> int:
        return len(self._lines)

    def find_room(self, image: ImageRecord, partition: int) -> OpenLine | None:
        """The stream's line, opened if need be; None while it has enough pictures under way.

        Raises NoRoomForStream when it cannot be opened now.
        """
        found = self._lines.get(image.stream_id)
        if found is not None and (found.gives_way or found.mirrored != image.mirrored):
            if found.under_way:
                return None
            self._close(found)
            found = None
        if found is None:
            found = self._open(image, partition)
        return found if found.under_way < self._options.pictures else None

    def note_handed(self, line: OpenLine) -> None:
        """A picture went to it."""
        line.under_way += 1
        line.used_s = self._clock()

    def note_settled(self, line: OpenLine) -> None:
        """One of its pictures is dealt with."""
        line.under_way -= 1
        line.used_s = self._clock()

    def tidy(self, waiting: Collection[str]) -> None:
        """Close what rests. Streams in `waiting` have pictures that nobody took yet."""
        now_s = self._clock()
        resting = [each for each in self._lines.values() if not each.under_way and each.line.stream_id not in waiting]
        for each in resting:
            if now_s - each.used_s >= self._options.idle_s:
                self._close(each)
        if self._short_since_s is None:
            return
        spare = [each for each in resting if now_s - each.used_s >= self._options.spare_s]
        if spare:
            self._close(min(spare, key=lambda each: each.used_s))
            self._try_again_s = now_s
        elif now_s - self._short_since_s >= self._options.patience_s:
            self._short_since_s = now_s
            if not any(each.gives_way for each in self._lines.values()) and self._lines:
                min(self._lines.values(), key=lambda each: each.opened_s).gives_way = True
        for each in [each for each in self._lines.values() if each.gives_way and not each.under_way]:
            self._close(each)
            self._try_again_s = now_s

    def close_of(self, partitions: Collection[int]) -> None:
        """Close the streams of these partitions; what their lines have not begun is dropped."""
        for each in [each for each in self._lines.values() if each.partition in partitions]:
            self._close(each)

    def close_all_but(self, partitions: Collection[int]) -> None:
        """Close the streams of all other partitions."""
        self.close_of({each.partition for each in self._lines.values()} - set(partitions))

    def _open(self, image: ImageRecord, partition: int) -> OpenLine:
        now_s = self._clock()
        if now_s < self._try_again_s:
            raise NoRoomForStream("no landmarker is free")
        limit = self._options.streams
        try:
            if limit is not None and len(self._lines) >= limit:
                raise NoRoomForStream(f"{limit} streams are open")
            line = self._studio.open_stream(image.stream_id, DropPolicy.WAIT, mirrored=image.mirrored)
        except StudioClosed:
            raise
        except (NoRoomForStream, NoLandmarkerFree, LandmarkerFailed, StreamTaken) as error:
            if self._short_since_s is None:
                self._short_since_s = now_s
                log.info("a stream waits for a landmarker: %s", error.message)
            self._try_again_s = self._clock() + self._options.again_s
            raise NoRoomForStream(error.message) from error
        self._short_since_s = None
        now_s = self._clock()
        found = self._lines[image.stream_id] = OpenLine(line, partition, image.mirrored, now_s, now_s)
        return found

    def _close(self, line: OpenLine) -> None:
        self._lines.pop(line.line.stream_id, None)
        self._studio.close_stream(line.line, drain=False)
