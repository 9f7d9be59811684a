"""What is said of a stream's two hands together, and that what is remembered of them can be put away at any time."""

from collections.abc import Sequence

import numpy as np
import orjson
from pydantic import TypeAdapter

from consumers.analytics.facts import FrameFacts
from consumers.analytics.finding import Category, Change, Moment, Phase, Recogniser
from consumers.analytics.shapes.hand_shape import SHAPES, HandShape
from consumers.analytics.shapes.holding import HandShapes
from tests.consumers.analytics.made_streams import busy_minute
from tests.consumers.analytics.shapes.watching import begun, hand_showing, read_hands, watch

STATE = TypeAdapter(HandShapes)


def frame(number: int, left: Sequence[float] | None, right: Sequence[float] | None) -> FrameFacts:
    return FrameFacts(
        stream_id="stage-left",
        epoch=1,
        sequence=number,
        captured_at_us=number * 33_333,
        topic="frames",
        partition=0,
        offset=100 + number,
        left=None if left is None else hand_showing(left),
        right=None if right is None else hand_showing(right),
        body=None,
        face=None,
    )


def showing(shape: HandShape) -> list[float]:
    return [float(each is shape) for each in SHAPES]


def write_and_read(shapes: HandShapes) -> HandShapes:
    return STATE.validate_json(orjson.dumps(shapes))


def test_each_hand_holds_a_shape_of_its_own() -> None:
    frames = [frame(number, showing(HandShape.THREE), showing(HandShape.OK)) for number in range(10)]
    happened = watch(frames)
    assert begun(happened) == [("left", "three"), ("right", "ok")]
    finding = happened[0][1].finding
    assert finding.category is Category.SHAPE
    assert (finding.started_us, finding.first_offset) == (0, 100)
    assert (finding.confidence, finding.observed, finding.made_by) == (1.0, 1.0, None)
    assert finding.evidence == {"frames_shown": 5, "count": 3}
    assert happened[1][1].finding.evidence == {"frames_shown": 5}


def test_what_is_held_when_the_stream_ends_ends_with_the_last_frame_that_showed_it() -> None:
    shapes: HandShapes = HandShapes()
    recogniser: Recogniser = shapes
    watch([frame(number, None, showing(HandShape.OPEN)) for number in range(10)], shapes)
    watch([frame(number, None, showing(HandShape.ROCK)) for number in range(10, 12)], shapes)
    [change] = recogniser.end()
    assert (change.phase, change.finding.kind, change.finding.last_offset) == (Phase.END, "open", 109)
    assert shapes == HandShapes(), "nothing is left that a later frame could prolong"


def test_a_start_that_was_told_does_not_change_when_the_shape_goes_on() -> None:
    frames = [frame(number, None, showing(HandShape.OPEN)) for number in range(20)]
    [(_, change)] = watch(frames)
    assert change.finding.last_offset == 104


def test_findings_are_the_same_when_the_state_is_written_and_read_after_every_frame() -> None:
    frames = read_hands(busy_minute(streams=1))
    expected = [change for _, change in watch(frames)]
    assert len(expected) > 40
    found: list[Change] = []
    shapes = HandShapes()
    for facts in frames:
        found += shapes.advance(Moment(facts.captured_at_us, facts.offset), facts)
        shapes = write_and_read(shapes)
    assert found == expected


def test_the_taught_state_is_written_and_read_too() -> None:
    names = (*SHAPES, "salute")
    shapes = HandShapes()
    salute = np.append(np.zeros(len(SHAPES)), 1.0).tolist()
    for number in range(10):
        facts = frame(number, None, salute)
        shapes.advance(Moment(facts.captured_at_us, facts.offset), facts, names, {"salute": "taught-7"})
        shapes = write_and_read(shapes)
    [change] = shapes.end()
    assert (change.finding.kind, change.finding.made_by, change.finding.observed) == ("salute", "taught-7", 1.0)
