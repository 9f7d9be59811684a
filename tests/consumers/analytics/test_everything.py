"""All recognisers together: the same results however records come, and nothing found where nothing happens."""

from collections import Counter

import numpy as np
import pytest

from consumers.analytics.finding import Category
from consumers.analytics.saved_state import read_session, write_session
from consumers.analytics.streams import PartitionStreams
from performers.acts import Act, ActKind
from performers.performer import Performer
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


@pytest.mark.long
def test_thirty_minutes_of_standing_and_walking_about_are_nothing_but_walks_and_blinks() -> None:
    found: Counter[tuple[str, str]] = Counter()
    for seed in range(10):
        walks = [Act(ActKind.WALK, 30.0, 60.0), Act(ActKind.WALK, 90.0, 140.0)] if seed % 2 else []
        performer, partition = Performer("performer", walks, seed=seed), PartitionStreams()
        for minute in range(3):
            first = minute * 60 * FPS
            batch = performer.batch(np.arange(first, first + 60 * FPS) / FPS, start_us=START_US, first_sequence=first)
            for event in work_out(partition, batch):
                finding = event.result.finding
                found[finding.category.value, finding.kind] += 1
    blinks, walks_told = found.pop(("movement", "blink")), found.pop(("movement", "walk"))
    assert found == Counter(), "three of them would be 0.1 a minute"
    assert walks_told == 2 * 10
    assert blinks > 100


def test_faults_of_the_capture_are_not_told_as_behaviour_of_the_person() -> None:
    told = [event.result.finding for event in work_out(PartitionStreams(), busy_stage())]
    assert any(finding.category is Category.FAULT for finding in told)
    without = [event.result.finding for event in work_out(PartitionStreams(), busy_stage(faults=0.0))]
    assert not any(finding.category is Category.FAULT for finding in without)
    behaviour = {finding.kind for finding in told if finding.category is Category.ANOMALY}
    assert behaviour <= {finding.kind for finding in without if finding.category is Category.ANOMALY}
