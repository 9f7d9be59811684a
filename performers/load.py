"""An open-loop load: frames leave when their time has come, whether or not those before were acknowledged.

The schedule is absolute, so one late frame makes no other late; captured_at is the scheduled time, and latency is
counted from it, so that a stalled broker cannot hide the wait of the frames behind (coordinated omission).
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple, Protocol

import numpy as np

from keypoints.errors import HolisticError
from keypoints.topics import frame_headers, record_key
from performers.clock import Clock
from performers.load_plan import Rehearsal
from performers.load_report import Course, LoadLedger, LoadReport
from performers.loops import Reel
from performers.schedule import Look, Schedule

LATE_AFTER_S: Final = 0.020
_TICK_S: Final = 0.008
"""Frames due within it leave together: waking up for each costs more than the frame."""
_FAST_FRAMES: Final = 256
"""Handed over between two words of progress, when nothing else divides the time."""
_FLUSH_TIMEOUT_S: Final = 120.0
_LOOKS: Final = tuple(Look)


class Publishes(Protocol):
    """What a load needs of a publisher; the fate of each record goes to `LoadLedger.settle` with its tag."""

    def publish(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
        timestamp_ms: int | None = None,
        tag: object = None,
    ) -> None:
        """Hand a record over."""

    def flush(self, timeout_s: float = 60.0) -> None:
        """Wait for the fate of every record."""


def play_load(
    rehearsal: Rehearsal,
    publisher: Publishes,
    ledger: LoadLedger,
    clock: Clock,
    *,
    registry_id: int | None = None,
    on_progress: Callable[[int], None] = lambda _done: None,
) -> LoadReport:
    """Publish a load's records and wait for the fate of all. `on_progress` hears how many were handed over.

    A record that the publisher refuses, or that is not acknowledged in the end, counts as failed; the load goes on, and
    the first reason is the ledger's `first_error`.
    """
    plan, schedule = rehearsal.plan, rehearsal.schedule
    sender = _Sender(rehearsal, publisher, Reel(rehearsal.cast, registry_id))
    user_s, system_s = clock.cpu_s()
    started_us = clock.now_us()
    first_us = started_us - (round(plan.seconds * 1e6) if plan.as_fast_as_possible else 0)
    late = 0
    for rows in _wait_for_rows(schedule, started_us, clock, paced=not plan.as_fast_as_possible):
        for number, record in enumerate(_list_records(schedule, rows), rows.start):
            now_us = clock.now_us()
            leaves_us = started_us + record.leaves_us
            if not plan.as_fast_as_possible:
                late += now_us - leaves_us > LATE_AFTER_S * 1e6
            ledger.expect(number, now_us if plan.as_fast_as_possible else leaves_us)
            try:
                sender.send(number, record, started_us, (first_us + record.captured_us, now_us))
            except HolisticError as error:
                ledger.settle(number, error)
        on_progress(rows.stop)
    handed_over_us = clock.now_us()
    try:
        publisher.flush(_FLUSH_TIMEOUT_S)
    except HolisticError as error:
        ledger.first_error = ledger.first_error or error
    ended_us = clock.now_us()
    # The last frame's turn lasts until the next would be due; as fast as possible, until all are acknowledged.
    turn_us = max(0, round(plan.seconds * 1e6) - int(schedule.leaves_us[-1])) if len(schedule) else 0
    lasted_us = (ended_us if plan.as_fast_as_possible else handed_over_us + turn_us) - started_us
    spent = clock.cpu_s()
    course = Course(
        epoch=started_us,
        late=late,
        sent_bytes=sender.sent_bytes,
        lasted_s=lasted_us / 1e6,
        wall_s=(ended_us - started_us) / 1e6,
        cpu_s=(spent[0] - user_s, spent[1] - system_s),
    )
    return ledger.report(rehearsal, course)


class _Record(NamedTuple):
    """A row of a schedule."""

    stream: int
    sequence: int
    shows_us: int
    captured_us: int
    leaves_us: int
    look: Look


def _wait_for_rows(schedule: Schedule, started_us: int, clock: Clock, *, paced: bool) -> Iterator[range]:
    """The rows whose time has come, as soon as there are any; all of them in the end."""
    done = 0
    while done < len(schedule):
        ready = min(len(schedule), done + _FAST_FRAMES)
        if paced:
            passed_us = clock.now_us() - started_us
            ready = int(schedule.leaves_us.searchsorted(passed_us, side="right"))
        if ready <= done:
            clock.sleep(max(_TICK_S, (int(schedule.leaves_us[done]) - passed_us) / 1e6))
            continue
        yield range(done, ready)
        done = ready


def _list_records(schedule: Schedule, rows: range) -> Iterator[_Record]:
    some = schedule.take(np.arange(rows.start, rows.stop))
    return map(
        _Record,
        some.stream.tolist(),
        some.sequence.tolist(),
        some.shows_us.tolist(),
        some.captured_us.tolist(),
        some.leaves_us.tolist(),
        map(_LOOKS.__getitem__, some.look.tolist()),
    )


class _Sender:
    """Turns a row of the schedule into a record and hands it over."""

    def __init__(self, rehearsal: Rehearsal, publisher: Publishes, reel: Reel) -> None:
        self._topic = rehearsal.plan.topic
        self._publisher = publisher
        self._reel = reel
        self._keys = [record_key(stream_id) for stream_id in rehearsal.cast.stream_ids]
        self._headers = frame_headers()
        self.sent_bytes = 0

    def send(self, number: int, record: _Record, epoch: int, times_us: tuple[int, int]) -> None:
        """Publish the `number`-th record of all; `times_us` is when it was captured, and processed."""
        value = self._reel.record(
            record.stream, record.shows_us, record.look, sequence=record.sequence, epoch=epoch, times_us=times_us
        )
        key = self._keys[record.stream]
        self._publisher.publish(self._topic, key, value, self._headers, times_us[0] // 1000, number)
        self.sent_bytes += len(value)
