"""Performances rendered once and played round and round, so that a load costs little more than its publishing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from keypoints.frame import HolisticFrame
from performers.acts import Act, ActKind
from performers.performer import Performer, Stage
from performers.skeleton import Body

_ACT_S: Final = 4.0
_FRAMES_RENDERED: Final = 4_000
"""Frames kept in memory, about 7 kB each."""
_VARIANTS: Final = 8


@dataclass(frozen=True)
class Cast:
    """Streams that play loops: each loop one performer's frames, each stream starting at a place of its own.

    A stream's frame differs from the loop's only in its stream, sequence, epoch and times.
    """

    stream_ids: tuple[str, ...]
    loops: tuple[tuple[HolisticFrame, ...], ...]

    def frame(self, stream: int, sequence: int, *, epoch: int, captured_at_us: int, now_us: int) -> HolisticFrame:
        """The `sequence`-th frame of the `stream`-th stream."""
        loop = self.loops[stream % len(self.loops)]
        start = stream * len(loop) // len(self.stream_ids)
        return replace(
            loop[(start + sequence) % len(loop)],
            stream_id=self.stream_ids[stream],
            sequence=sequence,
            epoch=epoch,
            captured_at_us=captured_at_us,
            processed_at_us=now_us,
        )


def cycle_acts(kinds: Sequence[ActKind], act_s: float = _ACT_S) -> list[Act]:
    """A script that goes through acts one after another, each `act_s` seconds; it fits a loop of that length."""
    return [Act(kind, place * act_s, (place + 1) * act_s) for place, kind in enumerate(kinds)]


def rehearse(stream_ids: Sequence[str], kinds: Sequence[ActKind], fps: float, *, seed: int) -> Cast:
    """Render the loops of a load's streams at `fps` frames a second, each loop going once through the acts."""
    script = cycle_acts(kinds)
    frames = max(1, int(np.ceil(script[-1].end_s * fps)))
    variants = max(1, min(len(stream_ids), _VARIANTS, _FRAMES_RENDERED // frames))
    chance = np.random.Generator(np.random.Philox(key=seed))
    loops = []
    for variant in range(variants):
        body = Body(height_m=float(chance.uniform(1.55, 1.85)), breadth=float(chance.uniform(0.92, 1.1)))
        stage = Stage(body=body, loop_s=frames / fps)
        performer = Performer(stream_ids[variant], script, seed=seed * _VARIANTS + variant, stage=stage)
        loops.append(tuple(performer.frames(frames / fps, fps)))
    return Cast(tuple(stream_ids), tuple(loops))
