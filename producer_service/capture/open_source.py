"""From what a person names to a source that can be read."""

import re
import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

from keypoints.topics import STREAM_ID_MAX_CHARACTERS, check_stream_id
from producer_service.capture.address_policy import OPERATORS_OWN, AddressPolicy
from producer_service.capture.captured import Clock, DropPolicy, RefusalReason, Refused, Source, SourceItem
from producer_service.capture.live_source import Around, LiveSource, Patience
from producer_service.capture.network_camera import NetworkCamera
from producer_service.capture.source_address import InvalidAddress, is_address, mask_address, parse_address
from producer_service.capture.still_files import StillFiles, is_picture, list_pictures
from producer_service.capture.still_image import ImageLimits
from producer_service.capture.video_file import VideoFile
from producer_service.capture.webcam import InvalidWebcam, Webcam, is_webcam, parse_webcam


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """What a person may say about the sources: their stream's name, and when the (first) picture was taken (µs).

    `addresses` says which addresses may be connected to, `patience` how long live sources wait for what. Live sources
    are captured now, whenever they are said to begin.
    """

    stream_id: str | None = None
    started_at_us: int | None = None
    limits: ImageLimits = field(default_factory=ImageLimits)
    addresses: AddressPolicy = OPERATORS_OWN
    patience: Patience = field(default_factory=Patience)


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


def open_source(name: str | Path, options: SourceOptions, now_us: Clock, stop: threading.Event | None = None) -> Source:
    """A webcam (`webcam:0`, `/dev/video0`), an address (`rtsp://…`), or what is on disk under that path.

    The stream is named after the device, address, file or folder unless the options say otherwise. A name that gives
    nothing is a source too, which yields its refusal. Nothing is connected to before it is read. Setting `stop`
    ends a live source's reading, whatever it waits for. Raises InvalidStreamId for a name that cannot be a stream's.
    """
    if isinstance(name, str):
        if is_webcam(name):
            return _open_webcam(name, options, now_us, stop)
        if is_address(name):
            return _open_address(name, options, now_us, stop)
    return _open_path(Path(name), options, now_us)


def _open_webcam(name: str, options: SourceOptions, now_us: Clock, stop: threading.Event | None) -> Source:
    stream_id = check_stream_id(options.stream_id or re.sub(r"\W+", "-", name.partition("?")[0]).strip("-"))
    try:
        device, asked = parse_webcam(name)
    except InvalidWebcam as error:
        return NoSource(stream_id, Refused(name, RefusalReason.NO_DEVICE, f"{error.message}; {error.hint}"))
    return LiveSource(name, stream_id, Webcam(device, asked), Around(now_us), options.patience, stop)


def _open_address(name: str, options: SourceOptions, now_us: Clock, stop: threading.Event | None) -> Source:
    try:
        address = parse_address(name)
    except InvalidAddress as error:
        shown = mask_address(name)
        why = error.message.removeprefix(f"{shown} ")
        message = f"{why}; {error.hint}" if error.hint else why
        return NoSource(
            check_stream_id(options.stream_id or "camera"), Refused(shown, RefusalReason.REFUSED_ADDRESS, message)
        )
    own_name = re.sub(r"[^\w.-]+", "-", f"{address.host}{address.path_shown}").strip("-")
    camera = NetworkCamera(name, options.addresses, options.limits, options.patience.connect_s)
    stream_id = check_stream_id(options.stream_id or own_name[:STREAM_ID_MAX_CHARACTERS])
    return LiveSource(address.shown, stream_id, camera, Around(now_us), options.patience, stop)


def _open_path(path: Path, options: SourceOptions, now_us: Clock) -> Source:
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
