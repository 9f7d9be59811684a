"""What a recogniser remembers is plain data: written and read again after any frame, it goes on as if nothing was."""

from typing import Final

import numpy as np
import orjson
import pytest
from pydantic import TypeAdapter

from consumers.analytics.finding import Change, Moment
from consumers.analytics.frame_facts import read_facts
from consumers.analytics.movements.recogniser import Movements
from keypoints.frame import FrameBatch
from performers.acts import Act, ActKind
from performers.joints import Side
from performers.performer import Performer
from tests.consumers.analytics.movements.made_movements import keep_hands, lose_person, recognise

STATE: Final = TypeAdapter(Movements)
KINDS: Final = (
    ActKind.WAVE,
    ActKind.CLAP,
    ActKind.SWIPE_LEFT,
    ActKind.CIRCLE_CLOCKWISE,
    ActKind.NOD,
    ActKind.SHAKE,
    ActKind.SPEAK,
    ActKind.RAISE_HAND,
    ActKind.CROSS_ARMS,
    ActKind.T_POSE,
    ActKind.JUMP,
    ActKind.SIT,
    ActKind.WALK,
    ActKind.LEAVE,
)


def perform_all(seed: int) -> FrameBatch:
    """Act after act, 15 frames a second, now and then without anybody."""
    acts = [Act(kind, 5.0 * place, 5.0 * place + 4.5, Side(place % 2)) for place, kind in enumerate(KINDS)]
    performer = Performer("performer", acts, seed=seed)
    return lose_person(performer.batch(np.arange(len(KINDS) * 5 * 15) / 15.0), seed)


@pytest.mark.parametrize("hands_only", [False, True])
def test_state_read_again_after_every_frame_changes_nothing(hands_only: bool) -> None:
    batch = keep_hands(perform_all(3)) if hands_only else perform_all(3)
    expected = recognise(batch)
    assert len(expected) > (6 if hands_only else 40)
    movements = Movements()
    changes: list[Change] = []
    for facts in read_facts(batch):
        changes += movements.advance(Moment(facts.captured_at_us, facts.offset), facts)
        written = orjson.dumps(movements)
        restored = STATE.validate_json(written, strict=True)
        # A number that is not finite would have been written as null.
        assert restored == movements
        assert orjson.dumps(restored) == written
        movements = restored
    assert [*changes, *movements.end()] == expected


@pytest.mark.parametrize("rows", [1, 7, 500])
def test_polls_of_any_size_bring_the_same(rows: int) -> None:
    batch = perform_all(4)
    batch = batch.take(np.arange(len(batch) // 2))
    movements = Movements()
    changes: list[Change] = []
    for start in range(0, len(batch), rows):
        for facts in read_facts(batch.take(np.arange(start, min(start + rows, len(batch))))):
            changes += movements.advance(Moment(facts.captured_at_us, facts.offset), facts)
    assert [*changes, *movements.end()] == recognise(batch)


def test_the_end_of_a_stream_ends_what_goes_on_and_forgets_what_was_building_up() -> None:
    performer = Performer("performer", [Act(ActKind.WAVE, 0.5, 8.0), Act(ActKind.SPEAK, 0.5, 8.0)], seed=1)
    batch = performer.batch(np.arange(120) / 30.0)
    movements = Movements()
    for facts in read_facts(batch):
        movements.advance(Moment(facts.captured_at_us, facts.offset), facts)
    ended = movements.end()
    assert {(change.phase, change.finding.kind) for change in ended} == {("end", "wave"), ("end", "speaking")}
    assert not movements.end()
    # Its clock set back, the stream begins anew: the same frames say the same again.
    assert movements == Movements()
    assert recognise(batch, movements) == recognise(batch)


def test_what_is_held_ends_when_the_person_is_gone_and_not_before() -> None:
    performer = Performer("performer", [Act(ActKind.T_POSE, 0.5, 20.0)], seed=1)
    batch = performer.batch(np.arange(150) / 30.0)
    batch.pose_present[60:72] = False
    batch.pose_present[100:] = False
    changes = [change for change in recognise(batch) if change.finding.kind == "t_pose"]
    assert [change.phase for change in changes] == ["start", "end"]
    ended = changes[-1].finding
    assert ended.last_offset == 99
    assert ended.observed == pytest.approx(1.0 - 12.0 / (100 - ended.first_offset))
