"""Which outputs show whom: as the roles say, and each receiver shows one performer at a time."""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from consumers.avatar.cast.book import RoleBook
from consumers.avatar.cast.opening import PATIENCE_S, Opening, OutputMaker
from consumers.avatar.cast.role import Role
from consumers.avatar.outputs.output import Output
from keypoints.errors import HolisticError

log = logging.getLogger(__name__)


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
    between the two. One that takes longer than `patience_s` to be opened is shown somebody once it is.
    """

    def __init__(
        self, book: RoleBook, defaults: DefaultTargets, make_output: OutputMaker, patience_s: float = PATIENCE_S
    ) -> None:
        self._book = book
        self._defaults = defaults
        self._has_opened = False
        self._opening = Opening(make_output, self._note_opened, patience_s)
        self._version = book.version
        self._shows: dict[str, Shows] = {}
        self._held: dict[str, tuple[str, Output]] = {}
        self._unusable: set[str] = set()
        self._said: set[str] = set()
        self._lock = threading.Lock()

    def of(self, stream: str) -> Shows:
        """The stream's role and outputs, as they are now."""
        with self._lock:
            if self._book.version != self._version:
                self._version = self._book.version
                self._review()
            if self._has_opened:
                self._has_opened = False
                self._shows.clear()
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

    def try_again(self) -> None:
        """Try those once more that could not be used: a name that nobody knew may be known by now."""
        with self._lock:
            if self._unusable:
                self._unusable.clear()
                self._shows.clear()

    def _note_opened(self) -> None:
        self._has_opened = True

    def _review(self) -> None:
        """Roles changed: outputs nobody asks for any more are closed, the others stay as they are."""
        self._opening.close_unasked()
        self._shows.clear()
        self._unusable.clear()
        self._said.clear()
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
        """The output; None while there is none, or can be none, which is said once for each change of the roles."""
        if target in self._unusable:
            return None
        try:
            return self._opening.open(target)
        except HolisticError as error:
            self._unusable.add(target)
            if target not in self._said:
                self._said.add(target)
                log.warning("a target of a role cannot be used: %s", error.message, extra={"target": target})
            return None
