"""One worker process as the service sees it: requests in order, and what became of each."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final

from producer_service.isolation.child_process import ChildProcess
from producer_service.isolation.messages import PeerGone, receive_message, send_message
from producer_service.landmarks.landmarker import LandmarkerFailed, LandmarkerLost

log = logging.getLogger(__name__)

_MODULE: Final = "producer_service.landmarks.pool.worker_process"

Answer = tuple[dict[str, Any], bytes]


@dataclass(slots=True, eq=False)
class _Request:
    head: dict[str, Any]
    answer: "Future[Answer]" = field(default_factory=Future)


class Worker:
    """A worker process. Requests are answered in order, so the oldest unanswered one is what it is busy with.

    When it dies, that one fails (LandmarkerFailed); those behind it are lost through no fault of theirs
    (LandmarkerLost). `on_end` is called once, on the worker's own thread, when it is gone.
    """

    def __init__(self, opener: str, on_end: Callable[["Worker"], None]) -> None:
        """Start it; `opener` is `module:function` of an OpenLandmarker. `ready` is set once it can be asked."""
        self._child = ChildProcess(_MODULE, [opener])
        self.pid = self._child.pid
        self.ready = threading.Event()
        self.rss_bytes = 0
        self.streams: set[int] = set()
        self.retiring = False
        self._on_end = on_end
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        # Starting up is the first thing it is busy with.
        self._waiting: deque[_Request] = deque([_Request({"do": "start"})])
        self._busy_since_s = time.monotonic()
        self._why_killed: str | None = None
        self._gone = False
        self._reader = threading.Thread(target=self._read, name=f"worker {self.pid}", daemon=True)
        self._reader.start()

    @property
    def alive(self) -> bool:
        """Whether it can still be asked."""
        with self._lock:
            return not self._gone and self._why_killed is None

    @property
    def waiting(self) -> int:
        """Requests it has not answered."""
        with self._lock:
            return len(self._waiting)

    def busy_s(self) -> tuple[str, float]:
        """What it is busy with, and for how long; `("", 0.0)` when it waits."""
        with self._lock:
            if not self._waiting:
                return "", 0.0
            return str(self._waiting[0].head["do"]), time.monotonic() - self._busy_since_s

    def ask(self, head: dict[str, Any], fds: Sequence[int] = ()) -> Answer:
        """Send a request and wait for its answer. Raises LandmarkerFailed or LandmarkerLost."""
        return self.wait_for(self.begin(head, fds))

    def begin(self, head: dict[str, Any], fds: Sequence[int] = ()) -> "Future[Answer]":
        """Send a request. Raises LandmarkerLost."""
        request = _Request(head)
        # Sent in the order they are booked in.
        with self._sending:
            with self._lock:
                if self._gone or self._why_killed is not None:
                    raise LandmarkerLost(f"worker {self.pid} is gone", worker=self.pid)
                if not self._waiting:
                    self._busy_since_s = time.monotonic()
                self._waiting.append(request)
            try:
                send_message(self._child.socket, head, fds=fds)
            except PeerGone:
                # The reader finds the same, and says what becomes of all that wait.
                log.debug("worker %d took no request", self.pid)
        return request.answer

    def wait_for(self, asked: "Future[Answer]") -> Answer:
        """The answer to a request. Raises LandmarkerFailed, or LandmarkerLost where it was nobody's fault here."""
        answer = asked.result()
        if "failed" in answer[0]:
            raise LandmarkerFailed(str(answer[0]["failed"]), worker=self.pid)
        if "lost" in answer[0]:
            raise LandmarkerLost(str(answer[0]["lost"]), worker=self.pid)
        return answer

    def kill(self, why: str) -> None:
        """End it at once; what it is busy with fails for that reason."""
        with self._lock:
            if self._gone or self._why_killed is not None:
                return
            self._why_killed = why
        self._child.kill()

    def close(self) -> None:
        """Let it end after what it was asked, and wait for that."""
        with self._lock:
            self._why_killed = self._why_killed or "the service is stopping"
        self._child.close()
        self._reader.join()

    def _read(self) -> None:
        try:
            while True:
                head, body, _ = receive_message(self._child.socket)
                self.rss_bytes = int(head["rss_bytes"])
                with self._lock:
                    request = self._waiting.popleft()
                    self._busy_since_s = time.monotonic()
                self.ready.set()
                request.answer.set_result((head, body))
        except (PeerGone, IndexError, KeyError, TypeError, ValueError) as error:
            self._end(error)

    def _end(self, error: Exception) -> None:
        self._child.kill()
        code = self._child.close()
        with self._lock:
            self._gone = True
            why = self._why_killed or f"its process ended ({_name_end(code)})"
            unanswered = list(self._waiting)
            self._waiting.clear()
        log.debug("worker %d ended: %s (%s)", self.pid, why, error)
        try:
            self._on_end(self)
        except Exception:
            # Whoever waits is told all the same.
            log.exception("a worker that is gone was not replaced", extra={"pid": self.pid})
        for place, request in enumerate(unanswered):
            if place == 0:
                request.answer.set_exception(LandmarkerFailed(f"the landmarker broke: {why}", worker=self.pid))
            else:
                request.answer.set_exception(LandmarkerLost(f"worker {self.pid} is gone: {why}", worker=self.pid))

    def say_why(self) -> str:
        """Why it was killed, or that it ended by itself."""
        with self._lock:
            return self._why_killed or "its process ended by itself"


def _name_end(code: int) -> str:
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"
