"""Movements taught by a few performances, recognised in others."""

from collections.abc import Sequence
from dataclasses import replace

import orjson
import pytest
from pydantic import TypeAdapter

from consumers.analytics.facts import FrameFacts
from consumers.analytics.finding import Category, Change, Moment
from consumers.analytics.frame_facts import read_facts
from consumers.analytics.taught.gesture import TaughtGesture, TaughtHand
from consumers.analytics.taught.movements import MovementCatalogue, TaughtMovements
from performers.acts import Act, ActKind
from performers.joints import Side
from performers.performer import Performer
from performers.skeleton import Body
from tests.consumers.analytics.taught.own_gestures import (
    at_speed,
    draw_eight,
    movements_made,
    taught_eight,
    taught_wave,
    wave,
)

STATE = TypeAdapter(TaughtMovements)
US = 1_000_000


@pytest.fixture(scope="module")
def eight() -> TaughtGesture:
    return taught_eight()


@pytest.fixture(scope="module")
def hello() -> TaughtGesture:
    return taught_wave()


@pytest.mark.parametrize("speed", [0.7, 0.85, 1.0, 1.25, 1.5])
@pytest.mark.parametrize(("side", "fps"), [(Side.RIGHT, 30.0), (Side.LEFT, 30.0), (Side.RIGHT, 12.0)])
def test_a_performance_is_recognised_once_by_whoever_does_it_however_fast(
    eight: TaughtGesture, speed: float, side: Side, fps: float
) -> None:
    made = [
        movements_made(read_facts(draw_eight(seed, speed=speed, side=side, body=body, fps=fps)), [eight])
        for seed, body in ((11, Body(1.6)), (12, Body(1.75, limbs=1.04)), (13, Body(1.9, breadth=1.05)))
    ]
    assert [[(finding.kind, finding.subject) for finding in findings] for findings in made] == [
        [("eight", side.name.lower())]
    ] * 3
    for (finding,) in made:
        assert finding.category is Category.MOVEMENT
        assert finding.made_by == eight.version
        assert finding.observed == 1.0
        assert finding.confidence > 0.6
        # The arm comes up from 1.0 to 1.4 s and is down again at 4.2 s.
        assert finding.started_us / US == pytest.approx(1.1 / speed, abs=0.35)
        assert finding.last_us / US == pytest.approx(4.1 / speed, abs=0.35)


def test_it_is_recognised_where_no_body_is_seen(eight: TaughtGesture) -> None:
    frames = [replace(facts, body=None) for facts in read_facts(draw_eight(14, body=Body(1.68)))]
    assert [finding.kind for finding in movements_made(frames, [eight])] == ["eight"]


def test_each_of_two_performances_is_an_event(eight: TaughtGesture) -> None:
    first, second = (read_facts(draw_eight(seed)) for seed in (15, 16))
    later = [replace(facts, captured_at_us=facts.captured_at_us + 6 * US) for facts in second]
    assert len(movements_made([*first, *later], [eight])) == 2


@pytest.mark.parametrize(
    "kind", [ActKind.WAVE, ActKind.CIRCLE_CLOCKWISE, ActKind.SWIPE_LEFT, ActKind.CLAP, ActKind.WALK, ActKind.SQUAT]
)
def test_other_movements_are_not_taken_for_it(eight: TaughtGesture, kind: ActKind) -> None:
    performer = Performer(kind, [Act(kind, 0.5, 8.5)], seed=17)
    assert not movements_made(read_facts(at_speed(performer, 9.0, 1.0, 20.0)), [eight])


@pytest.mark.parametrize("speed", [0.7, 1.0, 1.5])
def test_a_movement_with_repetitions_is_one_movement(hello: TaughtGesture, speed: float) -> None:
    assert [finding.kind for finding in movements_made(read_facts(wave(9, speed)), [hello])] == ["hello"]


def test_half_of_a_slow_performance_is_not_taken_for_a_hasty_whole_one(hello: TaughtGesture) -> None:
    (finding,) = movements_made(read_facts(wave(10, 0.6)), [hello])
    # The arm is down again at 4.0 s of the performance.
    assert finding.last_us / US == pytest.approx(4.0 / 0.6, abs=0.35)


def test_only_the_hand_it_was_taught_for_makes_it() -> None:
    right = taught_eight(TaughtHand.RIGHT)
    assert len(movements_made(read_facts(draw_eight(18)), [right])) == 1
    assert not movements_made(read_facts(draw_eight(18, side=Side.LEFT)), [right])


def test_a_hand_out_of_sight_for_a_moment_is_bridged_and_counted(eight: TaughtGesture) -> None:
    frames = read_facts(draw_eight(19))
    hidden = range(70, 75)
    seen = [replace(facts, body=None, right=None, left=None) if row in hidden else facts
            for row, facts in enumerate(frames)]  # fmt: skip
    (finding,) = movements_made(seen, [eight])
    assert 0.9 < finding.observed < 1.0
    assert not movements_made([facts for facts in frames if not 60 <= facts.offset < 85], [eight])


def test_the_state_is_written_and_read_in_the_middle_of_a_movement(eight: TaughtGesture) -> None:
    catalogue = MovementCatalogue([eight])
    frames = read_facts(draw_eight(20, speed=0.8, side=Side.LEFT))
    assert (expected := _run(TaughtMovements(), frames, catalogue))
    recogniser, changes = TaughtMovements(), list[Change]()
    for facts in frames:
        changes += recogniser.advance(Moment(facts.captured_at_us, facts.offset), facts, catalogue)
        written = orjson.dumps(recogniser)
        recogniser = STATE.validate_json(written)
        assert orjson.dumps(recogniser) == written
    assert [*changes, *recogniser.end(catalogue)] == expected


def test_a_catalogue_that_changed_is_watched_for_from_the_beginning(eight: TaughtGesture) -> None:
    frames = read_facts(draw_eight(21))
    before, after = MovementCatalogue([eight]), MovementCatalogue([eight, replace(eight, name="again")])
    recogniser = TaughtMovements()
    changes = _run(recogniser, frames[:60], before, ends=False) + _run(recogniser, frames[60:], after)
    assert changes == []
    assert {change.finding.kind for change in _run(recogniser, frames, after)} == {"eight", "again"}


def test_an_end_tells_what_was_made_and_forgets_what_was_building_up(eight: TaughtGesture) -> None:
    catalogue, recogniser = MovementCatalogue([eight]), TaughtMovements()
    frames = read_facts(draw_eight(22))
    _run(recogniser, frames[:70], catalogue)
    assert recogniser == STATE.validate_json(orjson.dumps(_begun(catalogue, recogniser)))
    assert not _run(recogniser, frames[70:], catalogue)


def test_nothing_taught_is_nothing_to_do() -> None:
    recogniser = TaughtMovements()
    assert _run(recogniser, read_facts(draw_eight(23)), MovementCatalogue()) == []
    assert recogniser == TaughtMovements()


def _begun(catalogue: MovementCatalogue, ended: TaughtMovements) -> TaughtMovements:
    begun = TaughtMovements()
    begun.end(catalogue)
    # How many frames there were is not forgotten, and where the hand was last matters no more.
    begun.left, begun.right = ended.left, ended.right
    return begun


def _run(
    recogniser: TaughtMovements, frames: Sequence[FrameFacts], catalogue: MovementCatalogue, *, ends: bool = True
) -> list[Change]:
    changes = [
        change
        for facts in frames
        for change in recogniser.advance(Moment(facts.captured_at_us, facts.offset), facts, catalogue)
    ]
    return [*changes, *recogniser.end(catalogue)] if ends else changes
