"""What everybody on stage shows at one moment, in the forms it is sent in, each written once."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

import numpy as np
import orjson

from consumers.avatar.face.arkit import SHAPE_COUNT
from consumers.avatar.humanoid.skeleton import BONE_COUNT
from consumers.avatar.states import AvatarStates, join_states
from consumers.avatar.viewer.records import Records, Times, make_records, write_binary, write_entries, write_json


class TimedFrame(Protocol):
    """A frame of a performer's; `captured_at_us` is microseconds since 1970."""

    @property
    def captured_at_us(self) -> int: ...


class Watched(Protocol):
    """A performer whose state is shown: their newest frame, when it reached this service, and the usual time between
    two, in microseconds."""

    @property
    def stream_id(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def last(self) -> TimedFrame | None: ...
    @property
    def heard_at_us(self) -> int: ...
    @property
    def interval_us(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """One of the cast as watchers are told, and the number its states go by."""

    number: int
    stream_id: str
    partition: int
    avatar: str | None
    mirror: bool


Roster = tuple[Entry, ...]

Held = tuple[int, TimedFrame | None, int, float, AvatarStates, int, int]
"""What is kept of a performer: partition, newest frame, when that came, time between frames (µs), the states it is a
row of, which one, and when that was shown. A plain tuple: a hundred are made at once, 60 times a second."""


_EMPTY: Final = AvatarStates(
    rotations=np.zeros((0, BONE_COUNT, 4)),
    shapes=np.zeros((0, SHAPE_COUNT)),
    root_m=np.zeros((0, 3)),
    bones_known=np.zeros((0, BONE_COUNT), np.bool_),
    shapes_known=np.zeros((0, SHAPE_COUNT), np.bool_),
    tracked=np.zeros(0, np.bool_),
)


class Snapshot:
    """What everybody shows, in order of the roster."""

    def __init__(self, roster: Roster, held: Sequence[Held]) -> None:
        self.roster = roster
        self.held = held
        self.at_us = max((shown_at_us for *_, shown_at_us in held), default=0)

    def write_binary(self, rows: Sequence[int] | None) -> bytes:
        """The states of these rows of the roster, or of all, as a binary message."""
        return self._whole_binary if rows is None else write_binary(self._records[list(rows)], self.at_us)

    def write_json(self, rows: Sequence[int] | None) -> str:
        """The same as JSON."""
        if rows is None:
            return self._whole_json
        return write_json([self._entries[row] for row in rows], self.at_us).decode()

    @cached_property
    def states(self) -> AvatarStates:
        """Everybody's, a row each."""
        return gather_states([(states, row) for *_, states, row, _ in self.held])

    @cached_property
    def captured_at_us(self) -> Times:
        """When each one's newest frame was captured."""
        return np.array([0 if frame is None else frame.captured_at_us for _, frame, *_ in self.held], np.int64)

    @cached_property
    def received_at_us(self) -> Times:
        """When it reached this service."""
        return np.array([heard_at_us for _, _, heard_at_us, *_ in self.held], np.int64)

    @property
    def _numbers(self) -> list[int]:
        return [entry.number for entry in self.roster]

    @cached_property
    def _records(self) -> Records:
        return make_records(self._numbers, self.states, self.captured_at_us, self.received_at_us)

    @cached_property
    def _entries(self) -> list[bytes]:
        return write_entries(self._numbers, self.states, self.captured_at_us, self.received_at_us)

    @cached_property
    def _whole_binary(self) -> bytes:
        return write_binary(self._records, self.at_us)

    @cached_property
    def _whole_json(self) -> str:
        return write_json(self._entries, self.at_us).decode()


def gather_states(places: Sequence[tuple[AvatarStates, int]]) -> AvatarStates:
    """The rows at these places, in order: those that were shown together are taken together."""
    groups: dict[int, tuple[AvatarStates, list[int], list[int]]] = {}
    for place, (states, row) in enumerate(places):
        _, rows, order = groups.setdefault(id(states), (states, [], []))
        rows.append(row)
        order.append(place)
    if not groups:
        return _EMPTY
    parts = [_take(states, rows) for states, rows, _ in groups.values()]
    if len(parts) == 1:
        return parts[0]
    return join_states(parts).take(np.argsort(np.concatenate([order for _, _, order in groups.values()])))


def _take(states: AvatarStates, rows: list[int]) -> AvatarStates:
    return states if rows == list(range(len(states))) else states.take(rows)


def choose_rows(roster: Roster, streams: Collection[str] | None) -> list[int] | None:
    """Which rows of the roster a watcher of these streams is sent; None: all."""
    if streams is None:
        return None
    return [row for row, entry in enumerate(roster) if entry.stream_id in streams]


def write_cast(roster: Roster, rows: Sequence[int] | None) -> str:
    """Who is on stage, as watchers are told."""
    shown = roster if rows is None else [roster[row] for row in rows]
    return orjson.dumps(
        {
            "type": "cast",
            "performers": [
                {"number": one.number, "stream": one.stream_id, "avatar": one.avatar, "mirror": one.mirror}
                for one in shown
            ],
        }
    ).decode()
