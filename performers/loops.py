"""Performances rendered once and played round and round, so that a load costs little more than its publishing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from keypoints.avro import frame_header, write_frame_body, write_long
from keypoints.frame import HolisticFrame
from keypoints.topics import record_key
from performers.acts import Act, ActKind
from performers.blemishes import alter_look
from performers.performer import Performer, Stage
from performers.schedule import Look
from performers.skeleton import Body

_ACT_S: Final = 4.0
_FRAMES_RENDERED: Final = 4_000
"""Frames kept in memory, about 7 kB each, and as much again in Avro."""
_VARIANTS: Final = 8
_VARYING_BYTES: Final = 6
"""Of the Avro of a frame whose stream is called by one letter, and whose sequence, epoch and times are 0."""

Acts = tuple[ActKind, ...]


@dataclass(frozen=True)
class Cast:
    """Streams that play loops: each loop one performer's frames at `fps`, each stream starting at a place of its own.

    `loop_of` says which loop a stream plays. A stream's frame differs from the loop's only in its stream, sequence,
    epoch and times.
    """

    stream_ids: tuple[str, ...]
    loops: tuple[tuple[HolisticFrame, ...], ...]
    loop_of: tuple[int, ...]
    fps: float

    def place(self, stream: int, at_us: int) -> int:
        """Which frame of its loop a stream is at, `at_us` microseconds after its start."""
        loop = self.loops[self.loop_of[stream]]
        start = stream * len(loop) // len(self.stream_ids)
        # Streams that take turns meet their frames a fraction of a frame late: half the smallest keeps them clear.
        return (start + int(at_us * self.fps / 1e6 + 0.5 / len(self.stream_ids))) % len(loop)

    def frame(
        self,
        stream: int,
        at_us: int,
        look: Look = Look.AS_SEEN,
        *,
        sequence: int,
        epoch: int,
        times_us: tuple[int, int],
    ) -> HolisticFrame:
        """What a stream shows `at_us` microseconds after its start; `times_us` is when captured, and processed."""
        return replace(
            alter_look(self.loops[self.loop_of[stream]][self.place(stream, at_us)], look),
            stream_id=self.stream_ids[stream],
            sequence=sequence,
            epoch=epoch,
            captured_at_us=times_us[0],
            processed_at_us=times_us[1],
        )


class Reel:
    """A cast's frames in Avro, but for what varies, which comes first: so a record is its few first bytes, and a copy.

    `header` goes before each: the single-object header, or Confluent's for a `registry_id`.
    """

    def __init__(self, cast: Cast, registry_id: int | None = None) -> None:
        self._cast = cast
        header = frame_header(registry_id)
        names = [record_key(stream_id) for stream_id in cast.stream_ids]
        self._heads = [header + write_long(len(name)) + name for name in names]
        self._tails = [[_encode_tail(frame) for frame in loop] for loop in cast.loops]
        self._altered: dict[tuple[int, int, Look], bytes] = {}

    def record(
        self, stream: int, at_us: int, look: Look, *, sequence: int, epoch: int, times_us: tuple[int, int]
    ) -> bytes:
        """The bytes `encode_avro` gives for the cast's frame of the same arguments."""
        loop, place = self._cast.loop_of[stream], self._cast.place(stream, at_us)
        return b"".join(
            (
                self._heads[stream],
                write_long(sequence),
                write_long(epoch),
                write_long(times_us[0]),
                write_long(times_us[1]),
                self._tails[loop][place] if look is Look.AS_SEEN else self._altered_tail(loop, place, look),
            )
        )

    def _altered_tail(self, loop: int, place: int, look: Look) -> bytes:
        wanted = (loop, place, look)
        if wanted not in self._altered:
            self._altered[wanted] = _encode_tail(alter_look(self._cast.loops[loop][place], look))
        return self._altered[wanted]


def _encode_tail(frame: HolisticFrame) -> bytes:
    plain = replace(frame, stream_id="-", sequence=0, epoch=0, captured_at_us=0, processed_at_us=0)
    return write_frame_body(plain)[_VARYING_BYTES:]


def cycle_acts(kinds: Sequence[ActKind], act_s: float = _ACT_S) -> list[Act]:
    """A script that goes through acts one after another, each `act_s` seconds; it fits a loop of that length."""
    return [Act(kind, place * act_s, (place + 1) * act_s) for place, kind in enumerate(kinds)]


def share_streams(weights: Sequence[float], streams: int) -> list[int]:
    """How many of `streams` streams each of several weights gets: in proportion, the largest remainders first."""
    exact = np.asarray(weights, dtype=np.float64) / sum(weights) * streams
    counts = np.floor(exact).astype(int)
    largest_remainders = np.argsort(counts - exact, kind="stable")
    counts[largest_remainders[: streams - int(counts.sum())]] += 1
    return [int(count) for count in counts]


def rehearse(stream_ids: Sequence[str], acts_of: Sequence[Acts], fps: float, *, seed: int) -> Cast:
    """Render the loops of a load's streams at `fps` frames a second; a loop goes once through its stream's acts.

    `acts_of` has the acts of each stream. Streams of the same acts share a few loops.
    """
    programmes = list(dict.fromkeys(acts_of))
    chance = np.random.Generator(np.random.Philox(key=seed))
    loops: list[tuple[HolisticFrame, ...]] = []
    loop_of: dict[int, int] = {}
    for acts in programmes:
        mine = [stream for stream, theirs in enumerate(acts_of) if theirs == acts]
        script = cycle_acts(acts)
        frames = max(1, int(np.ceil(script[-1].end_s * fps)))
        variants = max(1, min(len(mine), _VARIANTS, _FRAMES_RENDERED // len(programmes) // frames))
        loop_of |= {stream: len(loops) + turn % variants for turn, stream in enumerate(mine)}
        for variant in range(variants):
            body = Body(height_m=float(chance.uniform(1.55, 1.85)), breadth=float(chance.uniform(0.92, 1.1)))
            stage = Stage(body=body, loop_s=frames / fps)
            performer = Performer(stream_ids[mine[variant]], script, seed=seed * _VARIANTS + len(loops), stage=stage)
            loops.append(tuple(performer.frames(frames / fps, fps)))
    return Cast(tuple(stream_ids), tuple(loops), tuple(loop_of[stream] for stream in range(len(stream_ids))), fps)
