"""Many performers' motion over time: smoothed while seen, held and faded when lost, led back on return, shown steadily.

A frame goes through the gate, then the filter, which gives the newest value; what is shown moves on to that value, or
to rest, a part of the way at each call. So whatever happens, it goes on from what was shown.
"""

from typing import Final

import numpy as np

from consumers.avatar.humanoid.skeleton import Bone
from consumers.avatar.smoothing import gate, one_euro, presence, steady
from consumers.avatar.smoothing.channels import BONES, REST, ROOT, SHAPES, Slots, Times, align_bones, pack
from consumers.avatar.smoothing.memory import forget
from consumers.avatar.states import AvatarStates, SolvedMotion

OUTPUT_PERIOD_S: Final = 1 / 60


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
        memory = self._memory
        measured = pack(solved)
        measured_before, value = memory.measured[slots], memory.value[slots]
        seen_at_s, doubted = memory.seen_at_s[slots], memory.doubted[slots]
        seen = np.isfinite(measured.sum(axis=1))
        returned = presence.has_returned(seen, seen_at_s, arrived_s)
        np.copyto(measured, measured_before, where=~seen[:, None])
        align_bones(measured, measured_before)

        step_s = at_s[:, None] - memory.measured_at_s[slots]
        move = measured - measured_before
        far = gate.is_far(move, memory.pace[slots], step_s) & ~returned
        doubted_now = far & seen & ~doubted
        self._outliers += int(np.count_nonzero(doubted & seen & ~far))
        followed = seen & ~doubted_now & ~returned

        velocity, pace, share = one_euro.follow(memory.velocity[slots], move, step_s, followed)
        velocity *= ~returned[:, None]
        pace *= ~returned
        share[returned] = 1.0
        one_euro.approach(value, measured, share)

        taken = followed | returned
        memory.measured[slots] = np.where(taken[:, None], measured, measured_before)
        memory.pace[slots] = np.where(taken, pace, memory.pace[slots])
        memory.measured_at_s[slots] = np.where(taken, at_s[:, None], memory.measured_at_s[slots])
        memory.velocity[slots] = velocity
        memory.value[slots] = value
        memory.doubted[slots] = np.where(seen, doubted_now, doubted & ~returned)
        memory.seen_at_s[slots] = np.where(seen, arrived_s[:, None], seen_at_s)
        memory.returned_at_s[slots] = np.where(returned, arrived_s[:, None], memory.returned_at_s[slots])
        interval_s = steady.estimate_interval(memory.interval_s[slots], at_s - memory.frame_at_s[slots])
        memory.interval_s[slots] = interval_s
        memory.due_at_s[slots] = arrived_s + interval_s - self._output_period_s
        memory.frame_at_s[slots] = at_s

    def states_at(self, slots: Slots, at_s: Times) -> AvatarStates:
        """What to show of M slots now, float64[M]: at or after the last frame's time, and never earlier than the last
        call's."""
        memory = self._memory
        seen_at_s = memory.seen_at_s[slots]
        shown, shown_at_s = memory.shown[slots], memory.shown_at_s[slots]
        lost = presence.is_lost(seen_at_s, at_s)
        target = np.where(lost[:, None], REST, memory.value[slots])
        share = np.minimum(
            steady.share_of_way(shown_at_s, memory.due_at_s[slots], at_s)[:, None],
            presence.share_of_way(seen_at_s, memory.returned_at_s[slots], lost, shown_at_s, at_s),
        )
        steady.move(shown, target, share, at_s - shown_at_s)
        memory.shown[slots] = shown
        memory.shown_at_s[slots] = at_s
        known = np.isfinite(seen_at_s)
        return AvatarStates(
            rotations=np.ascontiguousarray(shown[:, :, BONES].transpose(0, 2, 1)),
            shapes=shown[:, 0, SHAPES],
            root_m=shown[:, :3, ROOT],
            bones_known=known[:, BONES],
            shapes_known=known[:, SHAPES],
            tracked=~lost[:, Bone.HIPS],
        )

    def rebase(self, slots: Slots, old_s: Times, new_s: Times) -> None:
        """Go on with other clocks, whose `new_s` is the old ones' `old_s`, from what is shown there."""
        self.states_at(slots, old_s)
        memory = self._memory
        memory.value[slots] = memory.shown[slots]
        presence.begin_fading(memory, slots, new_s)
        memory.shown_at_s[slots] = memory.due_at_s[slots] = new_s
        memory.frame_at_s[slots] = -np.inf
