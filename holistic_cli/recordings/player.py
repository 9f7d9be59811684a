"""Publishes a take: at its own rhythm or faster, as if it happened now, or as it was."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from holistic_cli.recordings.container import Recorded
from holistic_cli.recordings.take import Take
from keypoints.codec import decode, encode
from keypoints.errors import HolisticError, Terminal
from keypoints.topics import (
    ATTEMPT_HEADER,
    AVRO_CONTENT_TYPE,
    JSON_CONTENT_TYPE,
    ORIGIN_HEADER,
    record_key,
)
from performers.clock import Clock
from performers.load import Publishes

_FLUSH_TIMEOUT_S: Final = 120.0
_LONGEST_SLEEP_S: Final = 0.25
"""So that a stop is heard."""
_USUAL_INTERVAL_MS: Final = 33
_PROGRESS_EVERY: Final = 50
_NAMES_SHOWN: Final = 5


class CannotPlay(Terminal):
    """What was asked for does not go with this recording. Fields: what it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayRequest:
    """How to play. `speed` None: as fast as possible. `stream` is a new name for a recording's only stream.

    With `keep_times` the first round is published as it was, byte for byte unless it is renamed; otherwise it happens
    now, under an epoch of its own. Each further round has one too.
    """

    topic: str
    speed: float | None = 1.0
    rounds: int = 1
    stream: str | None = None
    keep_times: bool = False


@dataclass(slots=True)
class PlayReport:
    """What became of it: `handed_over` = `acknowledged` + `failed`; `planned` more if it was stopped.

    `unchanged` records are no frames we can read: they were published as they are, with a new time.
    """

    planned: int
    handed_over: int = 0
    acknowledged: int = 0
    failed: int = 0
    unchanged: int = 0
    seconds: float = 0.0
    stopped: bool = False
    streams: list[str] = field(default_factory=list)
    first_error: HolisticError | None = None

    @property
    def complete(self) -> bool:
        """Whether everything is on the topic."""
        return self.acknowledged == self.planned

    def settle(self, error: HolisticError | None) -> None:
        """A record was acknowledged, or failed."""
        if error is None:
            self.acknowledged += 1
            return
        self.failed += 1
        self.first_error = self.first_error or error


def check_request(request: PlayRequest, take: Take) -> None:
    """Raise CannotPlay where the request does not go with the take."""
    if request.rounds < 1 or (request.speed is not None and not 0 < request.speed < float("inf")):
        raise CannotPlay("speed must be above 0, and there is at least one round", speed=request.speed)
    if request.stream is not None and len(take.streams) != 1:
        names = list_names(name_streams(take))
        raise CannotPlay(
            f"the recording holds {len(take.streams)} streams ({names}): one name does not fit all",
            hint="leave --stream out, or record one stream",
            streams=len(take.streams),
        )


def name_streams(take: Take) -> list[str]:
    """The names of a take's streams; records without a key have none."""
    return sorted("(no key)" if key is None else key.decode(errors="replace") for key in take.streams)


def list_names(names: list[str]) -> str:
    """The first few, for people."""
    return ", ".join(names[:_NAMES_SHOWN]) + (", …" if len(names) > _NAMES_SHOWN else "")


def play_take(
    take: Take,
    request: PlayRequest,
    publisher: Publishes,
    report: PlayReport,
    clock: Clock,
    stop: threading.Event,
    *,
    registry_id: int | None = None,
    on_progress: Callable[[int], None] = lambda _done: None,
) -> None:
    """Publish a take and wait for the fate of all of it, which comes to `report.settle` from the publisher's thread.

    A record that the publisher refuses counts as failed; the play goes on. Raises DamagedRecording.
    """
    started_us = clock.now_us()
    shift = _Shift(take, request, started_us)
    for turn, due_us, record in _schedule(take, request):
        if request.speed is not None and not _wait_until(started_us + due_us, clock, stop):
            break
        if stop.is_set():
            break
        value, timestamp_ms, read = shift.apply(record, turn, registry_id)
        report.unchanged += not read
        report.handed_over += 1
        key = record.key if request.stream is None else record_key(request.stream)
        try:
            publisher.publish(request.topic, key, value, _keep_headers(record), timestamp_ms, None)
        except HolisticError as error:
            report.settle(error)
        if report.handed_over % _PROGRESS_EVERY == 0:
            on_progress(report.handed_over)
    report.stopped = report.handed_over < report.planned
    on_progress(report.handed_over)
    try:
        publisher.flush(_FLUSH_TIMEOUT_S)
    except HolisticError as error:
        report.first_error = report.first_error or error
    report.seconds = (clock.now_us() - started_us) / 1e6
    report.failed = report.handed_over - report.acknowledged


def _schedule(take: Take, request: PlayRequest) -> Iterator[tuple[int, int, Recorded]]:
    """Round, microseconds from the start at which it is due, and the record; never earlier than the one before."""
    due_ms = 0
    for turn in range(request.rounds):
        for record in take.read():
            due_ms = max(due_ms, turn * _round_ms(take) + record.timestamp_ms - take.first_ms)
            yield turn, round(due_ms * 1000 / (request.speed or 1.0)), record


def _round_ms(take: Take) -> int:
    """How long a round lasts: to the last record, and as long again as between two records of a stream."""
    lasts_ms = take.last_ms - take.first_ms
    steps = take.records // max(1, len(take.streams)) - 1
    return lasts_ms + (round(lasts_ms / steps) if steps > 0 and lasts_ms else _USUAL_INTERVAL_MS)


def _wait_until(due_us: int, clock: Clock, stop: threading.Event) -> bool:
    """False when it was told to stop before."""
    while not stop.is_set():
        left_s = (due_us - clock.now_us()) / 1e6
        if left_s <= 0:
            return True
        clock.sleep(min(left_s, _LONGEST_SLEEP_S))
    return False


class _Shift:
    """Moves records to another time, epoch and name."""

    def __init__(self, take: Take, request: PlayRequest, started_us: int) -> None:
        self._take = take
        self._request = request
        self._started_us = started_us
        self._epochs: dict[tuple[int, int], int] = {}
        # As fast as possible, the end is now: a time that is still to come would be late for nobody.
        whole_us = request.rounds * _round_ms(take) * 1000
        self._base_us = started_us - (whole_us if request.speed is None else 0)

    def apply(self, record: Recorded, turn: int, registry_id: int | None) -> tuple[bytes | None, int, bool]:
        """The value and timestamp in milliseconds to publish, and whether the value could be read."""
        request = self._request
        as_it_was = request.keep_times and turn == 0
        if as_it_was and request.stream is None:
            return record.value, record.timestamp_ms, True
        timestamp_ms = self._move_us(record.timestamp_ms * 1000, turn) // 1000
        try:
            frame = decode(
                record.value,
                key=record.key,
                partition=record.partition,
                offset=record.offset,
                timestamp_ms=record.timestamp_ms,
                schemas=self._take.schemas,
            )
        except HolisticError:
            return record.value, timestamp_ms, False
        captured_at_us = self._move_us(frame.captured_at_us, turn)
        if record.timestamp_ms == frame.captured_at_us // 1000:
            # Moved by themselves, its milliseconds may be rounded to others.
            timestamp_ms = captured_at_us // 1000
        moved = replace(
            frame,
            stream_id=request.stream or frame.stream_id,
            epoch=frame.epoch if as_it_was else self._new_epoch(turn, frame.epoch),
            captured_at_us=captured_at_us,
            processed_at_us=captured_at_us + frame.processed_at_us - frame.captured_at_us,
        )
        is_json = (record.value or b"").lstrip().startswith(b"{")
        content_type = JSON_CONTENT_TYPE if is_json else AVRO_CONTENT_TYPE
        return encode(moved, content_type, registry_id=registry_id), timestamp_ms, True

    def _move_us(self, at_us: int, turn: int) -> int:
        if self._request.keep_times:
            return at_us
        since_first_us = at_us - self._take.first_ms * 1000 + turn * _round_ms(self._take) * 1000
        return self._base_us + round(since_first_us / (self._request.speed or 1.0))

    def _new_epoch(self, turn: int, recorded: int) -> int:
        return self._epochs.setdefault((turn, recorded), self._started_us + len(self._epochs))


def _keep_headers(record: Recorded) -> list[tuple[str, bytes]]:
    """The record's headers but for those that say it is another one published again: a play is a new performance."""
    others = {ORIGIN_HEADER, ATTEMPT_HEADER}
    return [(name, value or b"") for name, value in record.headers if name not in others]
