"""A storage whose process dies at a step of its choice, as far as anybody can see from outside."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from consumers.archive.parquet.local_storage import LocalStorage


class Died(BaseException):
    """The process is gone: nothing it does from now on has an effect."""


@dataclass(frozen=True)
class Step:
    """The nth change of the storage: the process dies before it or after it."""

    number: int
    is_done: bool


class DyingStorage(LocalStorage):
    """Counts what changes the disk, staged halves and drafts included, and dies at a step."""

    def __init__(self, root: Path, dies_at: Step | None = None) -> None:
        super().__init__(root)
        self._dies_at = dies_at
        self._is_dead = False
        self.steps = 0

    @contextmanager
    def stage(self, path: str) -> Iterator[BinaryIO]:
        self._begin()
        with super().stage(path) as file:
            yield file
            self._begin()
        self._end()

    def publish(self, staged: str, path: str) -> None:
        self._begin()
        super().publish(staged, path)
        self._end()

    def remove(self, path: str) -> None:
        self._begin()
        super().remove(path)
        self._end()

    def _begin(self) -> None:
        if self._is_dead:
            raise Died
        self.steps += 1
        self._die_at(Step(self.steps, is_done=False))

    def _end(self) -> None:
        self._die_at(Step(self.steps, is_done=True))

    def _die_at(self, step: Step) -> None:
        if step == self._dies_at:
            self._is_dead = True
            raise Died
