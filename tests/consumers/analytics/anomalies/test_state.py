"""What is remembered of a stream is plain data, small, and all there is."""

from functools import cache

import numpy as np
import orjson
from pydantic import TypeAdapter

from consumers.analytics.anomalies.half_space_trees import WINDOW
from consumers.analytics.anomalies.past import Past
from consumers.analytics.facts import FrameFacts
from consumers.analytics.finding import Category
from keypoints.frame import FrameBatch
from performers.acts import Act, ActKind
from performers.clock import SteadyClock
from performers.faults import FaultKind
from performers.load_plan import LoadPlan, prepare_load
from tests.consumers.analytics.made_hands import START_US
from tests.consumers.analytics.watched_people import kinds, list_facts, perform, watch


@cache
def eventful_facts() -> list[FrameFacts]:
    acts = [
        Act(ActKind.WALK, 2.0, 6.0),
        Act(ActKind.FALL, 7.0, 12.0),
        Act(ActKind.LEAVE, 13.0, 22.0),
        Act(ActKind.JUMPING_JACK, 84.0, 92.0),
    ]
    return list_facts(perform(acts, 94.0, seed=3, fps=15))


@cache
def faulty_facts() -> list[FrameFacts]:
    plan = LoadPlan(
        rate=30,
        streams=1,
        seconds=50.0,
        seed=5,
        acts=(ActKind.IDLE, ActKind.WAVE, ActKind.WALK),
        faults=dict.fromkeys(FaultKind, 0.025),
    )
    frames = prepare_load(plan, SteadyClock()).frames(start_us=START_US, epoch=1)
    return list_facts(FrameBatch.from_frames(list(frames)))


def test_going_on_from_what_was_written_after_every_frame_changes_nothing() -> None:
    whole = watch(eventful_facts())
    assert kinds(whole) == ["fall", "left_frame", "unusual_motion"]
    assert watch(eventful_facts(), saved_every=1) == whole


def test_faults_are_told_the_same_from_what_was_written_after_every_frame() -> None:
    whole = watch(faulty_facts())
    assert len(set(kinds(whole, Category.FAULT))) >= 7
    assert watch(faulty_facts(), saved_every=1) == whole


def test_what_a_stream_has_shown_goes_on_to_the_same_bit_whichever_streams_come_between() -> None:
    dice = np.random.default_rng(1)
    names = ("activity", "hand", "other_hand", "hips", "lean")
    seconds = [dict(zip(names, values, strict=True)) for values in (dice.random((3 * WINDOW, 5)) * 0.4).tolist()]
    alone = Past()
    expected = [alone.score_and_learn(values) for values in seconds]
    assert max(expected[:WINDOW]) == 0.0
    assert max(expected[WINDOW:]) > 0.0
    adapter, past, other = TypeAdapter(Past), Past(), Past()
    for values, score in zip(seconds, expected, strict=True):
        past = adapter.validate_json(orjson.dumps(past))
        assert past.score_and_learn(values) == score
        other.score_and_learn({name: 1.0 - value for name, value in values.items()})
    assert past == alone
    assert len(orjson.dumps(past)) < 2_000
