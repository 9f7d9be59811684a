"""Outcomes on their way to one client: each once, and never more of them open than a client may leave unread."""

import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass

from keypoints.errors import HolisticError
from producer_service.live.outcome import PictureOutcome


@dataclass(frozen=True, slots=True, eq=False)
class NumberedOutcome:
    """What became of the picture the client calls `number`."""

    number: int
    outcome: PictureOutcome


class Answers:
    """Who reads pictures adds to it, who writes outcomes iterates over it.

    `most` pictures may be without an answer; more wait, and with them the client. `in_order` keeps outcomes in the
    order of the pictures, else they come as they are known.
    """

    def __init__(self, most: int, *, in_order: bool) -> None:
        self._most = most
        self._in_order = in_order
        self._changed = threading.Condition()
        self._open: deque[tuple[int, Future[PictureOutcome]]] = deque()
        self._known: deque[NumberedOutcome] = deque()
        self._unanswered = 0
        self._ended = False
        self._abandoned = False
        self._problem: HolisticError | None = None

    def wait_for_room(self) -> bool:
        """Until another picture may be read; False when no more are to be."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._abandoned or self._unanswered < self._most)
            return not (self._ended or self._abandoned)

    def is_over(self) -> bool:
        """Whether no more pictures are to be read."""
        with self._changed:
            return self._ended or self._abandoned

    def expect(self, number: int, outcome: "Future[PictureOutcome]") -> None:
        """A picture was handed in."""
        with self._changed:
            self._unanswered += 1
            if self._in_order:
                self._open.append((number, outcome))
        outcome.add_done_callback(lambda settled: self._note(number, settled))

    def end(self, problem: HolisticError | None = None) -> None:
        """No more pictures come; when all have their outcome, iterating ends, with the problem if there is one."""
        with self._changed:
            if not self._ended:
                self._ended, self._problem = True, problem
            self._changed.notify_all()

    def abandon(self) -> None:
        """Nobody listens any more: iterating ends now."""
        with self._changed:
            self._abandoned = True
            self._changed.notify_all()

    def __iter__(self) -> Iterator[NumberedOutcome]:
        while (answer := self._take()) is not None:
            yield answer
            with self._changed:
                self._unanswered -= 1
                self._changed.notify_all()
        if self._problem is not None and not self._abandoned:
            raise self._problem

    def _take(self) -> NumberedOutcome | None:
        with self._changed:
            self._changed.wait_for(
                lambda: self._abandoned or self._known or (self._ended and not self._unanswered),
            )
            return None if self._abandoned or not self._known else self._known.popleft()

    def _note(self, number: int, settled: "Future[PictureOutcome]") -> None:
        with self._changed:
            if not self._in_order:
                self._known.append(NumberedOutcome(number, settled.result()))
            while self._open and self._open[0][1].done():
                first, outcome = self._open.popleft()
                self._known.append(NumberedOutcome(first, outcome.result()))
            self._changed.notify_all()
