"""A performer who drives the targets: the frames taken so far, and the motion made of them."""

from dataclasses import replace
from typing import Final

from consumers.avatar.face.expressions import from_arkit
from consumers.avatar.smoothing.motion import AvatarState, Motion
from consumers.avatar.solver.solve import solve
from consumers.avatar.stage.timeline import Choice, Moment, Newest, choose_newest
from keypoints.frame import FrameBatch

CLOCK_PATIENCE_S: Final = 2.0
"""How long frames may all come too late before their clock, not they, must be wrong: it was ahead, and was set back."""


class Performer:
    """`stream_id` in one partition. Wall times are microseconds since 1970, given by the caller."""

    def __init__(self, stream_id: str, partition: int, now_us: int) -> None:
        self.stream_id = stream_id
        self.partition = partition
        self.heard_at_us = now_us
        self._motion = Motion()
        self._last: Moment | None = None

    def choose(self, frames: FrameBatch, now_us: int) -> Choice:
        """Which of this performer's frames, if any, is newer than the one shown."""
        choice = choose_newest(frames, self._last)
        if choice.newest is None and choice.late and now_us - self.heard_at_us > CLOCK_PATIENCE_S * 1e6:
            choice = choose_newest(frames, None)
            if choice.newest is not None:
                choice = replace(choice, newest=replace(choice.newest, restarted=True))
        return choice

    def perform(self, frames: FrameBatch, newest: Newest, now_us: int) -> None:
        """Take the chosen frame: solve it, and move."""
        at_s = newest.moment.captured_at_us / 1e6
        if newest.restarted:
            self._motion.rebase(self._own_time_s(now_us), at_s)
        self._last, self.heard_at_us = newest.moment, now_us
        solved = solve(frames.take([newest.row]))
        self._motion.observe(solved.rotations[0], from_arkit(solved.shapes[0]), at_s)

    def state(self, now_us: int) -> AvatarState:
        """What to show now: the frames' clock goes on between them as the wall's does."""
        return self._motion.state_at(self._own_time_s(now_us))

    def _own_time_s(self, now_us: int) -> float:
        last = self._last
        return 0.0 if last is None else (last.captured_at_us + max(0, now_us - self.heard_at_us)) / 1e6
