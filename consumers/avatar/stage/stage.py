"""Everybody who performs here: their newest frames solved and smoothed together, whoever they are."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.smoothing.motions import OUTPUT_PERIOD_S, Motions
from consumers.avatar.solver.solve import Solver
from consumers.avatar.stage.memory import PoseMemory
from consumers.avatar.stage.performer import Performer
from consumers.avatar.stage.timeline import Newest, read_moments
from consumers.avatar.states import AvatarStates
from keypoints.frame import FrameBatch

logger = logging.getLogger(__name__)

FREE_AFTER_S: Final = 10.0
"""A performer not heard of for so long leaves the stage; faded to rest long before."""

_FIRST_SLOTS: Final = 8


@dataclass(frozen=True, slots=True)
class StageOptions:
    """Frames processed more than `stale_after_s` ago are not shown (None: any are); at most `most` perform at once;
    states are asked for every `period_s`."""

    stale_after_s: float | None = 2.0
    most: int = 256
    period_s: float = OUTPUT_PERIOD_S


@dataclass(frozen=True, slots=True)
class Scene:
    """What a batch of frames came to: who moved, by which row, and how many frames were passed over, by reason."""

    moved: list[tuple[Performer, Newest]] = field(default_factory=list)
    passed_over: dict[str, int] = field(default_factory=dict)

    def pass_over(self, reason: str, frames: int) -> None:
        """Count frames that are not shown."""
        if frames:
            self.passed_over[reason] = self.passed_over.get(reason, 0) + frames


class Stage:
    """The performers of one task. What is kept of their motion is kept in arrays, a slot each."""

    def __init__(self, options: StageOptions, memory: PoseMemory | None = None) -> None:
        """`memory`: what the process before this one showed last; it is closed with the stage."""
        self._options = options
        self._memory = memory
        self._solver = Solver(_FIRST_SLOTS)
        self._motions = Motions(_FIRST_SLOTS, output_period_s=options.period_s)
        self._free = list(range(_FIRST_SLOTS - 1, -1, -1))
        self._capacity = _FIRST_SLOTS
        self._by_stream: dict[str, Performer] = {}

    @property
    def performers(self) -> Collection[Performer]:
        """Who is on stage."""
        return self._by_stream.values()

    @property
    def solver(self) -> Solver:
        """What is known of each performer's body and face."""
        return self._solver

    @property
    def outliers(self) -> int:
        """How many single jumps of a body part were not shown so far."""
        return self._motions.outliers

    def perform(self, batch: FrameBatch, now_us: int) -> Scene:
        """Move everybody of whom there is a newer frame, by the newest one."""
        scene, moments = Scene(), read_moments(batch)
        stale = self._find_stale(batch, now_us)
        restarted: list[tuple[int, float, float]] = []
        for stream_id, rows in _group_by_stream(batch).items():
            performer = self._by_stream.get(stream_id) or self._enter(batch, rows, stale, now_us)
            if performer is None:
                too_old = int(stale[rows].sum())
                scene.pass_over("stale", too_old)
                scene.pass_over("unassigned", len(rows) - too_old)
                continue
            choice = performer.choose(moments, rows, now_us)
            scene.pass_over("superseded", choice.superseded)
            scene.pass_over("late", choice.late)
            scene.pass_over("duplicate", choice.duplicate)
            newest = choice.newest
            if newest is None:
                continue
            if stale[newest.row]:
                scene.pass_over("stale", 1)
                continue
            if newest.restarted:
                restarted.append((performer.slot, performer.own_time_s(now_us), newest.moment.captured_at_us / 1e6))
            performer.take(newest, now_us)
            scene.moved.append((performer, newest))
        self._move(batch, scene, restarted, now_us)
        return scene

    def states(self, performers: Sequence[Performer], now_us: int) -> AvatarStates:
        """What these performers' avatars show now, a row each."""
        slots = np.array([performer.slot for performer in performers], dtype=np.intp)
        at_s = np.array([performer.own_time_s(now_us) for performer in performers])
        states = self._motions.states_at(slots, at_s)
        if self._memory is not None:
            self._memory.note(performers, states, now_us)
        return states

    def find(self, stream_id: str) -> Performer | None:
        """The performer of a stream, if it is on stage."""
        return self._by_stream.get(stream_id)

    def dismiss_silent(self, now_us: int) -> list[Performer]:
        """Let those go who were not heard of for long. Returns them."""
        return self._dismiss([one for one in self._by_stream.values() if now_us - one.heard_at_us > FREE_AFTER_S * 1e6])

    def dismiss_but(self, partitions: Collection[int]) -> list[Performer]:
        """Let those go whose partition is another replica's now. Returns them."""
        return self._dismiss([one for one in self._by_stream.values() if one.partition not in partitions])

    def clear(self) -> list[Performer]:
        """Let everybody go: other frames are wanted now, earlier ones maybe. Returns them."""
        return self._dismiss(list(self._by_stream.values()))

    def close(self) -> None:
        """Let everybody go, and the memory of them be."""
        self.clear()
        if self._memory is not None:
            self._memory.close()

    def _enter(self, batch: FrameBatch, rows: Sequence[int], stale: NDArray[np.bool_], now_us: int) -> Performer | None:
        """A new performer, if a person is seen in a frame that is not stale: whoever stopped long ago keeps off."""
        if not any(batch.has_person[row] and not stale[row] for row in rows):
            return None
        if len(self._by_stream) >= self._options.most:
            return None
        performer = Performer(str(batch.stream_id[rows[0]]), int(batch.partition[rows[0]]), self._take_slot(), now_us)
        self._by_stream[performer.stream_id] = performer
        shown_before = None if self._memory is None else self._memory.recall(performer.stream_id, now_us)
        if shown_before is not None:
            self._motions.begin_from(np.array([performer.slot], dtype=np.intp), shown_before)
        logger.info(
            "A performer takes the stage.", extra={"stream": performer.stream_id, "partition": performer.partition}
        )
        return performer

    def _take_slot(self) -> int:
        if not self._free:
            grown = min(2 * self._capacity, max(self._options.most, self._capacity + 1))
            self._solver.grow(grown)
            self._motions.grow(grown)
            self._free, self._capacity = list(range(grown - 1, self._capacity - 1, -1)), grown
        return self._free.pop()

    def _dismiss(self, leaving: list[Performer]) -> list[Performer]:
        if leaving:
            slots = np.array([performer.slot for performer in leaving], dtype=np.intp)
            self._solver.reset(slots)
            self._motions.reset(slots)
            self._free.extend(slots.tolist())
            for performer in leaving:
                del self._by_stream[performer.stream_id]
        return leaving

    def _move(self, batch: FrameBatch, scene: Scene, restarted: list[tuple[int, float, float]], now_us: int) -> None:
        if restarted:
            slots, old_s, new_s = zip(*restarted, strict=True)
            self._motions.rebase(np.array(slots, dtype=np.intp), np.array(old_s), np.array(new_s))
        if scene.moved:
            slots_moved = np.array([performer.slot for performer, _ in scene.moved], dtype=np.intp)
            at_s = np.array([newest.moment.captured_at_us / 1e6 for _, newest in scene.moved])
            arrived_s = np.array([performer.own_time_s(now_us) for performer, _ in scene.moved])
            rows = [newest.row for _, newest in scene.moved]
            frames = batch if rows == list(range(len(batch))) else batch.take(rows)
            solved = self._solver.solve(frames, slots_moved)
            self._motions.observe(slots_moved, solved, at_s, arrived_s)

    def _find_stale(self, frames: FrameBatch, now_us: int) -> NDArray[np.bool_]:
        """bool (N,): which frames are too old to be shown, by when they were processed: a file's were captured long
        ago, and the clock of a camera may be anywhere."""
        if self._options.stale_after_s is None:
            return np.zeros(len(frames), dtype=np.bool_)
        stale: NDArray[np.bool_] = now_us - frames.processed_at_us > self._options.stale_after_s * 1e6
        return stale


def _group_by_stream(batch: FrameBatch) -> Mapping[str, list[int]]:
    rows: dict[str, list[int]] = {}
    for row, stream_id in enumerate(batch.stream_id.tolist()):
        rows.setdefault(stream_id, []).append(row)
    return rows
