"""A video file as a source: every frame with its own time."""

from collections.abc import Generator
from pathlib import Path
from typing import Final

import cv2

from producer_service.capture.captured import Captured, Clock, DropPolicy, RefusalReason, Refused, SourceItem

_DEFAULT_FRAMES_PER_S: Final = 30.0
_US_PER_S: Final = 1_000_000
_TEXT_HEAD_BYTES: Final = 512
# Containers without a frame index tell an estimate, and edit lists hide a frame or two: only a real gap counts.
_COUNT_TOLERANCE_FRAMES: Final = 2
_COUNT_TOLERANCE_SHARE: Final = 0.02


class VideoFile:
    """The frames of a video, in presentation order.

    A frame is captured at the file's start (`started_at_us`, or when it was opened) plus its own presentation time, so
    variable frame rates keep their rhythm. Times that stand still or run backwards, as broken containers have them, go
    on by one frame interval instead.
    """

    still = False
    drop_policy = DropPolicy.WAIT

    def __init__(self, path: Path, stream_id: str, now_us: Clock, started_at_us: int | None) -> None:
        self.name = str(path)
        self.stream_id = stream_id
        self.paths = (path,)
        self.started_at_us = started_at_us
        self._path = path
        self._now_us = now_us
        self._expected_frames: int | None = None

    @property
    def expected_frames(self) -> int | None:
        """What the container says, known after the first frame."""
        return self._expected_frames

    def read(self) -> Generator[SourceItem, None, None]:
        """Yield every frame that decodes; at the end say when the file held fewer than it promised."""
        # FFmpeg paints text files as ANSI art, and follows the addresses and paths that lists (.m3u8, .ffconcat) hold.
        try:
            text = _is_text(self._path)
        except OSError as error:
            yield self._refuse(RefusalReason.UNREADABLE_FILE, f"cannot be read: {error.strerror or error}")
            return
        if text:
            yield self._refuse(RefusalReason.UNREADABLE_VIDEO, "a text, not a picture or a video")
            return
        # An absolute path cannot be taken for an address or a pattern of file names.
        capture = cv2.VideoCapture(str(self._path.resolve()), cv2.CAP_FFMPEG)
        try:
            if not capture.isOpened():
                yield self._refuse(RefusalReason.UNREADABLE_VIDEO, "neither a picture nor a video that can be opened")
                return
            yield from self._read_frames(capture)
        finally:
            capture.release()

    def _read_frames(self, capture: cv2.VideoCapture) -> Generator[SourceItem, None, None]:
        started_at_us = self._now_us() if self.started_at_us is None else self.started_at_us
        promised = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self._expected_frames = promised if promised > 0 else None
        frames_per_s = capture.get(cv2.CAP_PROP_FPS)
        interval_us = round(_US_PER_S / (frames_per_s if frames_per_s > 0 else _DEFAULT_FRAMES_PER_S))
        position_us = -interval_us
        frames = 0
        while True:
            decoded, image_bgr = capture.read()
            if not decoded:
                break
            position_us = _advance(position_us, capture.get(cv2.CAP_PROP_POS_MSEC), interval_us)
            image = cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB)
            yield Captured(image, started_at_us + position_us, frames)  # type: ignore[arg-type]
            frames += 1
        if frames == 0:
            yield self._refuse(RefusalReason.EMPTY_VIDEO, "the video has no frame that can be decoded")
        elif frames < promised * (1 - _COUNT_TOLERANCE_SHARE) - _COUNT_TOLERANCE_FRAMES:
            message = f"the video ends after {frames} of {promised} frames"
            yield self._refuse(RefusalReason.TRUNCATED_VIDEO, message)

    def _refuse(self, reason: RefusalReason, message: str) -> Refused:
        return Refused(self.name, reason, message)


def _is_text(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(_TEXT_HEAD_BYTES)
    controls = set(head) - set(b"\t\n\r\f")
    try:
        head.decode()
    except UnicodeDecodeError as error:
        # A character cut at the end of the head is no sign of anything.
        if error.start < len(head) - 3:
            return False
    return bool(head) and min(controls, default=0x20) >= 0x20


def _advance(last_us: int, position_ms: float, interval_us: int) -> int:
    """Time of the next frame since the start: its own when it moves on, else one interval after the last."""
    own_us = round(position_ms * 1000)
    return own_us if own_us > last_us else last_us + interval_us
