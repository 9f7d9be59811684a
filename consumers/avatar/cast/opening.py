"""Outputs opened on threads of their own, so that nobody's avatar stands still while a name is looked up."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Final

from consumers.avatar.outputs.output import Output

OutputMaker = Callable[[str], Output]
"""Makes the output of a target as people write it. Raises a Terminal that says what is wrong with it."""

PATIENCE_S: Final = 0.25
"""An address is opened in no time; a name that nobody answers for takes many seconds, a large model's file some."""

_MOST_AT_ONCE: Final = 8


class Opening:
    """Opens outputs by target. Its methods are called by one thread at a time."""

    def __init__(self, make_output: OutputMaker, on_opened: Callable[[], None], patience_s: float = PATIENCE_S) -> None:
        """`on_opened` is told, on any thread, when asking again is worth while."""
        self._make_output = make_output
        self._on_opened = on_opened
        self._patience_s = patience_s
        self._running: dict[str, Future[Output]] = {}

    def open(self, target: str) -> Output | None:
        """The output; None while it is being opened. Raises what making it raises."""
        running = self._running.get(target)
        if running is None:
            if sum(not one.done() for one in self._running.values()) >= _MOST_AT_ONCE:
                return None
            running = self._running[target] = self._begin(target)
            wait((running,), self._patience_s)
        if not running.done():
            return None
        del self._running[target]
        return running.result()

    def close_unasked(self) -> None:
        """Close those that were opened meanwhile, and that nobody has asked for since."""
        for target, running in list(self._running.items()):
            if running.done():
                del self._running[target]
                if running.exception() is None:
                    running.result().close()

    def _begin(self, target: str) -> Future[Output]:
        opened: Future[Output] = Future()

        def run() -> None:
            try:
                opened.set_result(self._make_output(target))
            except Exception as error:  # noqa: BLE001 - who asked for the output gets whatever it was
                opened.set_exception(error)
            self._on_opened()

        # Of no use to a process that ends: it does not wait for names.
        threading.Thread(target=run, name=f"opens {target}", daemon=True).start()
        return opened
