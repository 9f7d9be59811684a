"""All that is open in this producer: its streams, and the single pictures between them."""

import logging
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

from keypoints.errors import Terminal, Transient
from keypoints.topics import check_stream_id
from producer_service.capture.captured import DropPolicy
from producer_service.live.equipment import Equipment
from producer_service.live.outcome import PictureOutcome
from producer_service.live.picture import Picture
from producer_service.live.processing import Handling
from producer_service.live.stills import Stills
from producer_service.live.stream_line import StreamLine

log = logging.getLogger(__name__)

_STILLS_A_WORKER: Final = 2


class StreamTaken(Terminal):
    """A stream of this name is open already. Fields: stream_id."""


class StudioClosed(Transient):
    """The service is stopping and takes nothing more."""


@dataclass(frozen=True, slots=True)
class StudioOptions:
    """How much may wait: pictures of one live stream or file, and single pictures of all."""

    live_pictures: int = 2
    file_pictures: int = 4
    waiting_stills: int = 32
    stills_at_once: int = 2


class Studio:
    """Opens streams and takes single pictures until it is closed. Safe for several threads."""

    def __init__(self, equipment: Equipment, options: StudioOptions | None = None) -> None:
        self.equipment = equipment
        self._options = options or StudioOptions()
        self._lock = threading.Lock()
        self._closed = False
        self._lines: dict[str, StreamLine] = {}
        self._opening: set[str] = set()
        self._stills = Stills(self._options.stills_at_once, self._options.waiting_stills, equipment)

    def open_stream(
        self, stream_id: str, policy: DropPolicy = DropPolicy.DROP_OLDEST, *, mirrored: bool = False
    ) -> StreamLine:
        """Open a stream; who opened it closes it with `close_stream`.

        Raises InvalidStreamId, StreamTaken, NoLandmarkerFree, LandmarkerFailed or StudioClosed.
        """
        check_stream_id(stream_id)
        with self._lock:
            self._check_open()
            if stream_id in self._lines or stream_id in self._opening:
                raise StreamTaken(
                    f"the stream {stream_id!r} is open already",
                    hint="close it, or use another name",
                    stream_id=stream_id,
                )
            self._opening.add(stream_id)
        waits = policy is DropPolicy.WAIT
        capacity = self._options.file_pictures if waits else self._options.live_pictures
        try:
            how = Handling(mirrored=mirrored, wait=waits, may_spill=not waits)
            line = StreamLine(stream_id, policy, capacity, how, self.equipment)
        finally:
            with self._lock:
                self._opening.discard(stream_id)
        with self._lock:
            closed = self._closed
            if not closed:
                self._lines[stream_id] = line
        if closed:
            line.close(drain=False)
            raise StudioClosed("the service is stopping")
        return line

    def close_stream(self, line: StreamLine, *, drain: bool = True) -> None:
        """Close a stream, and wait until its pictures are handed to Kafka; a second call does nothing more."""
        line.close(drain=drain)
        with self._lock:
            if self._lines.get(line.stream_id) is line:
                del self._lines[line.stream_id]

    def lines(self) -> list[StreamLine]:
        """The streams that are open now."""
        with self._lock:
            return list(self._lines.values())

    def submit_still(self, picture: Picture, stream_id: str, *, mirrored: bool = False) -> "Future[PictureOutcome]":
        """A picture that stands alone, and must have a person in it. The future always gets a result.

        Raises InvalidStreamId, StillsBusy or StudioClosed.
        """
        check_stream_id(stream_id)
        with self._lock:
            self._check_open()
        return self._stills.submit(picture, stream_id, Handling(mirrored=mirrored, needs_person=True))

    def close(self) -> None:
        """Take nothing more in, and hand what was taken to Kafka; frames of live streams that wait are dropped."""
        with self._lock:
            self._closed = True
        for line in self.lines():
            self.close_stream(line, drain=line.policy is DropPolicy.WAIT)
        self._stills.close()

    def _check_open(self) -> None:
        if self._closed:
            raise StudioClosed("the service is stopping", hint="send it to another replica")
