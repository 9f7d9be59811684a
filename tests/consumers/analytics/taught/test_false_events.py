"""What was taught while nobody does it: half an hour of standing and walking."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from consumers.analytics.facts import FrameFacts
from consumers.analytics.finding import Moment
from consumers.analytics.frame_facts import read_facts
from consumers.analytics.shapes.hand_shape import SHAPES
from consumers.analytics.shapes.holding import HandShapes
from consumers.analytics.taught.movements import MovementCatalogue, TaughtMovements
from consumers.analytics.taught.shapes import TaughtShapes
from performers.acts import Act, ActKind
from performers.performer import Performer
from tests.consumers.analytics.taught.own_gestures import taught_eight, taught_shaka, taught_wave

_BLOCK = 300


def idle_and_walking(minutes_each: float, fps: float, taught: TaughtShapes) -> Iterator[FrameFacts]:
    """Facts of two performers, one after the other, as of one stream."""
    frames = round(minutes_each * 60 * fps)
    for part, (kind, seed) in enumerate(((ActKind.IDLE, 31), (ActKind.WALK, 32))):
        performer = Performer("passing", [Act(kind, 0.0, minutes_each * 60)], seed=seed)
        for first in range(0, frames, _BLOCK):
            at_s = np.arange(first, min(first + _BLOCK, frames)) / fps
            start_us = round(part * minutes_each * 60 * 1e6)
            yield from read_facts(performer.batch(at_s, start_us=start_us), taught)


@pytest.mark.long
def test_nothing_taught_is_found_in_half_an_hour_of_standing_and_walking() -> None:
    taught, catalogue = TaughtShapes([taught_shaka()]), MovementCatalogue([taught_eight(), taught_wave()])
    shapes, movements, of_hands_alone = HandShapes(), TaughtMovements(), TaughtMovements()
    seconds, found = 0.0, list[str]()
    for facts in idle_and_walking(15.0, 12.0, taught):
        moment = Moment(facts.captured_at_us, facts.offset)
        changes = [
            *shapes.advance(moment, facts, (*SHAPES, *taught.names), taught.versions),
            *movements.advance(moment, facts, catalogue),
            *of_hands_alone.advance(moment, replace(facts, body=None), catalogue),
        ]
        found += [change.finding.kind for change in changes if change.finding.made_by is not None]
        seconds = facts.captured_at_us / 1e6
    assert seconds > 29.9 * 60
    assert found == []
