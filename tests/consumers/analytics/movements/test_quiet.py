"""Nothing is told of people who stand about or only walk, but that they blink and walk."""

import numpy as np
import pytest

from consumers.analytics.finding import Finding, Moment, Phase
from consumers.analytics.frame_facts import read_facts
from consumers.analytics.movements.recogniser import Movements
from performers.acts import Act, ActKind
from performers.camera import Camera
from performers.performer import Performer, Stage

FPS = 30
STREAM_S = 150
BLOCK_S = 30


def watch(performer: Performer, seconds: int) -> list[Finding]:
    """What begins or happens, in a stream too long to be held at once."""
    movements = Movements()
    found: list[Finding] = []
    for start_s in range(0, seconds, BLOCK_S):
        batch = performer.batch(start_s + np.arange(BLOCK_S * FPS) / FPS, first_sequence=start_s * FPS)
        for facts in read_facts(batch):
            changes = movements.advance(Moment(facts.captured_at_us, facts.offset), facts)
            found += [change.finding for change in changes if change.phase is not Phase.END]
    return found


def count_blinks(found: list[Finding], performer: Performer, seconds: int) -> tuple[int, int, int]:
    """(true, told, false) blinks."""
    true_s = performer.blinks_s(seconds)
    told_s = np.array([finding.started_us / 1e6 for finding in found if finding.kind == "blink"])
    near = (told_s[None] > true_s[:, None] - 0.05) & (told_s[None] < true_s[:, None] + 0.2)
    # The stream may end in the middle of the last.
    whole = true_s < seconds - 0.5
    return int(whole.sum()), int(near[whole].any(axis=1).sum()), int((~near.any(axis=0)).sum())


@pytest.mark.parametrize(
    "seeds", [pytest.param(range(2), id="5 min"), pytest.param(range(2, 12), marks=pytest.mark.long)]
)
def test_in_half_an_hour_of_standing_nothing_is_told_but_blinks_and_those_nearly_all(seeds: range) -> None:
    true = told = false = 0
    for seed in seeds:
        stage = Stage(camera=Camera.at_desk()) if seed % 3 == 2 else Stage()
        performer = Performer("performer", seed=seed, stage=stage)
        found = watch(performer, STREAM_S)
        assert [finding for finding in found if finding.kind != "blink"] == []
        blinks = count_blinks(found, performer, STREAM_S)
        true, told, false = true + blinks[0], told + blinks[1], false + blinks[2]
    assert told >= 0.95 * true
    assert false <= 0.1 * len(seeds) * STREAM_S / 60


@pytest.mark.parametrize(
    "seeds", [pytest.param(range(1), id="2 min"), pytest.param(range(2, 8), marks=pytest.mark.long)]
)
def test_of_people_who_walk_to_and_fro_it_is_told_that_they_walk_and_blink(seeds: range) -> None:
    for seed in seeds:
        walks = [Act(ActKind.WALK, 2.0 + 15.0 * turn, 13.0 + 15.0 * turn) for turn in range(STREAM_S // 15)]
        found = watch(Performer("performer", walks, seed=seed), STREAM_S)
        assert {finding.kind for finding in found} == {"walk", "blink"}
        assert sum(finding.kind == "walk" for finding in found) == len(walks)
