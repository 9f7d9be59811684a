"""What the API tells about a picture and about a stream."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
from pydantic import BaseModel, Field
from starlette.responses import Response

from keypoints.frame import HolisticFrame
from keypoints.landmarks import PART_SHAPES, Part
from producer_service.live.line_counts import LineReport
from producer_service.live.outcome import Acknowledged, Spent

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HANDS: Final = {Part.LEFT_HAND: "left", Part.RIGHT_HAND: "right"}


class Found(BaseModel):
    """Which parts of a person are in the frame; left and right are the person's own."""

    parts: list[str] = Field(examples=[["pose", "pose_world", "face", "left_hand"]])
    hands: list[str] = Field(examples=[["left"]])


class TimeSpent(BaseModel):
    """Where the time went, in ms."""

    waiting_ms: float
    decoding_ms: float
    inference_ms: float
    publishing_ms: float
    total_ms: float


class PublishedPicture(BaseModel):
    """A picture whose frame Kafka has acknowledged, and where it is."""

    stream_id: str
    topic: str
    partition: int
    offset: int
    epoch: int
    sequence: int
    captured_at: str = Field(description="UTC, ISO 8601.", examples=["2026-03-01T09:30:00.000000Z"])
    width: int = Field(description="Pixels, upright.")
    height: int
    mirrored: bool
    found: Found
    spent: TimeSpent
    landmarks: dict[str, list[list[float | None]] | None] | None = Field(
        default=None, description="With landmarks=true: rows of x, y, z (and visibility) by part; null: not seen."
    )


class StreamState(BaseModel):
    """A stream that is open, or whose source has ended and was not taken away yet."""

    stream_id: str
    source: str | None = Field(description="`push`, `websocket`, or what is read; null: opened elsewhere.")
    state: str = Field(description="open; of a source also running, ended, stopped, failed, reconnecting, frozen …")
    problem: str | None = Field(description="What the source has to say for itself.")
    mirrored: bool | None
    drop_policy: str
    opened_at: str | None
    epoch: int | None
    acknowledged: int
    with_person: int
    dropped: dict[str, int]
    rejected: dict[str, int]
    frames_per_s: float = Field(description="Of the last five seconds.")
    latency_ms: float | None = Field(description="From being handed in to Kafka's acknowledgement, median of the same.")
    last_partition: int | None
    last_offset: int | None
    last_acknowledged_at: str | None
    last_problem: str | None


class StreamList(BaseModel):
    """The caller's streams."""

    streams: list[StreamState]


def format_time(us: int) -> str:
    """µs since 1970 as UTC in ISO 8601."""
    return (_EPOCH + timedelta(microseconds=us)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def show_found(frame: HolisticFrame) -> dict[str, list[str]]:
    """`Found`."""
    parts = [part for part in PART_SHAPES if frame.part(part) is not None]
    return {"parts": [part.value for part in parts], "hands": [_HANDS[part] for part in parts if part in _HANDS]}


def show_spent(spent: Spent) -> dict[str, float]:
    """`TimeSpent`."""
    return {name: round(ms, 3) for name, ms in asdict(spent).items()} | {"total_ms": round(spent.total_ms, 3)}


def answer_published(published: Acknowledged, *, landmarks: bool) -> Response:
    """`PublishedPicture`."""
    frame, delivered = published.frame, published.delivered
    body: dict[str, Any] = {
        "stream_id": frame.stream_id,
        "topic": delivered.topic,
        "partition": delivered.partition,
        "offset": delivered.offset,
        "epoch": frame.epoch,
        "sequence": frame.sequence,
        "captured_at": format_time(frame.captured_at_us),
        "width": frame.width,
        "height": frame.height,
        "mirrored": frame.mirrored,
        "found": show_found(frame),
        "spent": show_spent(published.spent),
    }
    if landmarks:
        body["landmarks"] = {part.value: frame.part(part) for part in PART_SHAPES}
    return Response(orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json")


def show_report(report: LineReport) -> dict[str, Any]:
    """The figures of `StreamState`."""
    figures = asdict(report)
    last_us = figures.pop("last_acknowledged_us")
    return figures | {"last_acknowledged_at": None if last_us is None else format_time(last_us)}
