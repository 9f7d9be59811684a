"""When so many records fail that the fault is not theirs: the task stops before it has thrown a topic away."""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from connect_runtime.client import Polled
from connect_runtime.rejections import Rejection, name_record
from keypoints.errors import Terminal

WINDOW_RECORDS: Final = 1000
"""Over how many of the last records `errors.halt.ratio` is judged; never over fewer."""


class TooManyRefused(Terminal):
    """Too many records failed. Fields: topic, partition, offset, stage (of the one that was too many), limit."""


@dataclass(frozen=True, slots=True)
class HaltLimits:
    """How many failed records are too many; 0 turns a limit off."""

    ratio: float = 0.5
    """Share of failed ones among the last `WINDOW_RECORDS`."""
    run_length: int = 500
    """Failed ones without a good one between them."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Rejections to report and pass over, those that are not passed over, and what the task then fails with."""

    tolerable: list[Rejection]
    refused: list[Rejection]
    error: Terminal | None


class HaltGuard:
    """Counts good and failed records of one stage of a task; safe to share between threads.

    It outlives the task: one that halted and starts again halts at its next failed record, unless a good one comes
    first.
    """

    def __init__(self, limits: HaltLimits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        # Good and failed records in turn, so that a window costs a few numbers however fast records come.
        self._window: deque[tuple[bool, int]] = deque()
        self._counted = 0
        self._failed = 0
        self._run = 0

    def pass_by(self, records: int) -> None:
        """These were good."""
        if records > 0:
            with self._lock:
                self._run = 0
                self._count(failed=False, records=records)

    def check(self, rejection: Rejection) -> None:
        """Take a failed record into account. Raises TooManyRefused instead when it is one too many."""
        with self._lock:
            limit = self._find_limit()
            if limit is None:
                self._run += 1
                self._count(failed=True, records=1)
                return
        record = rejection.record
        raise TooManyRefused(
            f"halted at {name_record(record)}, before too many records are thrown away ({limit}): "
            f"{rejection.error.message}",
            hint="is what writes the topic, or the store, at fault? errors.halt.ratio and errors.halt.run.length say "
            "how many failed records are passed over",
            topic=record.topic, partition=record.partition, offset=record.offset, stage=rejection.stage.value,
            limit=limit,
        )  # fmt: skip

    def judge(self, polled: Polled, rejections: Sequence[Rejection]) -> "Verdict":
        """Which of a poll's rejections may be passed over."""
        if not rejections:
            self.pass_by(sum(map(len, polled.values())))
            return Verdict([], [], None)
        failed = {(one.record.topic, one.record.partition, one.record.offset): one for one in rejections}
        tolerable: list[Rejection] = []
        for partition, records in polled.items():
            good = 0
            for record in records:
                rejection = failed.get((*partition, record.offset))
                if rejection is None:
                    good += 1
                    continue
                self.pass_by(good)
                good = 0
                try:
                    self.check(rejection)
                except TooManyRefused as error:
                    return Verdict(tolerable, _without(rejections, tolerable), error)
                tolerable.append(rejection)
            self.pass_by(good)
        return Verdict(tolerable, [], None)

    def _find_limit(self) -> str | None:
        limits = self._limits
        if limits.run_length and self._run >= limits.run_length:
            return f"errors.halt.run.length={limits.run_length}"
        full = self._counted >= WINDOW_RECORDS
        if limits.ratio and full and self._failed + 1 > limits.ratio * WINDOW_RECORDS:
            return f"errors.halt.ratio={limits.ratio:g}"
        return None

    def _count(self, *, failed: bool, records: int) -> None:
        before = self._window.pop()[1] if self._window and self._window[-1][0] is failed else 0
        self._window.append((failed, before + records))
        self._counted += records
        self._failed += records if failed else 0
        while (excess := self._counted - WINDOW_RECORDS) > 0:
            kind, count = self._window.popleft()
            gone = min(excess, count)
            if count > gone:
                self._window.appendleft((kind, count - gone))
            self._counted -= gone
            self._failed -= gone if kind else 0


def _without(rejections: Sequence[Rejection], tolerable: Sequence[Rejection]) -> list[Rejection]:
    known = {id(one) for one in tolerable}
    return [one for one in rejections if id(one) not in known]
