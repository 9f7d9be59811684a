"""A moving view over a photograph: a source that needs no camera and no file.

The photograph is `skimage.data.astronaut()` (NASA, public domain), which ships with scikit-image.
"""

from collections.abc import Callable, Generator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from producer_service.capture.captured import Captured, DropPolicy, SourceItem

FRAMES_PER_SECOND: Final = 30
_VIEW_PX: Final = 448
_SWAY_PX: Final = 24


class AstronautView:
    """`frames` views of the photograph, the camera swaying in a slow circle; captured from `now_us` on at 30 a second.

    A `Source` of the producer: a video, so that tracking is carried from one view to the next.
    """

    name = "a moving view over skimage.data.astronaut()"
    still = False
    drop_policy = DropPolicy.WAIT

    def __init__(self, stream_id: str, frames: int, now_us: Callable[[], int]) -> None:
        self.stream_id = stream_id
        self.expected_frames = frames
        self._now_us = now_us

    def read(self) -> Generator[SourceItem, None, None]:
        """Yield the views in order."""
        import skimage.data

        photograph: NDArray[np.uint8] = skimage.data.astronaut()
        started_us = self._now_us()
        for index in range(self.expected_frames):
            time_s = index / FRAMES_PER_SECOND
            left = round(_SWAY_PX * (1 + np.sin(time_s)))
            top = round(_SWAY_PX / 4 * (1 - np.cos(time_s)))
            view = np.ascontiguousarray(photograph[top : top + _VIEW_PX, left : left + _VIEW_PX])
            yield Captured(view, started_us + round(time_s * 1e6), index)
