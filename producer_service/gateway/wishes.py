"""What may be said about a picture beside its pixels, in a query or in a form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Query, Request

from keypoints.topics import STREAM_ID_MAX_CHARACTERS
from producer_service.capture.capture_time import InvalidCaptureTime, parse_capture_time
from producer_service.gateway.errors import RequestRefused

FORM_FIELDS: Final = ("stream", "captured_at", "mirrored", "landmarks")
FRAME_QUERY: Final = ("captured_at", "mirrored", "landmarks")
_AHEAD_US: Final = 50 * 60 * 1_000_000
_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False}

CAPTURE_TIME_PATTERN: Final = r"^([0-9]{9,14}|[0-9]{4}-[0-1][0-9]-[0-3][0-9]([T ][0-9:.]{5,15}(Z|[+-][0-9:]{5})?)?)$"

StreamQuery = Annotated[
    str | None,
    Query(
        max_length=STREAM_ID_MAX_CHARACTERS, description="Name of the stream; by default `upload` (HOLISTIC_STREAM)."
    ),
]
CapturedAtQuery = Annotated[
    str | None,
    Query(
        max_length=64,
        pattern=CAPTURE_TIME_PATTERN,
        description="When the picture was taken: ISO 8601, or ms since 1970; else now.",
    ),
]
MirroredQuery = Annotated[bool | None, Query(description="The picture shows the person as in a mirror.")]
LandmarksQuery = Annotated[bool, Query(description="Answer with the landmarks as well.")]


@dataclass(frozen=True, slots=True)
class PictureWish:
    """`mirrored` is None where nothing was said."""

    stream: str | None
    captured_at: str | None
    mirrored: bool | None
    landmarks: bool

    def with_form(self, values: Mapping[str, str]) -> "PictureWish":
        """What a form says wins over the query. Raises RequestRefused (400)."""
        return PictureWish(
            values.get("stream", self.stream),
            values.get("captured_at", self.captured_at),
            read_boolean("mirrored", values["mirrored"]) if "mirrored" in values else self.mirrored,
            read_boolean("landmarks", values["landmarks"]) if "landmarks" in values else self.landmarks,
        )

    def captured_at_us(self, now_us: int) -> int:
        """When the picture was taken (µs since 1970). Raises RequestRefused (400).

        Kafka refuses records that lie an hour ahead of its own clock, so they are refused before any work.
        """
        if self.captured_at is None:
            return now_us
        try:
            captured_at_us = parse_capture_time(self.captured_at)
        except (InvalidCaptureTime, OverflowError) as error:
            hint = "write it as 2026-03-01T09:30:00Z, or as ms since 1970"
            raise RequestRefused(400, "invalid_capture_time", "captured_at is no time", hint) from error
        return check_capture_time(captured_at_us, now_us)


async def ask_wish(
    request: Request,
    stream: StreamQuery = None,
    captured_at: CapturedAtQuery = None,
    mirrored: MirroredQuery = None,
    landmarks: LandmarksQuery = False,
) -> PictureWish:
    """The dependency that reads it from the query. Raises RequestRefused (400) for what it does not know."""
    check_query(request, FORM_FIELDS)
    return PictureWish(stream, captured_at, mirrored, landmarks)


def check_query(request: Request, known: Sequence[str]) -> None:
    """Refuse a query with something else in it, or with something twice. Raises RequestRefused (400)."""
    given = [name for name, _ in request.query_params.multi_items()]
    wrong = sorted({name[:100] for name in given if name not in known or given.count(name) > 1})
    if wrong:
        hint = f"known are {', '.join(known)}, each once"
        raise RequestRefused(400, "invalid_request", f"the query holds {', '.join(map(repr, wrong[:5]))}", hint)


def check_capture_time(captured_at_us: int, now_us: int) -> int:
    """The time, when a record can have it: from 1970 on, and not ahead of now. Raises RequestRefused (400)."""
    if not 0 <= captured_at_us <= now_us + _AHEAD_US:
        raise RequestRefused(
            400, "invalid_capture_time", "captured_at lies before 1970 or ahead of now", "set the clock right"
        )
    return captured_at_us


def read_boolean(name: str, text: str) -> bool:
    """true, false, 1 or 0. Raises RequestRefused (400)."""
    value = _BOOLEANS.get(text.strip().lower())
    if value is None:
        raise RequestRefused(400, "invalid_request", f"{name} is neither true nor false")
    return value
