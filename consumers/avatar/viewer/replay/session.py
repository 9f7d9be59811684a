"""One watcher's replay: read, solved and paced on a thread of its own."""

import logging
import threading
from collections import deque
from typing import Final

from kafka import errors as kafka_errors

from consumers.avatar.viewer.hub import Hub
from consumers.avatar.viewer.orders import ChangeSpeed, Pause, Play, Replay, Seek, Steering
from consumers.avatar.viewer.replay.clock import ReplayClock
from consumers.avatar.viewer.replay.performance import Performance
from consumers.avatar.viewer.replay.position import Position, ReplayState
from consumers.avatar.viewer.replay.reading import explain_reading
from consumers.avatar.viewer.replay.tools import Reading, ReplayTools
from keypoints.errors import HolisticError, Terminal

log = logging.getLogger(__name__)

PRE_ROLL_MS: Final = 1_000.0
"""Frames of so long before a moment are performed at once, for motion there to be what it would have been."""
_PRE_ROLL_STEP_MS: Final = 1_000 / 30
_TICK_S: Final = 1 / 60
_HELD_TICK_S: Final = 0.25
_AHEAD_MS: Final = 3_000.0
_FILL_WAIT_S: Final = 0.1
_FILL_TICK_S: Final = 0.008
_RETRY_S: Final = 1.0
_RETRY_REFUSED_S: Final = 5.0
_MOST_ERRORS: Final = 4
# Nobody watches a stage on which nothing happens: after so long the replay goes on shortly before what comes next.
_LONGEST_SILENCE_MS: Final = 4_000.0
_BEFORE_NEXT_MS: Final = 500.0
_END_THREAD_S: Final = 10.0


class ReplaySession:
    """Any thread may steer it; its states are in `hub`."""

    def __init__(self, asked: Replay, tools: ReplayTools) -> None:
        self.hub = Hub(tools.parts)
        self._asked = asked
        self._tools = tools
        self._channel = self.hub.open_channel()
        self._changed = threading.Condition()
        self._clock = ReplayClock(asked.from_ms or 0.0, asked.speed, tools.clock_s())
        self._span: tuple[float, float] | None = None
        self._wanted_ms: float | None = asked.from_ms
        self._is_seeking = True
        self._is_paused = False
        self._is_over = False
        self._is_closing = False
        self._is_filling = False
        self._errors: deque[HolisticError] = deque(maxlen=_MOST_ERRORS)
        self._told: tuple[float, Position] | None = None
        self._thread = threading.Thread(target=self._run, name="replay", daemon=True)

    @property
    def is_closed(self) -> bool:
        """Whether it was told to end."""
        return self._is_closing

    @property
    def has_ended(self) -> bool:
        """Whether nothing of it runs any more, once it was begun."""
        return not self._thread.is_alive()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End, soon."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()

    def join(self) -> None:
        """Wait until it has ended."""
        self._thread.join(_END_THREAD_S)

    def steer(self, order: Steering) -> None:
        """Do as the watcher says."""
        now_s = self._tools.clock_s()
        with self._changed:
            if isinstance(order, ChangeSpeed):
                self._clock.change_speed(order.speed, now_s)
            elif isinstance(order, Seek):
                self._want(order.at_ms)
            elif isinstance(order, Pause):
                self._is_paused = True
            elif isinstance(order, Play):
                self._is_paused = False
                if self._is_over:
                    self._want(self._span[0] if self._span is not None else None)
            self._run_clock()
            self._changed.notify_all()

    def position(self) -> Position:
        """Where it is."""
        with self._changed:
            from_ms, to_ms = (None, None) if self._span is None else self._span
            at_ms = self._clock.at_ms(self._tools.clock_s())
            if self._is_seeking and self._wanted_ms is not None:
                at_ms = self._wanted_ms
            if to_ms is not None:
                at_ms = min(at_ms, to_ms)
            return Position(self._state(), at_ms, from_ms, to_ms, self._clock.speed)

    def is_position_due(self, now_s: float, every_s: float) -> bool:
        """Whether the watcher is to be told: it is so long ago, or something else than the time has changed.

        Whoever asks is taken to tell it.
        """
        position = self.position()
        if self._told is not None:
            told_s, told = self._told
            is_same = (position.state, position.from_ms, position.to_ms, position.speed) == (
                told.state, told.from_ms, told.to_ms, told.speed,
            )  # fmt: skip
            if is_same and now_s - told_s < every_s:
                return False
        self._told = (now_s, position)
        return True

    def take_errors(self) -> list[HolisticError]:
        """What went wrong since it was asked last."""
        with self._changed:
            errors = list(self._errors)
            self._errors.clear()
            return errors

    def _state(self) -> ReplayState:
        if self._is_seeking:
            return ReplayState.SEEKING
        if self._is_over:
            return ReplayState.ENDED
        return ReplayState.PAUSED if self._is_paused else ReplayState.PLAYING

    def _want(self, at_ms: float | None) -> None:
        self._wanted_ms = at_ms
        self._is_seeking, self._is_over = True, False

    def _run_clock(self) -> None:
        is_running = not (self._is_paused or self._is_seeking or self._is_over)
        if is_running != self._clock.is_running:
            self._clock.run(self._tools.clock_s(), is_running=is_running)

    def _run(self) -> None:
        said: str | None = None
        try:
            while not self._is_closing:
                try:
                    with self._tools.open_reading(self._asked) as reading:
                        said = None
                        self._take_span(reading)
                        self._play(reading)
                except (kafka_errors.KafkaError, OSError, HolisticError) as error:
                    explained = explain_reading(error)
                    if explained.message != said:
                        said = explained.message
                        self._say(explained)
                    self._go_on_from_here()
                    self._rest(_RETRY_REFUSED_S if isinstance(explained, Terminal) else _RETRY_S)
        finally:
            if not self._is_closing:
                self._say(Terminal("the replay has broken off", hint="the service's log says why"))
            self._channel.close()

    def _take_span(self, reading: Reading) -> None:
        with self._changed:
            self._span = reading.from_ms, reading.to_ms

    def _go_on_from_here(self) -> None:
        """Once Kafka is back."""
        with self._changed:
            if self._span is not None and not self._is_seeking:
                self._want(self._clock.at_ms(self._tools.clock_s()))
            self._run_clock()

    def _play(self, reading: Reading) -> None:
        performance: Performance | None = None
        while not self._is_closing:
            began_s = self._tools.clock_s()
            if self._is_seeking or performance is None:
                performance = self._begin(reading)
                continue
            at_ms = self._advance(reading, performance)
            performance.show(at_ms, self._tools.now_us())
            if reading.is_over and not performance.has_performed and reading.widen():
                self._look_again(reading)
            elif at_ms >= reading.to_ms < reading.known_until_ms:
                self._end(reading)
            self._await_tick(began_s)

    def _begin(self, reading: Reading) -> Performance | None:
        """Go to the moment that is wanted; None when another one is wanted meanwhile."""
        with self._changed:
            wanted_ms = self._wanted_ms
        target_ms = reading.from_ms if wanted_ms is None else min(max(wanted_ms, reading.from_ms), reading.to_ms)
        at_ms = target_ms - PRE_ROLL_MS
        performance = Performance(
            self._tools.make_stage(), self._channel, self._tools.schemas, self._asked.streams, at_ms
        )
        reading.seek(at_ms)
        while at_ms < target_ms:
            at_ms = min(at_ms + _PRE_ROLL_STEP_MS, target_ms)
            while reading.known_until_ms <= at_ms:
                if self._is_closing or self._wanted_ms != wanted_ms:
                    return None
                reading.fill(at_ms + _AHEAD_MS, _FILL_WAIT_S)
                performance.perform(reading.take_until(min(at_ms, reading.known_until_ms)), at_ms)
            performance.perform(reading.take_until(at_ms), at_ms)
            performance.move_to(at_ms)
        performance.show(target_ms, self._tools.now_us())
        with self._changed:
            if self._wanted_ms != wanted_ms:
                return None
            self._clock.set(target_ms, self._tools.clock_s())
            self._is_seeking = self._is_over = False
            self._run_clock()
        self.hub.ring()
        return performance

    def _advance(self, reading: Reading, performance: Performance) -> float:
        """Perform what is due. Returns the recorded time it is."""
        with self._changed:
            now_s = self._tools.clock_s()
            at_ms, speed = self._clock.at_ms(now_s), self._clock.speed
            if not self._clock.is_running:
                return min(at_ms, reading.to_ms)
        self._read_on(reading, at_ms, _AHEAD_MS * max(1.0, speed))
        held_ms = min(at_ms, reading.known_until_ms, reading.to_ms)
        next_ms = reading.next_ms
        if (
            next_ms is not None
            and next_ms <= reading.known_until_ms
            and at_ms - performance.performed_at_ms > _LONGEST_SILENCE_MS
            and next_ms - at_ms > 2 * _BEFORE_NEXT_MS
        ):
            held_ms = next_ms - _BEFORE_NEXT_MS
        if held_ms != at_ms:
            with self._changed:
                if not self._is_seeking:
                    self._clock.set(held_ms, now_s)
        performance.perform(reading.take_until(held_ms), held_ms)
        return held_ms

    def _read_on(self, reading: Reading, at_ms: float, ahead_ms: float) -> None:
        """So far ahead, once half of it is used up; to what comes next, if that is later; and where nothing is known to
        come, on and on."""
        next_ms = reading.next_ms
        far_ms = reading.to_ms + 1.0 if next_ms is None else next_ms
        known_ms = reading.known_until_ms
        if known_ms < max(at_ms + ahead_ms / 2, far_ms):
            self._is_filling = True
        elif known_ms >= at_ms + ahead_ms:
            self._is_filling = False
        if self._is_filling:
            reading.fill(max(at_ms + ahead_ms, far_ms), _FILL_TICK_S)

    def _look_again(self, reading: Reading) -> None:
        """Begin anew: the streams are in other partitions than they belong to."""
        self._take_span(reading)
        with self._changed:
            self._want(self._wanted_ms)
            self._run_clock()

    def _end(self, reading: Reading) -> None:
        with self._changed:
            if self._is_over or self._is_seeking:
                return
            self._clock.set(reading.to_ms, self._tools.clock_s())
            self._is_over = True
            self._run_clock()
        reading.drop_rest()
        self.hub.ring()

    def _say(self, error: HolisticError) -> None:
        log.warning("a replay is held up: %s", error.message, extra=error.fields)
        with self._changed:
            self._errors.append(error)
        self.hub.ring()

    def _await_tick(self, began_s: float) -> None:
        """Until the next states are due, or something is wanted."""
        with self._changed:
            was_running = self._clock.is_running
            elapsed_s = self._tools.clock_s() - began_s
            self._changed.wait_for(
                lambda: self._is_closing or self._is_seeking or self._clock.is_running != was_running,
                max(0.0, (_TICK_S if was_running else _HELD_TICK_S) - elapsed_s),
            )

    def _rest(self, longest_s: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._is_closing, longest_s)
