"""Put pictures on the topic of images: files as they are, videos and cameras as JPEG or PNG."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import cv2

from kafka_io.publisher import BoundedPublisher, Delivery, PublisherOptions
from kafka_io.settings import KafkaSettings
from keypoints.errors import HolisticError
from keypoints.topics import CONTENT_TYPE_HEADER, IMAGES_TOPIC, record_key
from producer_service.capture.captured import Captured, Clock, RefusalReason, Refused, RgbImage, Source
from producer_service.capture.open_source import SourceOptions, open_source
from producer_service.capture.still_files import StillFiles
from producer_service.capture.still_image import ImageLimits, image_format
from producer_service.image_topic.image_record import CAPTURED_AT_HEADER, MIRRORED_HEADER

Form = Literal["jpeg", "png"]

_JPEG_QUALITY: Final = 95
_FLUSH_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class PictureOptions:
    """Which topic they go to, in which form what is no file of a picture is sent, and whether it shows a mirror."""

    topic: str = IMAGES_TOPIC
    form: Form = "jpeg"
    mirrored: bool = False


@dataclass(slots=True)
class PicturesPublished:
    """What became of all pictures."""

    acknowledged: int = 0
    failed: int = 0
    refused: list[Refused] = field(default_factory=list)
    error: str | None = None
    """The first failure's."""

    @property
    def clean(self) -> bool:
        """Whether all that was read is on the topic."""
        return not self.failed and not self.refused

    def as_dict(self) -> dict[str, object]:
        """For machine output."""
        refused = [{"name": one.name, "reason": one.reason.value, "message": one.message} for one in self.refused]
        return {"acknowledged": self.acknowledged, "failed": self.failed, "refused": refused, "error": self.error}


@dataclass(frozen=True, slots=True)
class _Encoded:
    data: bytes
    content_type: str
    captured_at_us: int


def publish_pictures(
    names: Sequence[str],
    sources: SourceOptions,
    options: PictureOptions,
    kafka: KafkaSettings,
    now_us: Clock,
    stop: threading.Event | None = None,
    on_picture: Callable[[], None] = lambda: None,
) -> PicturesPublished:
    """Send every picture of these sources, until their end or `stop`, and wait for Kafka's acknowledgements.

    Raises KafkaUnavailable or KafkaRefused when it cannot begin, InvalidStreamId for a name that is none.
    """
    published = PicturesPublished()
    stop = stop or threading.Event()

    def note(delivery: Delivery) -> None:
        if delivery.error is None:
            published.acknowledged += 1
        else:
            published.failed += 1
            published.error = published.error or delivery.error.message

    opened = [open_source(name, sources, now_us, stop) for name in names]
    # A picture does not get smaller.
    with closing(BoundedPublisher(kafka, PublisherOptions(compression="none"), note)) as publisher:
        publisher.prepare(options.topic)
        for source in opened:
            for item in _read(source, sources, options.form, now_us):
                if stop.is_set():
                    break
                if isinstance(item, Refused):
                    published.refused.append(item)
                    continue
                try:
                    _publish(publisher, source.stream_id, item, options)
                except HolisticError as error:
                    published.failed += 1
                    published.error = published.error or error.message
                on_picture()
        publisher.flush(_FLUSH_S)
    return published


def _publish(publisher: BoundedPublisher, stream_id: str, picture: _Encoded, options: PictureOptions) -> None:
    headers = [
        (CONTENT_TYPE_HEADER, picture.content_type.encode()),
        (CAPTURED_AT_HEADER, str(picture.captured_at_us).encode()),
    ]
    if options.mirrored:
        headers.append((MIRRORED_HEADER, b"true"))
    publisher.publish(options.topic, record_key(stream_id), picture.data, headers, picture.captured_at_us // 1000)


def _read(source: Source, sources: SourceOptions, form: Form, now_us: Clock) -> Iterator[_Encoded | Refused]:
    if isinstance(source, StillFiles):
        yield from _read_files(source.paths, sources, now_us)
        return
    with closing(source.read()) as items:
        for item in items:
            if isinstance(item, Captured):
                yield _Encoded(_encode(item.image, form), f"image/{form}", item.captured_at_us)
            elif isinstance(item, Refused):
                yield item


def _read_files(paths: Sequence[Path], sources: SourceOptions, now_us: Clock) -> Iterator[_Encoded | Refused]:
    last_us = 0
    for path in paths:
        data = _read_file(path, sources.limits)
        if isinstance(data, Refused):
            yield data
            continue
        # Each at least 1 µs after the one before, so that their order is kept.
        last_us = max(now_us() if sources.started_at_us is None else sources.started_at_us, last_us + 1)
        yield _Encoded(data, f"image/{(image_format(data[:12]) or '').lower()}", last_us)


def _read_file(path: Path, limits: ImageLimits) -> bytes | Refused:
    try:
        with path.open("rb") as file:
            data = file.read(limits.max_bytes + 1)
    except OSError as error:
        return Refused(str(path), RefusalReason.UNREADABLE_FILE, f"cannot be read: {error.strerror or error}")
    if len(data) > limits.max_bytes:
        return Refused(str(path), RefusalReason.FILE_TOO_LARGE, f"it has more than {limits.max_bytes} bytes")
    if image_format(data[:12]) is None:
        return Refused(str(path), RefusalReason.NOT_AN_IMAGE, "not a JPEG, PNG or WebP picture")
    return data


def _encode(image: RgbImage, form: Form) -> bytes:
    image_bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    if form == "png":
        return bytes(cv2.imencode(".png", image_bgr)[1])
    return bytes(cv2.imencode(".jpg", image_bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1])
