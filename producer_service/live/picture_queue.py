"""Pictures of one stream that wait for their turn: files wait for room, live sources let the newest overtake."""

import threading
from collections import deque
from typing import Generic, TypeVar

from producer_service.capture.captured import DropPolicy

T = TypeVar("T")


class PictureQueue(Generic[T]):
    """At most `capacity` items, taken in order. Safe for several threads on either side."""

    def __init__(self, capacity: int, policy: DropPolicy) -> None:
        self._capacity = capacity
        self._policy = policy
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def put(self, item: T) -> list[T]:
        """Add an item, and return those that gave way: the oldest, or the item itself when the queue is closed.

        With `DropPolicy.WAIT` it waits for room instead, however long that takes.
        """
        with self._changed:
            if self._policy is DropPolicy.WAIT:
                self._changed.wait_for(lambda: self._closed or len(self._items) < self._capacity)
            if self._closed:
                return [item]
            gave_way = [self._items.popleft()] if len(self._items) >= self._capacity else []
            self._items.append(item)
            self._changed.notify_all()
            return gave_way

    def take(self, *, wait: bool = True) -> T | None:
        """The oldest item, waited for; None once the queue is closed and empty, or at once without `wait`."""
        with self._changed:
            if wait:
                self._changed.wait_for(lambda: self._closed or self._items)
            if not self._items:
                return None
            item = self._items.popleft()
            self._changed.notify_all()
            return item

    def close(self, *, drain: bool) -> list[T]:
        """Take nothing more in. With `drain` what waits can still be taken, else it is returned."""
        with self._changed:
            self._closed = True
            left = [] if drain else list(self._items)
            if not drain:
                self._items.clear()
            self._changed.notify_all()
            return left

    @property
    def closed(self) -> bool:
        """Whether nothing more is taken in."""
        with self._changed:
            return self._closed

    def __len__(self) -> int:
        with self._changed:
            return len(self._items)
