"""Which landmarker serves which source: tracking is never carried from one stream into another."""

import sys
from collections.abc import Callable
from contextlib import redirect_stderr

from producer_service.landmarks.feed import LandmarkerFeed, StreamLandmarker
from producer_service.landmarks.landmarker import Landmarker, ReusableLandmarker
from producer_service.landmarks.matplotlib_home import give_matplotlib_a_home

OpenLandmarker = Callable[[bool], Landmarker]
"""Opens a landmarker; the argument says whether its pictures are unrelated stills."""


def open_holistic(still: bool) -> ReusableLandmarker:
    """MediaPipe Holistic; its libraries are loaded when it is first asked for."""
    give_matplotlib_a_home()
    # While it is imported, native code prints through sys.stderr what belongs to the process's own standard error.
    with redirect_stderr(sys.__stderr__ or sys.stderr):
        from producer_service.landmarks.holistic import HolisticLandmarker

    return HolisticLandmarker(still=still)


class Landmarkers:
    """One landmarker for the source being read, opened when its first picture comes.

    Stills remember nothing of each other, so one landmarker serves all sources of stills; a stream gets a new one.
    """

    def __init__(self, open_landmarker: Callable[[bool], StreamLandmarker]) -> None:
        self._open_landmarker = open_landmarker
        self._open: dict[bool, LandmarkerFeed] = {}

    def serve(self, still: bool) -> LandmarkerFeed:
        """The landmarker of the source being read. Raises NoLandmarkerFree or LandmarkerFailed."""
        if still not in self._open:
            self._open[still] = LandmarkerFeed(lambda: self._open_landmarker(still))
        return self._open[still]

    def leave(self, still: bool) -> None:
        """A source ended: what tracked it goes with it."""
        if not still:
            self._close(still)

    def close(self) -> None:
        """Close all."""
        for still in list(self._open):
            self._close(still)

    def _close(self, still: bool) -> None:
        feed = self._open.pop(still, None)
        if feed is not None:
            feed.close()
