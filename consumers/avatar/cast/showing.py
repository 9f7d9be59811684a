"""Which outputs show whom: as the roles say, and each receiver shows one performer at a time."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from consumers.avatar.cast.book import RoleBook
from consumers.avatar.cast.role import Role
from consumers.avatar.outputs.output import Output
from keypoints.errors import HolisticError

log = logging.getLogger(__name__)

OutputMaker = Callable[[str], Output]
"""Makes the output of a target as people write it. Raises a Terminal that says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class DefaultTargets:
    """Receivers of whoever has none of their own: of `stream` alone, where it is named."""

    targets: tuple[str, ...] = ()
    stream: str | None = None

    def of(self, stream: str) -> tuple[str, ...]:
        """The receivers this stream may have."""
        return self.targets if self.stream in {None, stream} else ()


@dataclass(frozen=True, slots=True)
class Shows:
    """How one stream is shown now."""

    role: Role
    outputs: tuple[Output, ...]


class Showing:
    """Outputs by stream. Any thread may ask; a stream's outputs are for the thread of its own sink.

    A receiver that two streams ask for is the first one's until that one leaves; otherwise its avatar would jump
    between the two.
    """

    def __init__(self, book: RoleBook, defaults: DefaultTargets, make_output: OutputMaker) -> None:
        self._book = book
        self._defaults = defaults
        self._make_output = make_output
        self._version = book.version
        self._shows: dict[str, Shows] = {}
        self._held: dict[str, tuple[str, Output]] = {}
        self._unusable: set[str] = set()
        self._lock = threading.Lock()

    def of(self, stream: str) -> Shows:
        """The stream's role and outputs, as they are now."""
        with self._lock:
            if self._book.version != self._version:
                self._version = self._book.version
                self._review()
            shows = self._shows.get(stream)
            if shows is None:
                shows = self._shows[stream] = self._assign(stream)
            return shows

    def release(self, streams: Sequence[str]) -> None:
        """These have left: their receivers are free for others."""
        if not streams:
            return
        gone = set(streams)
        with self._lock:
            for target in [target for target, (holder, _) in self._held.items() if holder in gone]:
                self._held.pop(target)[1].close()
            # Whoever went without because of them may have the receivers now.
            self._shows.clear()

    def _review(self) -> None:
        """Roles changed: outputs nobody asks for any more are closed, the others stay as they are."""
        self._shows.clear()
        self._unusable.clear()
        for target, (holder, _) in list(self._held.items()):
            if target not in self._wanted(self._book.role_of(holder)):
                self._held.pop(target)[1].close()

    def _wanted(self, role: Role) -> tuple[str, ...]:
        return self._defaults.of(role.stream) if role.targets is None else role.targets

    def _assign(self, stream: str) -> Shows:
        role = self._book.role_of(stream)
        outputs = []
        for target in dict.fromkeys(self._wanted(role)):
            holder, output = self._held.get(target, (None, None))
            if output is None:
                output = self._open(target)
                if output is None:
                    continue
                self._held[target] = (stream, output)
            elif holder != stream:
                log.debug("The receiver shows another performer.", extra={"stream": stream, "shows": holder})
                continue
            outputs.append(output)
        return Shows(role, tuple(outputs))

    def _open(self, target: str) -> Output | None:
        """The output; None when there can be none, which is said once for each change of the roles."""
        if target in self._unusable:
            return None
        try:
            return self._make_output(target)
        except HolisticError as error:
            self._unusable.add(target)
            log.warning("a target of a role cannot be used: %s", error.message, extra={"target": target})
            return None
