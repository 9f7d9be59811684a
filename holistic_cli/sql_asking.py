"""One statement to one store, its answer shown, and Ctrl-C ending it there too."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Final

from holistic_cli.answer_format import Rows

if TYPE_CHECKING:
    from consumers.archive.sql import Answer, Canceller

Show = Callable[[Sequence[str], Rows], None]
Ask = Callable[[str, "Canceller"], AbstractContextManager["Answer"]]
"""Asks a statement; the answer can be read inside the block."""

_AGAIN_S: Final = 0.2


def ask_and_show(ask: Ask, statement: str, show: Show) -> None:
    """Ask, and show what comes. Raises what the store raises, and KeyboardInterrupt once the store has stopped."""
    from consumers.archive.sql import Canceller

    canceller = Canceller()
    # The driver waits deaf in C: only this thread hears Ctrl-C.
    with ThreadPoolExecutor(1, thread_name_prefix="sql") as threads:
        asking = threads.submit(_ask_and_show, ask, statement, show, canceller)
        try:
            asking.result()
        except KeyboardInterrupt:
            _cancel_until_done(asking, canceller)
            raise


def _ask_and_show(ask: Ask, statement: str, show: Show, canceller: "Canceller") -> None:
    with ask(statement, canceller) as answer:
        if answer.columns:
            show(answer.columns, answer.rows)


def _cancel_until_done(asking: "Future[None]", canceller: "Canceller") -> None:
    while not asking.done():
        canceller.cancel()
        wait([asking], _AGAIN_S)
