"""What a load is to publish, and all that can be worked out of it before the first frame leaves."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Final

from keypoints.frame import HolisticFrame
from keypoints.topics import TRACKING_TOPIC
from performers.acts import ActKind
from performers.clock import Clock
from performers.faults import FaultKind
from performers.loops import Acts, Cast, rehearse, share_streams
from performers.schedule import InjectedFault, Look, Schedule, inject_faults, take_turns
from performers.tempo import Burst, InvalidLoad, Tempo

DEFAULT_ACTS: Final = (ActKind.IDLE, ActKind.WAVE, ActKind.THUMBS_UP, ActKind.WALK, ActKind.SQUAT, ActKind.SPEAK)


@dataclass(frozen=True, kw_only=True)
class LoadPlan:
    """What to publish: `rate` frames a second in all, over `streams` streams named `<name>-<number>`, for `seconds`.

    With `ramp_from` the rate goes evenly from there to `rate`. `mix` shares the streams out: acts, and their weight;
    without it all do `acts`, one after the other. `faults` is the share of each stream's frames that a kind befalls.
    With `as_fast_as_possible` the same frames leave without waiting, and the last one's captured_at is now.
    Raises InvalidLoad.
    """

    rate: float
    streams: int
    seconds: float
    seed: int = 0
    acts: Acts = DEFAULT_ACTS
    mix: tuple[tuple[Acts, float], ...] = ()
    ramp_from: float | None = None
    burst: Burst | None = None
    faults: Mapping[FaultKind, float] = field(default_factory=dict)
    name: str = "load"
    topic: str = TRACKING_TOPIC
    as_fast_as_possible: bool = False

    def __post_init__(self) -> None:
        if not (self.rate > 0 and self.streams > 0 and self.seconds > 0 and self.acts):
            raise InvalidLoad(
                "rate, streams and seconds must be above 0, and there must be an act",
                rate=self.rate,
                streams=self.streams,
                seconds=self.seconds,
            )
        if any(not acts or weight <= 0 for acts, weight in self.mix):
            raise InvalidLoad("each part of a mix needs acts, and a weight above 0", mix=self.mix)
        if any(not 0 <= share <= 1 for share in self.faults.values()):
            raise InvalidLoad("the share of frames that a fault befalls is from 0 to 1", faults=dict(self.faults))
        if self.ramp_from is not None and self.ramp_from < 0:
            raise InvalidLoad("a ramp begins at 0 frames a second or above", ramp_from=self.ramp_from)

    @cached_property
    def tempo(self) -> Tempo:
        """The rate, moment by moment."""
        return Tempo(self.rate if self.ramp_from is None else self.ramp_from, self.rate, self.seconds, self.burst)

    @property
    def frames(self) -> int:
        """How many frames that is, faults apart."""
        return self.tempo.frames

    @property
    def stream_ids(self) -> tuple[str, ...]:
        """The streams' names."""
        return tuple(f"{self.name}-{stream:03d}" for stream in range(self.streams))

    @property
    def acts_of(self) -> list[Acts]:
        """What each stream does."""
        if not self.mix:
            return [self.acts] * self.streams
        counts = share_streams([weight for _, weight in self.mix], self.streams)
        return [acts for (acts, _), count in zip(self.mix, counts, strict=True) for _ in range(count)]


def plan_records(plan: LoadPlan) -> tuple[Schedule, list[InjectedFault]]:
    """The records of a plan in the order they leave, and the faults among them: a pure function. Raises InvalidLoad."""
    schedule = take_turns(plan.tempo.due_s(), plan.streams)
    return inject_faults(schedule, plan.faults, plan.stream_ids, seed=plan.seed)


@dataclass(frozen=True)
class Rehearsal:
    """A load ready to be played: when what leaves, which faults that holds, and the rendered performances."""

    plan: LoadPlan
    schedule: Schedule
    faults: list[InjectedFault]
    cast: Cast
    took_s: float

    @property
    def withheld(self) -> int:
        """Frames that are missing, or were not captured."""
        return sum(fault.frames for fault in self.faults if fault.kind in {FaultKind.MISSING, FaultKind.RATE_DROP})

    @property
    def repeated(self) -> int:
        """Frames that are published twice."""
        return sum(fault.frames for fault in self.faults if fault.kind is FaultKind.DUPLICATE)

    def frames(self, *, start_us: int, epoch: int) -> Iterator[HolisticFrame]:
        """What is published, without publishing it: in the order it leaves, the load beginning at `start_us`
        (microseconds since 1970), each frame processed as it leaves."""
        columns = (getattr(self.schedule, column.name).tolist() for column in fields(Schedule))
        for stream, sequence, shows_us, captured_us, leaves_us, look in zip(*columns, strict=True):
            times_us = (start_us + captured_us, start_us + leaves_us)
            yield self.cast.frame(stream, shows_us, Look(look), sequence=sequence, epoch=epoch, times_us=times_us)

    def count_faults(self) -> dict[str, dict[str, int]]:
        """Of each kind asked for: how many faults, and how many frames they befall."""
        found = {str(kind): {"faults": 0, "frames": 0} for kind in FaultKind if self.plan.faults.get(kind)}
        for fault in self.faults:
            found[fault.kind]["faults"] += 1
            found[fault.kind]["frames"] += fault.frames
        return found

    def count_streams(self) -> dict[str, int]:
        """How many streams do what."""
        acts_of = ["+".join(acts) for acts in self.plan.acts_of]
        return {acts: acts_of.count(acts) for acts in dict.fromkeys(acts_of)}


def prepare_load(plan: LoadPlan, clock: Clock) -> Rehearsal:
    """Work out the records, and render the performances: all that costs time before the first frame."""
    started_us = clock.now_us()
    schedule, faults = plan_records(plan)
    cast = rehearse(plan.stream_ids, plan.acts_of, plan.tempo.peak_rate / plan.streams, seed=plan.seed)
    return Rehearsal(plan, schedule, faults, cast, (clock.now_us() - started_us) / 1e6)
