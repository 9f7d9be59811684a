"""A storage whose process dies at a step of its choice, as far as anybody can see from outside."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from consumers.archive.parquet.local_storage import LocalStorage


class Died(BaseException):
    """The process is gone: nothing it does from now on has an effect."""


class DyingStorage(LocalStorage):
    """Counts what changes the disk, and dies before the change of a number.

    A file that is staged counts twice: before it is there, and when it was written and is not durable yet.
    """

    def __init__(self, root: Path, dies_before: int | None = None) -> None:
        super().__init__(root)
        self._dies_before = dies_before
        self.steps = 0

    @contextmanager
    def stage(self, path: str) -> Iterator[BinaryIO]:
        self._step()
        with super().stage(path) as file:
            yield file
            self._step()

    def publish(self, staged: str, path: str) -> None:
        self._step()
        super().publish(staged, path)

    def remove(self, path: str) -> None:
        self._step()
        super().remove(path)

    def _step(self) -> None:
        self.steps += 1
        if self._dies_before is not None and self.steps >= self._dies_before:
            raise Died
