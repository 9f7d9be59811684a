"""How starting a stack tells what it is doing, without knowing who listens."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

Advance = Callable[[int], None]
"""Called with the number of bytes that have come in since the last call, from any thread."""


class Progress(Protocol):
    """Someone who wants to know."""

    def say(self, step: str) -> None:
        """A new step has begun ("starting Kafka")."""

    def download(self, title: str, total_bytes: int) -> AbstractContextManager[Advance]:
        """A download is under way until the block ends."""


class SilentProgress:
    """Nobody listens."""

    def say(self, step: str) -> None:
        """Nothing is said."""

    def download(self, title: str, total_bytes: int) -> AbstractContextManager[Advance]:  # noqa: ARG002  the protocol's
        """Nothing is shown."""
        return nullcontext(lambda byte_count: None)  # noqa: ARG005  the protocol's
