"""Facts of frames as a test wants them, second by second."""

from collections.abc import Iterable, Sequence
from functools import cache

import orjson
from pydantic import TypeAdapter

from consumers.analytics.facts import BodyFacts, FaceFacts, FrameFacts, HandFacts, MotionFacts
from consumers.analytics.finding import Category, Change, Finding, Moment, Phase
from consumers.analytics.frame_facts import read_facts
from consumers.analytics.windows.recogniser import Windows
from consumers.analytics.windows.window_row import WindowKind, WindowRow
from keypoints.frame import FrameBatch
from tests.consumers.analytics.made_bodies import see_body, stand_up

MINUTE_US = 60_000_000
START_US = 1_700_000_040_000_000 - 1_700_000_040_000_000 % MINUTE_US
"""On the minute; `at_s` below counts from here."""
_ADAPTER = TypeAdapter(Windows)


@cache
def standing() -> BodyFacts:
    body = read_facts(FrameBatch.from_frames([see_body(stand_up())]))[0].body
    assert body is not None
    return body


def make_facts(
    at_s: float,
    *,
    body: BodyFacts | None = None,
    face: FaceFacts | None = None,
    left: HandFacts | None = None,
    right: HandFacts | None = None,
    activity: float | None = None,
    elapsed_s: float = 0.1,
) -> FrameFacts:
    """`activity` is that of the motion; None for none."""
    at_us = START_US + round(at_s * 1e6)
    motion = None
    if activity is not None:
        motion = MotionFacts(elapsed_s, activity, *[0.0] * (len(MotionFacts._fields) - 2))
    return FrameFacts(
        stream_id="stage",
        epoch=1,
        sequence=round(at_s * 1_000),
        captured_at_us=at_us,
        topic="frames",
        partition=0,
        offset=round(at_s * 1_000),
        left=left,
        right=right,
        body=body,
        face=face,
        motion=motion,
    )


def play(windows: Windows, frames: Iterable[FrameFacts]) -> list[WindowRow]:
    """The rows of windows that are over with these frames."""
    return [row for facts in frames for row in windows.advance(Moment(facts.captured_at_us, facts.offset), facts)]


def stand_for(first_s: float, last_s: float, fps: int = 10, body: BodyFacts | None = None) -> list[FrameFacts]:
    """Frames from `first_s` until before `last_s` of who stands there, or of `body`."""
    shown = body or standing()
    count = round((last_s - first_s) * fps)
    return [make_facts(first_s + number / fps, body=shown, activity=0.2, elapsed_s=1 / fps) for number in range(count)]


def pick(rows: Sequence[WindowRow], start_s: float, length_s: int, kind: WindowKind = WindowKind.TUMBLING) -> WindowRow:
    """The one row of a window."""
    (row,) = (
        row
        for row in rows
        if (row.start_us, row.length_us, row.kind) == (START_US + round(start_s * 1e6), length_s * 1_000_000, kind)
    )
    return row


def starts_s(rows: Sequence[WindowRow], length_s: int, kind: WindowKind = WindowKind.TUMBLING) -> list[float]:
    return [
        (row.start_us - START_US) / 1e6 for row in rows if row.length_us == length_s * 1_000_000 and row.kind is kind
    ]


def save_and_load(windows: Windows) -> Windows:
    return _ADAPTER.validate_json(orjson.dumps(windows))


def say(phase: Phase, kind: str, first_s: float, last_s: float, subject: str = "face") -> Change:
    """What a recogniser says."""
    return Change(
        phase,
        Finding(
            category=Category.MOVEMENT,
            kind=kind,
            subject=subject,
            started_us=START_US + round(first_s * 1e6),
            last_us=START_US + round(last_s * 1e6),
            first_offset=0,
            last_offset=0,
            confidence=1.0,
            observed=1.0,
        ),
    )
