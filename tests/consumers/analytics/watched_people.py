"""People and captures as the recognisers of faults and anomalies see them, in two rooms alone."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import orjson
from pydantic import TypeAdapter

from consumers.analytics.anomalies.recogniser import Anomalies
from consumers.analytics.facts import FrameFacts
from consumers.analytics.faults.recogniser import CaptureFaults
from consumers.analytics.faults.verdict import Verdict
from consumers.analytics.features.motion import Track, measure_motion, track_bodies
from consumers.analytics.finding import Category, Change, Finding, Moment, Phase
from consumers.analytics.frame_facts import read_facts
from consumers.analytics.timeline import Timeline
from keypoints.frame import FrameBatch
from performers.acts import Act
from performers.performer import Performer, Stage
from tests.consumers.analytics.made_hands import START_US

FPS = 30

_FAULTS: TypeAdapter[CaptureFaults] = TypeAdapter(CaptureFaults)
_ANOMALIES: TypeAdapter[Anomalies] = TypeAdapter(Anomalies)


def perform(
    acts: Sequence[Act], seconds: float, *, seed: int = 1, fps: float = FPS, stage: Stage | None = None
) -> FrameBatch:
    """One performer's records."""
    performer = Performer("performer", acts, seed=seed, stage=stage)
    return performer.batch(np.arange(round(seconds * fps)) / fps, start_us=START_US)


def list_facts(batch: FrameBatch) -> list[FrameFacts]:
    """The facts of one stream's records, with how the body moved since the newest frame before."""
    facts, timeline = read_facts(batch), Timeline()
    before, newest = np.full(len(batch), -1, dtype=np.intp), -1
    for row, frame in enumerate(facts):
        before[row] = newest
        if timeline.take((frame.stream_id, frame.epoch), frame.sequence, frame.captured_at_us).verdict.is_judged:
            newest = row
    motions = measure_motion(Track.allocate(0), track_bodies(batch), before)
    return [replace(frame, motion=motion) for frame, motion in zip(facts, motions, strict=True)]


def watch(facts: Sequence[FrameFacts], *, saved_every: int = 0) -> list[Change]:
    """All that is found in one stream; with `saved_every` the recognisers go on from what was written of them."""
    faults, anomalies, timeline = CaptureFaults(), Anomalies(), Timeline()
    changes: list[Change] = []
    for number, original in enumerate(facts):
        frame = replace(original)
        moment = Moment(frame.captured_at_us, frame.offset)
        verdict = timeline.take((frame.stream_id, frame.epoch), frame.sequence, frame.captured_at_us).verdict
        if verdict is Verdict.SET_BACK:
            changes += [*faults.end(), *anomalies.end()]
        changes += faults.advance(moment, frame, verdict)
        if verdict.is_judged:
            changes += anomalies.advance(moment, frame)
        if saved_every and number % saved_every == 0:
            faults = _FAULTS.validate_json(orjson.dumps(faults))
            anomalies = _ANOMALIES.validate_json(orjson.dumps(anomalies))
    return [*changes, *faults.end(), *anomalies.end()]


def find(batch: FrameBatch) -> list[Change]:
    """All that is found in the records of one stream."""
    return watch(list_facts(batch))


def kinds(changes: Sequence[Change], category: Category | None = None) -> list[str]:
    """What began or occurred, in order."""
    return [
        change.finding.kind
        for change in changes
        if change.phase is not Phase.END and category in (None, change.finding.category)
    ]


def only_finding(changes: Sequence[Change], kind: str, phase: Phase) -> Finding:
    """The one finding of a kind that is in such a phase."""
    [finding] = [change.finding for change in changes if change.finding.kind == kind and change.phase is phase]
    return finding


def seconds_in(at_us: int) -> float:
    """Seconds since the performance began."""
    return (at_us - START_US) / 1e6
