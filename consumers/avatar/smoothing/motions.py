"""Many performers' motion over time: smoothed while seen, held and faded when lost, led back on return, shown steadily.

A frame goes through the gate, then the filter, which gives the newest value; what is shown moves on to that value, or
to rest, a part of the way at each call. So whatever happens, it goes on from what was shown.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from consumers.avatar.face.arkit import SHAPE_COUNT
from consumers.avatar.humanoid.skeleton import BONE_COUNT, Bone
from consumers.avatar.smoothing import gate, one_euro, presence, steady
from consumers.avatar.smoothing.channels import (
    BONES,
    CHANNEL_COUNT,
    REST,
    ROOT,
    SHAPES,
    Channels,
    Columns,
    Flags,
    Slots,
    Times,
    align_bones,
    approach,
    dot,
    find_seen,
    mix,
    pack,
)
from consumers.avatar.smoothing.memory import LONG_AGO_S, forget
from consumers.avatar.states import AvatarStates, SolvedMotion

OUTPUT_PERIOD_S: Final = 1 / 60
_BLOCK: Final = 16


class Motions:
    """Performers by slot. Times are seconds on each performer's own frame clock.

    A slot occurs at most once a call, and what is made of it is the same whatever other slots are in the call.
    `output_period_s` is how long it is from one call of `states_at` to the next.
    """

    def __init__(self, capacity: int = 1, *, output_period_s: float = OUTPUT_PERIOD_S) -> None:
        self._memory = forget(capacity)
        self._output_period_s = output_period_s
        self._outliers = 0

    @property
    def outliers(self) -> int:
        """How many single jumps of a bone, a shape or a root were passed over so far."""
        return self._outliers

    def grow(self, capacity: int) -> None:
        """Make room for slots 0…capacity−1; never less than there was."""
        self._memory.grow(capacity)

    def reset(self, slots: Slots) -> None:
        """Forget the performers in these slots."""
        self._memory.reset(slots)

    def observe(self, slots: Slots, solved: SolvedMotion, at_s: Times, arrived_s: Times) -> None:
        """Take what the solver made of one frame for each of N slots.

        `at_s` float64[N] is when each was captured, later than the slot's frame before; `arrived_s` float64[N] is the
        moment of the call, on the same clocks: what `states_at` would be asked for now.
        """
        measured = pack(solved)
        for rows in _in_blocks(len(slots)):
            self._observe(slots[rows], measured[rows], at_s[rows], arrived_s[rows])

    def states_at(self, slots: Slots, at_s: Times) -> AvatarStates:
        """What to show of M slots now, float64[M]: at or after the last frame's time, and never earlier than the last
        call's."""
        count = len(slots)
        rotations, shapes = np.empty((count, BONE_COUNT, 4)), np.empty((count, SHAPE_COUNT))
        root_m, known = np.empty((count, 3)), np.empty((count, CHANNEL_COUNT), dtype=np.bool_)
        tracked = np.empty(count, dtype=np.bool_)
        for rows in _in_blocks(count):
            shown, seen_at_s, lost = self._move(slots[rows], at_s[rows])
            rotations[rows] = shown[:, :, BONES].transpose(0, 2, 1)
            shapes[rows] = shown[:, 0, SHAPES]
            root_m[rows] = shown[:, :3, ROOT]
            known[rows] = seen_at_s > -np.inf
            tracked[rows] = ~lost[:, Bone.HIPS]
        return AvatarStates(rotations, shapes, root_m, known[:, BONES], known[:, SHAPES], tracked)

    def begin_from(self, slots: Slots, states: AvatarStates) -> None:
        """Have performers in slots that were reset go on from what an earlier process showed, whatever clock it had.

        What is seen next is led there; what was known and is not seen fades to rest from the first frame on.
        """
        memory = self._memory
        known = np.ones((len(slots), CHANNEL_COUNT), dtype=np.bool_)
        known[:, BONES], known[:, SHAPES] = states.bones_known, states.shapes_known
        memory.shown[slots] = pack(SolvedMotion(states.rotations, states.shapes, states.root_m))
        memory.seen_at_s[slots] = np.where(known, LONG_AGO_S, -np.inf)

    def rebase(self, slots: Slots, old_s: Times, new_s: Times) -> None:
        """Go on with other clocks, whose `new_s` is the old ones' `old_s`, from what is shown there."""
        self.states_at(slots, old_s)
        memory = self._memory
        memory.seen_at_s[slots] = presence.begin_to_fade(memory.seen_at_s[slots], new_s)
        memory.returned_at_s[slots] = -np.inf
        memory.shown_at_s[slots] = memory.due_at_s[slots] = new_s
        memory.frame_at_s[slots] = -np.inf

    def _observe(self, slots: Slots, measured: Channels, at_s: Times, arrived_s: Times) -> None:
        memory = self._memory
        before, mean, value = memory.measured[slots], memory.mean[slots], memory.value[slots]
        seen_at_s, doubted = memory.seen_at_s[slots], memory.doubted[slots]
        measured_at_s, pace = memory.measured_at_s[slots], memory.pace[slots]
        step_before, frame_at_s = memory.step[slots], memory.frame_at_s[slots]
        if (seen_at_s[frame_at_s == -np.inf] == LONG_AGO_S).any():
            seen_at_s = np.where(seen_at_s == LONG_AGO_S, presence.begin_to_fade(seen_at_s, arrived_s), seen_at_s)
        seen = find_seen(measured)
        returned = presence.has_returned(seen, seen_at_s, arrived_s)

        np.copyto(measured, before, where=~seen[:, None])
        align_bones(measured, before)
        align_bones(value, measured)
        step_s = at_s[:, None] - measured_at_s
        step = measured - before
        moved = np.sqrt(dot(step, step))
        far = gate.is_far(moved, pace, step_s) & seen & ~returned
        self._outliers += int(np.count_nonzero(doubted & seen & ~far & ~returned))
        doubted_now = far & ~doubted
        taken = seen & ~doubted_now
        np.copyto(measured, before, where=~taken[:, None])
        np.copyto(step, step_before, where=~taken[:, None])
        step *= ~returned[:, None]

        noise2 = memory.noise2[slots]
        noise2 += one_euro.choose_noise_share(step_s) * taken * (one_euro.find_noise(step_before, step) - noise2)

        mean_share = one_euro.choose_mean_share(step_s) * taken
        mean_share[returned] = 1.0
        mix(mean, measured, mean_share)
        share = one_euro.choose_share(mean, value, measured, noise2, step_s) * taken
        share[returned] = 1.0
        approach(value, measured, share)

        memory.measured[slots], memory.mean[slots], memory.value[slots] = measured, mean, value
        memory.step[slots], memory.noise2[slots] = step, noise2
        memory.pace[slots] = np.where(taken, gate.find_pace(moved, step_s, returned), pace)
        memory.measured_at_s[slots] = np.where(taken, at_s[:, None], measured_at_s)
        memory.doubted[slots] = np.where(seen, doubted_now, doubted)
        memory.seen_at_s[slots] = np.where(seen, arrived_s[:, None], seen_at_s)
        memory.returned_at_s[slots] = np.where(returned, arrived_s[:, None], memory.returned_at_s[slots])
        interval_s = steady.estimate_interval(memory.interval_s[slots], at_s - frame_at_s)
        memory.interval_s[slots], memory.frame_at_s[slots] = interval_s, at_s
        memory.due_at_s[slots] = arrived_s + interval_s - self._output_period_s

    def _move(self, slots: Slots, at_s: Times) -> tuple[Channels, Columns, Flags]:
        """What is shown now, when its channels were last seen, and which are lost."""
        memory = self._memory
        seen_at_s = memory.seen_at_s[slots]
        shown, shown_at_s = memory.shown[slots], memory.shown_at_s[slots]
        at_s = np.maximum(at_s, shown_at_s)
        lost = presence.is_lost(seen_at_s, at_s)
        target = np.where(lost[:, None], REST, memory.value[slots])
        share = np.minimum(
            steady.share_of_way(shown_at_s, memory.due_at_s[slots], at_s)[:, None],
            presence.share_of_way(seen_at_s, memory.returned_at_s[slots], lost, shown_at_s, at_s),
        )
        steady.move(shown, target, share, at_s - shown_at_s)
        memory.shown[slots], memory.shown_at_s[slots] = shown, at_s
        return shown, seen_at_s, lost


def _in_blocks(count: int) -> Iterator[slice]:
    """Rows few enough that all that is made of them stays in the processor's cache."""
    for first in range(0, count, _BLOCK):
        yield slice(first, first + _BLOCK)
