"""From what a person names to a source that can be read."""

from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

from keypoints.topics import STREAM_ID_MAX_CHARACTERS, check_stream_id
from producer_service.capture.captured import Clock, DropPolicy, RefusalReason, Refused, Source, SourceItem
from producer_service.capture.still_files import StillFiles, is_picture, list_pictures
from producer_service.capture.still_image import ImageLimits
from producer_service.capture.video_file import VideoFile


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """What a person may say about the sources: their stream's name, and when the (first) picture was taken (µs)."""

    stream_id: str | None = None
    started_at_us: int | None = None
    limits: ImageLimits = field(default_factory=ImageLimits)


class NoSource:
    """A source that turned out to hold nothing: it yields why."""

    still = True
    drop_policy = DropPolicy.WAIT
    expected_frames = 0

    def __init__(self, stream_id: str, refused: Refused) -> None:
        self.name = refused.name
        self.stream_id = stream_id
        self._refused = refused

    def read(self) -> Generator[SourceItem, None, None]:
        """Yield the refusal."""
        yield self._refused


def open_source(path: Path, options: SourceOptions, now_us: Clock) -> Source:
    """A picture, a folder of pictures or a video, told apart by what is on disk.

    The stream is named after the file or folder unless the options say otherwise. A path that gives nothing is a
    source too, which yields its refusal. Raises InvalidStreamId for a name that cannot be a stream's.
    """
    stream_id = check_stream_id(options.stream_id if options.stream_id is not None else _name_stream(path))
    try:
        if path.is_dir():
            pictures = list_pictures(path)
            if not pictures:
                message = "the folder holds no JPEG, PNG or WebP picture"
                return NoSource(stream_id, Refused(str(path), RefusalReason.EMPTY_FOLDER, message))
            return _open_stills(path, stream_id, pictures, options, now_us)
        if not path.exists():
            message = "there is no such file or folder"
            return NoSource(stream_id, Refused(str(path), RefusalReason.MISSING_FILE, message))
        if not path.is_file():
            message = "neither a file nor a folder"
            return NoSource(stream_id, Refused(str(path), RefusalReason.UNREADABLE_FILE, message))
        with path.open("rb"):
            pass
    except (OSError, ValueError) as error:
        message = f"cannot be read: {getattr(error, 'strerror', None) or error}"
        return NoSource(stream_id, Refused(str(path), RefusalReason.UNREADABLE_FILE, message))
    if is_picture(path):
        return _open_stills(path, stream_id, [path], options, now_us)
    return VideoFile(path, stream_id, now_us, options.started_at_us)


def _open_stills(path: Path, stream_id: str, pictures: list[Path], options: SourceOptions, now_us: Clock) -> StillFiles:
    return StillFiles(str(path), stream_id, pictures, options.limits, now_us, options.started_at_us)


def _name_stream(path: Path) -> str:
    """`talks/ada.mp4` is the stream `ada`; file names that are no valid UTF-8 are written with question marks."""
    resolved = path.resolve()
    name = (resolved.name if resolved.is_dir() else resolved.stem) or "root"
    return name.encode("utf-8", "replace").decode()[:STREAM_ID_MAX_CHARACTERS]
