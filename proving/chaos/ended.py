"""Consumers killed, told to end, frozen, and coming and going."""

import signal
import time
from collections import deque
from typing import Final

from demo.services import ServiceFailed
from proving.chaos.arena import SERVICES, Arena, Visitor
from proving.chaos.fault import Fault

_DRAIN_S: Final = 40.0


class Killed(Fault):
    """kill -9, and again while it starts or joins; once all are well, once more while it works.

    A member killed while it joins is given partitions when its predecessor's session is over, and keeps them until its
    own is: two sessions. So the last kill, which recovery is counted from, is of one that has joined.
    """

    must = "nothing lost, effects once"

    def __init__(self, service: str) -> None:
        self.name = f"kill-{service}"
        self._service = service
        self._calmed = False

    def begin(self, arena: Arena) -> None:
        """Kill it at random moments, and start it again."""
        arena.kill(self._service)
        arena.start_again(self._service)
        apart_s = arena.rng.uniform(0.5, 6.0)
        time.sleep(apart_s)
        arena.kill(self._service)
        arena.start_again(self._service)
        began_s = time.monotonic()
        self._calmed = arena.wait_calm() is not None
        calm_s = time.monotonic() - began_s
        self.note = f"killed twice {apart_s:.1f} s apart, all well {calm_s:.0f} s later; killed again while it worked"
        time.sleep(arena.rng.uniform(0.0, 2.0))
        arena.kill(self._service)

    def end(self, arena: Arena) -> None:
        """A process is started that may live."""
        arena.start_again(self._service)

    def check(self, arena: Arena) -> list[str]:  # noqa: ARG002
        """It had come back from the first two kills."""
        return [] if self._calmed else ["after the second kill it did not come back before the third"]


class Told(Fault):
    """SIGTERM."""

    must = "drains, commits, exits 0, no duplicate"

    def __init__(self, service: str) -> None:
        self.name = f"sigterm-{service}"
        self._service = service
        self._exit_code = 0

    def begin(self, arena: Arena) -> None:
        """Tell it to end, and wait until it has."""
        asked_s = time.monotonic()
        arena.services.signal(self._service, signal.SIGTERM)
        self._exit_code = arena.services.wait_ended(self._service, _DRAIN_S)
        self.note = f"drained in {time.monotonic() - asked_s:.1f} s"

    def end(self, arena: Arena) -> None:
        """Start another."""
        arena.start_again(self._service)

    def check(self, arena: Arena) -> list[str]:  # noqa: ARG002
        """It ended well."""
        return [] if self._exit_code == 0 else [f"exit code {self._exit_code}"]


class Frozen(Fault):
    """SIGSTOP for longer than the session of 10 s, while another replica is there to take over; then SIGCONT."""

    must = "its commits are refused, it writes nothing stale"
    hold_s = 15.0

    def __init__(self, service: str) -> None:
        self.name = f"freeze-{service}"
        self._service = service
        self._visitor: Visitor | None = None
        self._told_before = 0

    def prepare(self, arena: Arena) -> None:
        """Another replica comes."""
        self._visitor = arena.invite(self._service)
        arena.wait_calm()
        self._told_before = self._count_losses(arena)

    def begin(self, arena: Arena) -> None:
        """Freeze the first."""
        arena.services.signal(self._service, signal.SIGSTOP)

    def end(self, arena: Arena) -> None:
        """Let it go on."""
        arena.services.signal(self._service, signal.SIGCONT)

    def check(self, arena: Arena) -> list[str]:
        """Both live, and the visitor leaves in order."""
        if self._visitor is None:
            return ["no replica took over"]
        problems = [] if arena.services.is_running(self._service) else [f"{self._service} ended"]
        if self._count_losses(arena) == self._told_before:
            problems.append("it was never told that its partitions had gone to another")
        exit_code = self._visitor.leave()
        return problems if exit_code == 0 else [*problems, f"the other replica ended with exit code {exit_code}"]

    def _count_losses(self, arena: Arena) -> int:
        """How often the service was told that another goes on in its place: by the group, or first by its own store."""
        log = (arena.suite.logs_dir / f"{self._service}.log").read_text(errors="replace")
        return sum(log.count(words) for words in ("partitions lost to the group", "was saved by another member"))

    def tidy(self, arena: Arena) -> None:
        """Nobody stays frozen, and the visitor leaves."""
        if arena.services.is_running(self._service):
            arena.services.signal(self._service, signal.SIGCONT)
        if self._visitor is not None:
            self._visitor.close()


class ComeAndGo(Fault):
    """Replicas of every consumer join and leave every few seconds, by SIGTERM and by SIGKILL."""

    name = "come-and-go"
    must = "progress, nothing lost"
    storm_s: Final = 20.0

    def __init__(self) -> None:
        self._there: deque[Visitor] = deque()
        self._left: list[str] = []
        self._problems: list[str] = []

    def begin(self, arena: Arena) -> None:
        """A storm: whoever has come last stays until the next one is there."""
        until_s = time.monotonic() + self.storm_s
        kinds = deque(arena.rng.sample(SERVICES, len(SERVICES)))
        while time.monotonic() < until_s or len(self._left) < len(SERVICES):
            kinds.rotate(1)
            try:
                self._there.append(arena.invite(kinds[0]))
            except ServiceFailed as error:
                self._problems.append(error.message)
                return
            if len(self._there) > 1:
                self._send_away(arena)

    def end(self, arena: Arena) -> None:
        """The last one leaves."""
        while self._there:
            self._send_away(arena)
        self.note = f"{len(self._left)} came and left"

    def check(self, arena: Arena) -> list[str]:  # noqa: ARG002
        """Whoever was told to leave did so in order."""
        return self._problems

    def tidy(self, arena: Arena) -> None:  # noqa: ARG002
        """Nobody stays."""
        for visitor in self._there:
            visitor.close()

    def _send_away(self, arena: Arena) -> None:
        visitor = self._there.popleft()
        number = arena.rng.choice([signal.SIGTERM, signal.SIGKILL])
        expected = 0 if number is signal.SIGTERM else -number
        exit_code = visitor.leave(number)
        self._left.append(visitor.label)
        if exit_code != expected:
            self._problems.append(f"{visitor.label} ended with exit code {exit_code} after {number.name}")
