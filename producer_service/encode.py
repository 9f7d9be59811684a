"""From a picture and its landmarks to a frame, and from a frame to a Kafka record."""

import threading
from dataclasses import dataclass
from typing import Final

from keypoints.codec import encode
from keypoints.frame import HolisticFrame
from keypoints.topics import ORIGIN_HEADER, format_origin, frame_headers, record_key
from producer_service.capture.captured import Captured
from producer_service.landmarks.landmarker import Landmarks, put_sides_right

_REMEMBERED_STREAMS: Final = 1_000


class FrameNumbering:
    """Numbers the frames of one stream and epoch without gaps, from 0."""

    def __init__(self, stream_id: str, epoch: int) -> None:
        self.stream_id = stream_id
        self.epoch = epoch
        self._next_sequence = 0

    def take(self) -> int:
        """The next sequence number."""
        self._next_sequence += 1
        return self._next_sequence - 1


class EpochClock:
    """Gives every stretch of tracking an epoch: the time it began (µs), or a given number, never one used before.

    Safe for several threads.
    """

    def __init__(self, first: int | None = None) -> None:
        self._first = first
        self._last: dict[str, int] = {}
        self._lock = threading.Lock()

    def begin(self, stream_id: str, now_us: int) -> FrameNumbering:
        """A new epoch of a stream."""
        with self._lock:
            wanted = now_us if self._first is None else self._first
            epoch = max(wanted, self._last.get(stream_id, wanted - 1) + 1)
            if self._first is None and len(self._last) >= _REMEMBERED_STREAMS:
                # Time itself keeps apart what began before.
                self._last = {name: last for name, last in self._last.items() if last >= now_us}
            self._last[stream_id] = epoch
            return FrameNumbering(stream_id, epoch)

    def resume(self, stream_id: str, epoch: int) -> FrameNumbering:
        """An epoch an earlier run began, from its first frame; those begun after it are later ones."""
        with self._lock:
            self._last[stream_id] = max(epoch, self._last.get(stream_id, epoch))
        return FrameNumbering(stream_id, epoch)


def make_frame(
    captured: Captured,
    found: Landmarks,
    numbering: FrameNumbering,
    processed_at_us: int,
    *,
    mirrored: bool,
    model: str,
) -> HolisticFrame:
    """The frame of a picture, numbered; sides are put right when the source is mirrored."""
    landmarks = put_sides_right(found) if mirrored else found
    height, width = captured.image.shape[:2]
    return HolisticFrame(
        stream_id=numbering.stream_id,
        sequence=numbering.take(),
        epoch=numbering.epoch,
        captured_at_us=captured.captured_at_us,
        processed_at_us=processed_at_us,
        width=width,
        height=height,
        mirrored=mirrored,
        model=model,
        pose=landmarks.pose,
        pose_world=landmarks.pose_world,
        face=landmarks.face,
        left_hand=landmarks.left_hand,
        right_hand=landmarks.right_hand,
    )


@dataclass(frozen=True, slots=True)
class FrameRecord:
    """A frame as Kafka takes it; the timestamp is the capture time in ms."""

    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]
    timestamp_ms: int


def encode_record(
    frame: HolisticFrame,
    content_type: str,
    registry_id: int | None,
    traceparent: str | None = None,
    origin: tuple[str, int, int] | None = None,
) -> FrameRecord:
    """Key by stream, value by content type, in Confluent framing where a registry gave the schema an id.

    `traceparent` is the trace the record belongs to (W3C Trace Context), where there is one, `origin` the identity
    (topic, partition, offset) of the record the frame was made from.
    """
    headers = frame_headers(content_type, traceparent=traceparent)
    if origin is not None:
        headers.append((ORIGIN_HEADER, format_origin(*origin)))
    return FrameRecord(
        key=record_key(frame.stream_id),
        value=encode(frame, content_type, registry_id=registry_id),
        headers=headers,
        timestamp_ms=frame.captured_at_us // 1000,
    )
