"""All recognisers together: the same results however records come, and nothing found where nothing happens."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from consumers.analytics.finding import Category, Phase
from consumers.analytics.results import ResultEvent
from consumers.analytics.saved_state import read_session, write_session
from consumers.analytics.streams import PartitionStreams
from keypoints.frame import FrameBatch
from performers.acts import Act, ActKind
from performers.camera import Camera
from performers.clock import SteadyClock
from performers.load_plan import LoadPlan, prepare_load
from performers.loops import Acts
from performers.noise import Noise
from performers.performer import Performer, Stage
from performers.skeleton import Body
from tests.consumers.analytics.busy_stage import FPS, busy_stage
from tests.consumers.analytics.made_hands import START_US
from tests.consumers.analytics.made_streams import cut
from tests.consumers.analytics.working_out import take, work_out


def test_what_is_found_is_the_same_to_the_last_byte_however_polls_cut_the_records() -> None:
    batch = busy_stage()
    expected = [event.encode_json() for event in work_out(PartitionStreams(), batch)]
    assert len({event.result.finding.kind for event in work_out(PartitionStreams(), batch)}) > 15
    for rows in (1, 7, 500):
        assert [event.encode_json() for event in work_out(PartitionStreams(), *cut(batch, rows))] == expected


def test_going_on_from_saved_state_changes_nothing_wherever_it_was_saved() -> None:
    batch = busy_stage()
    whole = take(PartitionStreams(), batch)
    partition = PartitionStreams()
    events: list[bytes] = []
    closed = []
    for part in cut(batch, 11):
        outcome = take(partition, part)
        events += [event.encode_json() for _, event in outcome.events]
        closed += [row for _, _, row in outcome.windows]
        keys = {(stream_id, 1) for stream_id in batch.stream_id.tolist()}
        sessions = [
            read_session(write_session(session, partition.write_track(key)))
            for key in sorted(keys)
            if (session := partition.get(key)) is not None
        ]
        partition = PartitionStreams([session for session in sessions if session is not None], partition.clock_us)
    assert events == [event.encode_json() for _, event in whole.events]
    assert closed == [row for _, _, row in whole.windows]


_STAGES = (
    Stage(),
    Stage(body=Body(height_m=1.95, breadth=1.1)),
    Stage(camera=Camera.at_desk()),
    Stage(body=Body(height_m=1.5, breadth=0.9), camera=Camera(distance_m=4.5)),
    Stage(noise=Noise(1.6)),
)
"""Where people stand; at a desk nobody walks, for they would leave the picture."""


@pytest.mark.long
def test_thirty_minutes_of_standing_and_walking_about_are_nothing_but_walks_and_blinks() -> None:
    found: Counter[tuple[str, str]] = Counter()
    walked = 0
    for seed in range(10):
        stage = _STAGES[seed // 2]
        walks = [Act(ActKind.WALK, 30.0, 60.0), Act(ActKind.WALK, 90.0, 140.0)]
        acts = walks if seed % 2 and stage is not _STAGES[2] else []
        walked += len(acts)
        performer, partition = Performer("performer", acts, seed=seed, stage=stage), PartitionStreams()
        for minute in range(3):
            first = minute * 60 * FPS
            batch = performer.batch(np.arange(first, first + 60 * FPS) / FPS, start_us=START_US, first_sequence=first)
            found += count_begun(work_out(partition, batch))
    blinks, walks_told = found.pop(("movement", "blink")), found.pop(("movement", "walk"))
    assert found == Counter(), "three of them would be 0.1 a minute"
    assert walks_told == walked
    assert blinks > 200


@pytest.mark.long
@pytest.mark.parametrize("acts", [(ActKind.IDLE,), (ActKind.IDLE, ActKind.WALK)])
def test_of_a_load_that_stands_or_walks_round_and_round_hardly_anything_else_is_told(acts: Acts) -> None:
    streams, minutes = 16, 2
    plan = LoadPlan(rate=FPS * streams, streams=streams, seconds=60.0 * minutes, seed=11, acts=acts)
    frames = prepare_load(plan, SteadyClock()).frames(start_us=START_US, epoch=1)
    found = count_begun(work_out(PartitionStreams(), FrameBatch.from_frames(list(frames))))
    assert found.pop(("movement", "blink")) > 0
    assert (found.pop(("movement", "walk"), 0) > 0) is (ActKind.WALK in acts)
    assert found.total() <= 0.1 * streams * minutes, found


def count_begun(events: Sequence[ResultEvent]) -> Counter[tuple[str, str]]:
    """How often each kind began, or happened."""
    findings = [event.result.finding for event in events if event.phase is not Phase.END]
    return Counter((finding.category.value, finding.kind) for finding in findings)


def test_faults_of_the_capture_are_not_told_as_behaviour_of_the_person() -> None:
    told = [event.result.finding for event in work_out(PartitionStreams(), busy_stage())]
    assert any(finding.category is Category.FAULT for finding in told)
    without = [event.result.finding for event in work_out(PartitionStreams(), busy_stage(faults=0.0))]
    assert not any(finding.category is Category.FAULT for finding in without)
    behaviour = {finding.kind for finding in told if finding.category is Category.ANOMALY}
    assert behaviour <= {finding.kind for finding in without if finding.category is Category.ANOMALY}
