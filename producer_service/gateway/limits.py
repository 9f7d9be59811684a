"""How much one caller may send, and how much is taken in at once."""

from collections.abc import Iterator
from contextlib import contextmanager

from producer_service.gateway.errors import ComeBackLater


class TokenBucket:
    """At most `per_s` in the long run, and `burst` at once. Time is an argument, in seconds of any clock."""

    def __init__(self, per_s: float, burst: float, now_s: float) -> None:
        self._per_s = per_s
        self._burst = burst
        self._tokens = burst
        self._filled_s = now_s

    def take(self, now_s: float) -> float:
        """Take one; 0 when it was there, else the seconds until it will be (and none is taken)."""
        self._tokens = min(self._burst, self._tokens + max(0.0, now_s - self._filled_s) * self._per_s)
        self._filled_s = now_s
        if self._tokens < 1:
            return (1 - self._tokens) / self._per_s
        self._tokens -= 1
        return 0.0


class CallerRates:
    """One bucket a key. Used by one thread: the listener's."""

    def __init__(self, per_s: float) -> None:
        self._per_s = per_s
        self._burst = max(1.0, 2 * per_s)
        self._buckets: dict[str, TokenBucket] = {}

    def take(self, caller: str, now_s: float) -> None:
        """Raises ComeBackLater (429) when the caller sends too often."""
        bucket = self._buckets.get(caller)
        if bucket is None:
            bucket = self._buckets[caller] = TokenBucket(self._per_s, self._burst, now_s)
        wait_s = bucket.take(now_s)
        if wait_s:
            message = f"this key sends more than {self._per_s:g} requests a second"
            raise ComeBackLater(429, "too_many_requests", message, wait_s)


class UploadRoom:
    """Room for so many bodies at once, which bounds the memory they take. Used by one thread: the listener's."""

    def __init__(self, places: int) -> None:
        self._places = places
        self.taken = 0

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Take a place for the length of the block. Raises ComeBackLater (503) when there is none."""
        if self.taken >= self._places:
            raise ComeBackLater(503, "too_many_uploads", f"{self._places} pictures are being received already")
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1
