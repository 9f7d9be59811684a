"""Whoever takes over in the middle of a repetition counts the same."""

import orjson
import pytest
from pydantic import TypeAdapter

from consumers.analytics.exercises.recogniser import Exercises
from consumers.analytics.finding import Change
from performers import Act, ActKind
from tests.consumers.analytics.exercises.exercising import moment_of, perform

SCRIPTS = {
    "squats": [Act(ActKind.SQUAT, 1.0, 6.6), Act(ActKind.HALF_SQUAT, 7.0, 12.0)],
    "push-ups": [Act(ActKind.PUSH_UP, 1.0, 11.0, ease_s=1.2)],
    "jumping jacks": [Act(ActKind.JUMPING_JACK, 1.0, 9.0)],
    "curls": [Act(ActKind.CURL, 1.0, 11.0)],
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_state_written_and_read_after_every_frame_changes_nothing(script: list[Act]) -> None:
    adapter = TypeAdapter(Exercises)
    whole, cut = Exercises(), Exercises()
    expected: list[Change] = []
    found: list[Change] = []
    for facts in perform(*script, seconds=13.0):
        expected += whole.advance(moment_of(facts), facts)
        found += cut.advance(moment_of(facts), facts)
        cut = adapter.validate_json(orjson.dumps(cut))
        assert cut == whole
    expected += whole.end()
    found += cut.end()
    assert found == expected
    assert len(found) >= 3


def test_a_stream_that_ends_gives_out_what_was_done_and_forgets_what_was_not() -> None:
    frames = perform(Act(ActKind.SQUAT, 1.0, 6.6), seconds=8.0)
    exercises = Exercises()
    for facts in frames[:96]:
        assert exercises.advance(moment_of(facts), facts) == ()
    assert [change.finding.evidence["repetition"] for change in exercises.end()] == [1]
    assert exercises.end() == []
