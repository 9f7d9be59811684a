"""Faults that were put into performers' captures, and what was found of them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from consumers.analytics.finding import Category, Finding, Phase
from consumers.analytics.repertoire import Repertoire
from consumers.analytics.streams import PartitionStreams
from keypoints.frame import FrameBatch
from performers.acts import ActKind
from performers.clock import SteadyClock
from performers.faults import FaultKind
from performers.load_plan import LoadPlan, prepare_load
from performers.schedule import InjectedFault
from tests.consumers.analytics.made_hands import START_US
from tests.consumers.analytics.working_out import take

FPS = 30
ACTS = (ActKind.IDLE, ActKind.WAVE, ActKind.WALK, ActKind.THUMBS_UP, ActKind.SQUAT, ActKind.OPEN)
NEAR_FRAMES = 3
"""A fault is found where it was put, give or take so many frames."""
_END_S = 3.0
"""What is injected so shortly before the end, or later, may be cut by it."""


@dataclass(frozen=True)
class Capture:
    """What was put into all streams, and what was found in each stream."""

    faults: list[InjectedFault]
    judged: list[InjectedFault]
    """Those of them that the end of their stream does not cut short."""
    found: dict[str, list[Finding]]
    sequence_of: dict[int, int]
    """By offset."""
    minutes: float
    """Of all streams."""
    acts_of: dict[str, tuple[ActKind, ...]]
    """By stream: what its person does."""

    def list_kinds(self, category: Category) -> Counter[str]:
        """How many of each kind were found."""
        return Counter(
            finding.kind for findings in self.found.values() for finding in findings if finding.category is category
        )

    def hits(self, fault: InjectedFault) -> list[Finding]:
        """The capture faults that were found where this one is."""
        return [finding for finding in self._faults(fault.stream_id) if self._touches(finding, fault)]

    def list_unfounded(self) -> list[Finding]:
        """Capture faults that were found where none is."""
        return [
            finding
            for stream_id in self.found
            for finding in self._faults(stream_id)
            if not any(fault.stream_id == stream_id and self._touches(finding, fault) for fault in self.faults)
        ]

    def _faults(self, stream_id: str) -> list[Finding]:
        return [finding for finding in self.found[stream_id] if finding.category is Category.FAULT]

    def _touches(self, finding: Finding, fault: InjectedFault) -> bool:
        first, last = self.sequence_of[finding.first_offset], self.sequence_of[finding.last_offset]
        return first <= fault.end + NEAR_FRAMES and last >= fault.first - NEAR_FRAMES


def capture(
    shares: Mapping[FaultKind, float],
    *,
    streams: int,
    seconds: float,
    seed: int = 1,
    acts: Sequence[ActKind] = ACTS,
    each_one_act: bool = False,
) -> Capture:
    """Performers captured with such shares of faults, seen by all recognisers.

    All go through `acts`, or `each_one_act` again and again: as many streams of the one as of the other.
    """
    plan = LoadPlan(
        rate=FPS * streams,
        streams=streams,
        seconds=seconds,
        seed=seed,
        acts=tuple(acts),
        mix=tuple(((act,), 1.0) for act in acts) if each_one_act else (),
        faults=dict(shares),
    )
    rehearsal = prepare_load(plan, SteadyClock())
    batch = FrameBatch.from_frames(list(rehearsal.frames(start_us=START_US, epoch=1)))
    partition = PartitionStreams()
    outcome = take(partition, batch)
    outcome.extend(partition.end_all(len(batch), Repertoire()))
    found: dict[str, list[Finding]] = {stream_id: [] for stream_id in plan.stream_ids}
    for _, event in outcome.events:
        if event.phase is not Phase.END:
            found[event.result.performance.stream_id].append(event.result.finding)
    return Capture(
        rehearsal.faults,
        [fault for fault in rehearsal.faults if fault.end < (seconds - _END_S) * _slowest(shares)],
        found,
        dict(zip(batch.offset.tolist(), batch.sequence.tolist(), strict=True)),
        streams * seconds / 60,
        dict(zip(plan.stream_ids, plan.acts_of, strict=True)),
    )


def _slowest(shares: Mapping[FaultKind, float]) -> float:
    """Sequence numbers a second, where some frames are not captured."""
    return FPS * (1.0 - 0.75 * shares.get(FaultKind.RATE_DROP, 0.0) - 0.05)
