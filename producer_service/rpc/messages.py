"""Between protobuf's messages and our own types: the only place that handles messages."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np
from google.protobuf.message import DecodeError

from keypoints.frame import Float32Array, HolisticFrame
from keypoints.landmarks import PART_SHAPES
from producer_service.capture.captured import Captured, Clock, DropPolicy, RefusalReason, RgbImage
from producer_service.capture.still_image import ImageLimits, InvalidImage
from producer_service.live.line_counts import LineReport
from producer_service.live.outcome import Acknowledged, Dropped, Spent
from producer_service.live.picture import EncodedPicture, Picture
from producer_service.rpc.answers import NumberedOutcome
from producer_service.rpc.failures import InvalidRequest
from producer_service.rpc.schema import message_class

_POLICIES: Final = {0: DropPolicy.DROP_OLDEST, 1: DropPolicy.DROP_OLDEST, 2: DropPolicy.WAIT}
_POLICY_NUMBERS: Final = {DropPolicy.DROP_OLDEST: 1, DropPolicy.WAIT: 2}
_END_OF_9999_US: Final = 253_402_300_800_000_000
_CHANNELS: Final = 3

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StreamOpening:
    """What a client says of its stream before the first picture."""

    stream_id: str
    mirrored: bool
    policy: DropPolicy


@dataclass(frozen=True, slots=True)
class NumberedPicture:
    """A picture and what the client calls it; InvalidImage where it is none."""

    number: int
    picture: Picture | InvalidImage


@dataclass(frozen=True, slots=True)
class Interruption:
    """What follows does not continue what was."""


@dataclass(frozen=True, slots=True)
class StillRequest:
    """A picture that stands alone."""

    stream_id: str
    mirrored: bool
    picture: NumberedPicture


@dataclass(frozen=True, slots=True)
class OpenStream:
    """One of the streams that are open."""

    stream_id: str
    policy: DropPolicy
    report: LineReport


@dataclass(frozen=True, slots=True)
class Nothing:
    """A message that says nothing. gRPC takes None for one it could not read."""


TrackMessage = StreamOpening | NumberedPicture | Interruption


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads what clients send. What cannot be read is returned as InvalidRequest: nobody catches where gRPC calls."""

    limits: ImageLimits
    now_us: Clock

    def track_message(self, data: bytes) -> TrackMessage | InvalidRequest:
        """A PictureMessage."""
        return _parse("PictureMessage", data, self._track_message)

    def still_picture(self, data: bytes) -> StillRequest | InvalidRequest:
        """A StillPicture."""
        return _parse("StillPicture", data, self._still_picture)

    def close_request(self, data: bytes) -> str | InvalidRequest:
        """The name of the stream to close."""
        return _parse("CloseStreamRequest", data, lambda message: str(message.stream_id))

    def list_request(self, data: bytes) -> Nothing | InvalidRequest:
        """A ListStreamsRequest."""
        return _parse("ListStreamsRequest", data, lambda _: Nothing())

    def _track_message(self, message: Any) -> TrackMessage:
        kind = message.WhichOneof("content")
        if kind == "picture":
            return self._picture(message.picture)
        if kind == "interruption":
            return Interruption()
        if kind == "opening":
            opening = message.opening
            if opening.policy not in _POLICIES:
                raise InvalidRequest(f"there is no drop policy {opening.policy}")
            return StreamOpening(opening.stream_id, opening.mirrored, _POLICIES[opening.policy])
        raise InvalidRequest(
            "a message holds an opening, a picture or an interruption, and this one holds none of them"
        )

    def _still_picture(self, message: Any) -> StillRequest:
        return StillRequest(message.stream_id, message.mirrored, self._picture(message.picture))

    def _picture(self, picture: Any) -> NumberedPicture:
        taken_us = picture.captured_at_us or self.now_us()
        if not 0 <= taken_us < _END_OF_9999_US:
            raise InvalidRequest(f"captured_at_us is {taken_us}, which is no time in µs since 1970")
        kind = picture.WhichOneof("content")
        try:
            if kind == "encoded":
                return NumberedPicture(picture.number, EncodedPicture(picture.encoded, taken_us))
            if kind == "raw":
                raw = picture.raw
                image = view_pixels(raw.width, raw.height, raw.rgb24, self.limits)
                return NumberedPicture(picture.number, Captured(image, taken_us, 0))
            raise InvalidImage(RefusalReason.NOT_AN_IMAGE, "the message has no picture in it")
        except InvalidImage as error:
            return NumberedPicture(picture.number, error)


def view_pixels(width: int, height: int, rgb24: bytes, limits: ImageLimits) -> RgbImage:
    """Raw pixels as u8[height, width, 3], not copied and not to be written to. Raises InvalidImage."""
    if max(width, height) > limits.max_side_px or width * height > limits.max_pixels:
        raise InvalidImage(
            RefusalReason.IMAGE_TOO_LARGE,
            f"{width}×{height} px is more than {limits.max_side_px} px a side or {limits.max_pixels} px in all",
            width=width,
            height=height,
        )
    if not width or not height or len(rgb24) != width * height * _CHANNELS:
        raise InvalidImage(
            RefusalReason.DAMAGED_IMAGE,
            f"{width}×{height} px of three bytes are not {len(rgb24)} bytes",
            width=width,
            height=height,
            bytes=len(rgb24),
        )
    return np.frombuffer(rgb24, np.uint8).reshape(height, width, _CHANNELS)


def write_outcome(numbered: NumberedOutcome) -> bytes:
    """A FrameOutcome."""
    message = message_class("FrameOutcome")(number=numbered.number)
    outcome = numbered.outcome
    if isinstance(outcome, Acknowledged):
        _write_acknowledged(message.acknowledged, outcome)
    elif isinstance(outcome, Dropped):
        message.dropped.reason, message.dropped.message = outcome.reason, outcome.message
    else:
        message.rejected.reason, message.rejected.message = outcome.reason.value, outcome.message
    return bytes(message.SerializeToString())


def write_streams(streams: Iterable[OpenStream]) -> bytes:
    """A ListStreamsResponse."""
    message = message_class("ListStreamsResponse")()
    for stream in streams:
        report = stream.report
        message.streams.add(
            stream_id=stream.stream_id,
            policy=_POLICY_NUMBERS[stream.policy],
            **_set_fields(
                {
                    "epoch": report.epoch,
                    "acknowledged": report.acknowledged,
                    "with_person": report.with_person,
                    "dropped": report.dropped,
                    "rejected": report.rejected,
                    "frames_per_s": report.frames_per_s,
                    "latency_ms": report.latency_ms,
                    "last_partition": report.last_partition,
                    "last_offset": report.last_offset,
                    "last_acknowledged_us": report.last_acknowledged_us,
                    "last_problem": report.last_problem,
                }
            ),
        )
    return bytes(message.SerializeToString())


def write_closed(_closed: Nothing) -> bytes:
    """A CloseStreamResponse."""
    return bytes(message_class("CloseStreamResponse")().SerializeToString())


def _parse(name: str, data: bytes, read: Callable[[Any], T]) -> T | InvalidRequest:
    try:
        return read(message_class(name).FromString(data))
    except DecodeError:
        return InvalidRequest(f"the message is no {name}")
    except InvalidRequest as error:
        return error


def _set_fields(fields: Mapping[str, object]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _write_acknowledged(message: Any, outcome: Acknowledged) -> None:
    frame, delivered = outcome.frame, outcome.delivered
    message.topic, message.partition, message.offset = delivered.topic, delivered.partition, delivered.offset
    message.epoch, message.sequence = frame.epoch, frame.sequence
    message.captured_at_us = frame.captured_at_us
    message.width, message.height, message.mirrored = frame.width, frame.height, frame.mirrored
    _write_spent(message.spent, outcome.spent)
    message.landmarks.SetInParent()
    _write_landmarks(message.landmarks, frame)


def _write_spent(message: Any, spent: Spent) -> None:
    message.waiting_ms, message.decoding_ms = spent.waiting_ms, spent.decoding_ms
    message.inference_ms, message.publishing_ms = spent.inference_ms, spent.publishing_ms


def _write_landmarks(message: Any, frame: HolisticFrame) -> None:
    for part in PART_SHAPES:
        values = frame.part(part)
        if values is not None:
            getattr(message, part.value).MergeFromString(_encode_part(values))


def _encode_part(values: Float32Array) -> bytes:
    """A Part as it travels: packed floats are little-endian bytes, which numpy has at hand.

    Setting 1,434 floats of a face one by one takes 0.1 ms.
    """
    coordinates = np.ascontiguousarray(values, dtype="<f4").tobytes()
    return b"\x08" + _varint(values.shape[1]) + b"\x12" + _varint(len(coordinates)) + coordinates


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
