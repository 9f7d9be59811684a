"""The real viewer, with performers who do as a test says, live and in replays: nothing is solved, nor read of Kafka."""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from fastapi import FastAPI

from connect_runtime.rest.security import Gate, RestSettings
from connect_runtime.rest.server import listening
from consumers.avatar.cast.models import models_router
from consumers.avatar.cast.rest import roles_router
from consumers.avatar.cast.role import Role
from consumers.avatar.mannequin.model import build_mannequin
from consumers.avatar.states import AvatarStates, join_states
from consumers.avatar.viewer.app import Viewer, ViewerOptions
from consumers.avatar.viewer.hub import Hub
from consumers.avatar.viewer.orders import Replay
from consumers.avatar.viewer.replay.sessions import Replays
from consumers.avatar.viewer.replay.tools import ReplayTools
from keypoints.codec import RawRecord
from keypoints.frame import FrameBatch

RECORDED_FROM_MS: Final = 1_790_000_000_000.0
RECORDED_TO_MS: Final = RECORDED_FROM_MS + 60_000.0
_TICK_S: Final = 1 / 30
_CAPTURE_TOOK_US: Final = 40_000

Act = Callable[[float], AvatarStates]
"""What somebody shows (one state) at a time in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Frame:
    captured_at_us: int


@dataclass(slots=True)
class Actor:
    """A performer as the viewer asks of one."""

    stream_id: str
    last: Frame | None = None
    heard_at_us: int = 0
    partition: int = 0
    interval_us: float = 1e6 * _TICK_S


class Theatre:
    """`play` says who is on stage from now on, and what they do."""

    def __init__(self, hub: Hub, roles: "Roles") -> None:
        self._channel = hub.open_channel()
        self._acts: Mapping[str, Act] = {}
        self._shown: tuple[str, ...] = ()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="theatre", daemon=True)
        self.address = ""
        self.roles = roles
        self.seeking_takes_s = 0.0
        self.moments_are_there = threading.Event()
        self.moments_are_there.set()

    def play(self, acts: Mapping[str, Act]) -> None:
        """Who comes on stage with this, and what they do; the others leave."""
        self._acts = dict(acts)

    @contextmanager
    def seeking_slowly(self, takes_s: float) -> Iterator[None]:
        """Replays need so long to go to a moment."""
        self.seeking_takes_s = takes_s
        try:
            yield
        finally:
            self.seeking_takes_s = 0.0

    @contextmanager
    def holding_moments_back(self) -> Iterator[Callable[[], None]]:
        """Replays reach no moment until what is given is called, or the block ends."""
        self.moments_are_there.clear()
        try:
            yield self.moments_are_there.set
        finally:
            self.moments_are_there.set()

    @contextmanager
    def open(self) -> Iterator[None]:
        """They act for the length of the block."""
        self._thread.start()
        try:
            yield
        finally:
            self._ended.set()
            self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(_TICK_S):
            acts, now_us = self._acts, time.time_ns() // 1000
            gone = [stream for stream in self._shown if stream not in acts]
            if gone:
                self._channel.dismiss(gone, now_us)
            self._shown = tuple(acts)
            if acts:
                actors = [Actor(stream, Frame(now_us - _CAPTURE_TOOK_US), now_us) for stream in acts]
                self._channel.publish(actors, join_states([act(now_us / 1e6) for act in acts.values()]), now_us)


class Roles:
    """Roles as the book keeps them, here in memory."""

    def __init__(self) -> None:
        self._roles: dict[str, Role] = {}
        self.version = 0

    def role_of(self, stream: str, /) -> "Part":
        role = self._roles.get(stream, Role(stream=stream))
        return Part(role.avatar, bool(role.mirror))

    def own_role(self, stream: str) -> Role:
        return self._roles[stream]

    def all(self) -> Mapping[str, Role]:
        return dict(self._roles)

    def give(self, role: Role) -> Role:
        self._roles[role.stream] = role
        self.version += 1
        return role

    def take_away(self, stream: str) -> None:
        self._roles.pop(stream, None)
        self.version += 1


@dataclass(frozen=True, slots=True)
class Part:
    avatar: str | None
    mirror: bool


@contextmanager
def open_theatre(
    recorded: Mapping[str, Act], token: str | None = None, models: Path | None = None
) -> Iterator[Theatre]:
    """A theatre at an address of its own; `recorded` is what replays show, by stream, `models` what roles may name."""
    roles = Roles()
    hub = Hub(roles)
    theatre = Theatre(hub, roles)
    tools = ReplayTools(
        lambda asked: nullcontext(_Minute(asked, theatre)),
        lambda: _ActedStage(recorded),
        None,
        roles,
        lambda: time.time_ns() // 1000,
    )
    replays = Replays(tools)
    viewer = Viewer(hub, replays, make_model, lambda: time.time_ns() // 1000, ViewerOptions())
    app = FastAPI()
    app.include_router(models_router(models))
    app.include_router(roles_router(roles, lambda target: None, lambda: 0))  # type: ignore[arg-type]
    viewer.add_to(app)
    settings = RestSettings.model_validate({"token": token})
    with listening("127.0.0.1", 0, settings) as listener, theatre.open():
        listener.serve(Gate(app, settings, viewer.is_open))
        theatre.address = f"http://127.0.0.1:{listener.port}/avatar/"
        try:
            yield theatre
        finally:
            replays.close()


class _ActedStage:
    """Shows what was recorded, without frames."""

    def __init__(self, recorded: Mapping[str, Act]) -> None:
        self._recorded = recorded
        self.performers: Collection[Actor] = [Actor(stream) for stream in recorded]

    def perform(self, batch: FrameBatch, now_us: int, /) -> None:
        raise AssertionError("there are no frames")

    def states(self, performers: Sequence[Actor], now_us: int, /) -> AvatarStates:
        return join_states([self._recorded[one.stream_id](now_us / 1e6) for one in performers])

    def dismiss_silent(self, now_us: int, /) -> None:
        """Nobody is ever silent."""


class _Minute:
    """A minute of a recording in which there is no frame to be read."""

    def __init__(self, asked: Replay, theatre: Theatre) -> None:
        self._theatre = theatre
        self.from_ms = max(RECORDED_FROM_MS, asked.from_ms or 0.0)
        self.to_ms = min(RECORDED_TO_MS, asked.to_ms or RECORDED_TO_MS)
        self.known_until_ms = RECORDED_TO_MS + 1e6
        self.next_ms: float | None = None
        self.is_over = False

    def widen(self) -> bool:
        return False

    def seek(self, at_ms: float) -> None:
        """Every moment is at hand, or soon."""
        time.sleep(self._theatre.seeking_takes_s)
        self._theatre.moments_are_there.wait()

    def fill(self, until_ms: float, wait_s: float = 0.0) -> None:
        """Nothing is to come."""

    def take_until(self, at_ms: float) -> list[RawRecord]:
        return []

    def drop_rest(self) -> None:
        """Nothing is left."""


@cache
def make_model() -> bytes:
    """The built-in avatar, once in a run."""
    return build_mannequin()
