"""Whether Kafka can be published to, known at any moment without asking it then."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from keypoints.errors import HolisticError

log = logging.getLogger(__name__)

ASK_EVERY_S: Final = 5.0
"""While nothing is acknowledged, Kafka is asked this often."""
TRUST_S: Final = 15.0
"""A sign of life counts for this long, and a frame may go without an answer for as long."""


class Reachability:
    """Reachable: Kafka gave a sign of life lately, and no frame has waited long while none was acknowledged.

    Acknowledgements are the signs; where there are none, a thread of its own asks. Safe to share between threads.
    """

    def __init__(
        self,
        ask: Callable[[], object],
        *,
        ask_every_s: float = ASK_EVERY_S,
        trust_s: float = TRUST_S,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`ask` raises HolisticError when Kafka is away. The caller has just heard from Kafka."""
        self._ask = ask
        self._ask_every_s = ask_every_s
        self._trust_s = trust_s
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._heard_s = clock_s()
        self._waiting_since_s: float | None = None
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._keep_asking, name="reachability", daemon=True)
        self._thread.start()

    def note_sent(self) -> None:
        """A frame is on its way."""
        with self._lock:
            if self._waiting_since_s is None:
                self._waiting_since_s = self._clock_s()

    def note_acknowledged(self, *, others_waiting: bool) -> None:
        """Kafka took a frame."""
        with self._lock:
            self._heard_s = self._clock_s()
            self._waiting_since_s = self._heard_s if others_waiting else None

    def note_gone(self, *, others_waiting: bool) -> None:
        """A frame waits no longer, and Kafka did not take it."""
        if not others_waiting:
            with self._lock:
                self._waiting_since_s = None

    @property
    def reachable(self) -> bool:
        """Never waits."""
        with self._lock:
            now_s = self._clock_s()
            if self._waiting_since_s is not None and now_s - self._waiting_since_s > self._trust_s:
                return False
            return now_s - self._heard_s <= self._trust_s

    def close(self) -> None:
        """Ask no more. A question under way ends by itself."""
        self._closed.set()

    def _keep_asking(self) -> None:
        while not self._closed.wait(self._ask_every_s):
            with self._lock:
                heard_lately = self._clock_s() - self._heard_s < self._ask_every_s
            if heard_lately:
                continue
            try:
                self._ask()
            except HolisticError as error:
                log.debug("Kafka does not answer: %s", error.message)
                continue
            with self._lock:
                self._heard_s = self._clock_s()
