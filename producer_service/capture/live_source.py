"""A camera as a source without an end: connected to again whenever it is lost."""

import logging
import random
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Final

from keypoints.errors import HolisticError, Terminal
from producer_service.capture.captured import (
    Captured,
    Clock,
    DropPolicy,
    Interrupted,
    RefusalReason,
    Refused,
    SourceItem,
)
from producer_service.capture.feed import Camera
from producer_service.capture.frozen_picture import FrozenPicture
from producer_service.capture.grabbing import DamagedPicture, Grabbed, Grabbing
from producer_service.capture.source_status import SourceStatus, StatusBoard
from producer_service.capture.stream_errors import FeedLost

log = logging.getLogger(__name__)

_DAMAGED_IN_A_ROW_MAX: Final = 10


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a live source waits for what. `frozen_after_s` None: the same picture may come for ever.

    The first try after a loss comes after about `first_delay_s`, each further one after twice the time of the one
    before, up to `longest_delay_s`; from the beginning again once pictures came for `settled_after_s`.
    """

    connect_s: float = 10.0
    picture_s: float = 10.0
    frozen_after_s: float | None = 10.0
    first_delay_s: float = 0.5
    longest_delay_s: float = 30.0
    settled_after_s: float = 10.0

    def delay_s(self, failed_in_a_row: int, dice: Callable[[], float]) -> float:
        """How long to wait after so many failures (from 1): half of it fixed, half by chance, so that no two agree."""
        doubled = self.first_delay_s * 2.0 ** min(failed_in_a_row - 1, 32)
        return min(doubled, self.longest_delay_s) * (0.5 + 0.5 * dice())


@dataclass(frozen=True, slots=True)
class Around:
    """Time and chance. `now_us` is wall time, `clock_s` only ever goes on, `dice` gives [0, 1)."""

    now_us: Clock
    clock_s: Callable[[], float] = time.monotonic
    dice: Callable[[], float] = field(default=random.random)


class LiveSource:
    """The pictures of one camera, as they come. Reading ends when it is told to stop, and waits for nothing then.

    What can be known to be of no use before a first picture came (no such device, a wrong password) is refused, and
    reading ends. Everything else is tried again, for ever: a camera may be away for a night.
    """

    still = False
    expected_frames = None
    drop_policy = DropPolicy.DROP_OLDEST

    def __init__(
        self,
        name: str,
        stream_id: str,
        camera: Camera,
        around: Around,
        patience: Patience,
        stop: threading.Event | None = None,
    ) -> None:
        """`name` must not hold secrets. Setting `stop` ends the reading as `stop()` does."""
        self.name = name
        self.stream_id = stream_id
        self._camera = camera
        self._around = around
        self._patience = patience
        self._stopped = stop or threading.Event()
        self._board = StatusBoard()
        self._frozen = FrozenPicture()
        self._frames = 0
        self._failed_in_a_row = 0

    @property
    def status(self) -> SourceStatus:
        """How it is doing. Safe from any thread."""
        return self._board.current

    def stop(self) -> None:
        """Let `read` end within a moment, even when nothing comes. Safe from any thread."""
        self._stopped.set()

    def read(self) -> Generator[SourceItem, None, None]:
        """Yield pictures as they come, and `Interrupted` before the first of each new connection."""
        try:
            while not self._stopped.is_set():
                self._board.connecting()
                try:
                    yield from self._read_connection()
                except HolisticError as error:
                    if isinstance(error, Terminal) and self._frames == 0:
                        yield self._refuse(error)
                        return
                    self._stopped.wait(self._note_loss(error))
        finally:
            self._board.ended()

    def _read_connection(self) -> Generator[SourceItem, None, None]:
        """What one connection gives, until it is lost, which it raises, or until the source is stopped."""
        interrupted_before = self._frames > 0
        connected_at_s: float | None = None
        damaged_in_a_row = 0
        self._frozen = FrozenPicture()
        grabbing = Grabbing(self._camera, self._around.now_us, self.name)
        try:
            while not self._stopped.is_set():
                wait_s = self._patience.connect_s if connected_at_s is None else self._patience.picture_s
                grabbed = grabbing.take(wait_s, self._stopped)
                if grabbed is None:
                    return
                if isinstance(grabbed, DamagedPicture):
                    damaged_in_a_row += 1
                    if damaged_in_a_row == _DAMAGED_IN_A_ROW_MAX:
                        raise FeedLost(f"{self.name}: {grabbed.error.message}", source=self.name)
                    yield Refused(self.name, grabbed.error.reason, grabbed.error.message)
                    continue
                damaged_in_a_row = 0
                now_s = self._around.clock_s()
                if connected_at_s is None:
                    connected_at_s = now_s
                    if interrupted_before:
                        yield Interrupted("connected again")
                self._board.frame_at(grabbed.captured_at_us, after_reconnect=interrupted_before)
                interrupted_before = False
                self._check_frozen(grabbed, now_s)
                if now_s - connected_at_s >= self._patience.settled_after_s:
                    self._failed_in_a_row = 0
                yield Captured(grabbed.image, grabbed.captured_at_us, self._frames)
                self._frames += 1
        finally:
            grabbing.abandon()

    def _check_frozen(self, grabbed: Grabbed, now_s: float) -> None:
        still_s = self._frozen.still_for_s(grabbed.image, now_s)
        limit_s = self._patience.frozen_after_s
        if limit_s is not None and still_s >= limit_s:
            raise FrozenFeed(f"{self.name}: the same picture for {still_s:.0f} s", source=self.name)

    def _note_loss(self, error: HolisticError) -> float:
        """Say so, once while it lasts, and how long to wait."""
        self._board.lost(error.message, frozen=isinstance(error, FrozenFeed))
        self._failed_in_a_row += 1
        delay_s = self._patience.delay_s(self._failed_in_a_row, self._around.dice)
        level = logging.WARNING if self._failed_in_a_row == 1 else logging.DEBUG
        log.log(level, "%s; trying again", error.message, extra={"stream_id": self.stream_id, "source": self.name})
        return delay_s

    def _refuse(self, error: HolisticError) -> Refused:
        message = error.message.removeprefix(f"{self.name}: ")
        self._board.ended(error.message)
        reason = getattr(error, "reason", RefusalReason.REFUSED_ADDRESS)
        return Refused(self.name, reason, f"{message}; {error.hint}" if error.hint else message)


class FrozenFeed(FeedLost):
    """A camera that sends one picture over and over."""
