"""Worker processes and which stream is on which."""

import itertools
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from keypoints.errors import Terminal
from producer_service.isolation.picture_memory import PictureMemory
from producer_service.landmarks.landmarker import (
    LANDMARKERS_A_PICTURE,
    LandmarkerFailed,
    LandmarkerLost,
    NoLandmarkerFree,
)
from producer_service.landmarks.matplotlib_home import give_matplotlib_a_home
from producer_service.landmarks.pool.options import PoolOptions
from producer_service.landmarks.pool.pooled_landmarker import PooledLandmarker
from producer_service.landmarks.pool.worker import Worker

log = logging.getLogger(__name__)

_WATCH_EVERY_S: Final = 0.25
_FAILED_STARTS: Final = 3
_FIRST_PAUSE_S: Final = 0.25
_LONGEST_PAUSE_S: Final = 30.0
# One is looked at while the next is on its way: a worker that waits for each picture loses a tenth of its time.
_PICTURES_AHEAD: Final = 2


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """One worker of this moment: its process, whether it can be asked, its streams, its memory, and unanswered work."""

    pid: int
    ready: bool
    streams: int
    rss_bytes: int
    waiting: int


class LandmarkerPool:
    """Gives streams landmarkers on worker processes, spread evenly, and replaces workers that hang, die or grow.

    A worker serves its streams in the order their pictures come, and a stream has two pictures there at most, so each
    gets its turn. Safe for several threads.
    """

    def __init__(self, options: PoolOptions) -> None:
        """Start the workers and wait until they are warm. Raises Terminal when they do not come up."""
        self._options = options
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._closing = threading.Event()
        self._workers: list[Worker] = []
        self._standby: list[Worker] = []
        self._failed_starts = 0
        self._not_before_s = 0.0
        self.replaced = 0
        self._numbers = itertools.count(1)
        self._idle_stills: list[PooledLandmarker] = []
        give_matplotlib_a_home()
        self._hire()
        self._watcher = threading.Thread(target=self._watch, name="landmarker-pool", daemon=True)
        self._watcher.start()
        if not self.await_ready(options.start_s):
            self.close()
            raise Terminal(
                "no worker for MediaPipe came up", hint="what it printed stands above", seconds=options.start_s
            )

    @property
    def ready(self) -> bool:
        """Whether every worker that should be there is warm."""
        with self._lock:
            return self._are_ready()

    def await_ready(self, timeout_s: float) -> bool:
        """Wait until `ready`, but not once workers fail to start again and again."""
        with self._changed:
            self._changed.wait_for(lambda: self._are_ready() or self._failed_starts >= _FAILED_STARTS, timeout_s)
            return self._are_ready()

    def report(self) -> list[WorkerReport]:
        """The workers of this moment; those that stand by are not among them."""
        with self._lock:
            return [
                WorkerReport(worker.pid, worker.ready.is_set(), len(worker.streams), worker.rss_bytes, worker.waiting)
                for worker in self._workers
            ]

    @property
    def size(self) -> int:
        """How many workers it has."""
        return self._options.workers

    def open_stream(self) -> PooledLandmarker:
        """A landmarker for a stream, on the worker with the fewest. Raises NoLandmarkerFree or LandmarkerFailed."""
        return self.open(still=False)

    @contextmanager
    def lend_still(self) -> Iterator[PooledLandmarker]:
        """A landmarker without memory of earlier pictures, on the worker with the least to do.

        Raises LandmarkerFailed; one whose block did not end well is not lent again.
        """
        landmarker = self._take_idle_still() or self.open(still=True)
        try:
            yield landmarker
        except BaseException:
            landmarker.close()
            raise
        with self._lock:
            if not landmarker.worker.retiring and landmarker.worker.alive:
                self._idle_stills.append(landmarker)
                return
        landmarker.close()

    def close(self) -> None:
        """End all workers; what they are busy with fails."""
        self._closing.set()
        self._watcher.join()
        with self._lock:
            workers = self._workers + self._standby
            self._workers, self._standby = [], []
        for worker in workers:
            worker.close()

    def open(self, still: bool) -> PooledLandmarker:
        """A landmarker for a stream, or one whose pictures stand alone. Raises NoLandmarkerFree or LandmarkerFailed."""
        for attempt in range(LANDMARKERS_A_PICTURE):
            number = next(self._numbers)
            worker = self._place(number, still=still)
            memories: list[PictureMemory] = []
            try:
                memories.extend(PictureMemory() for _ in range(1 if still else _PICTURES_AHEAD))
                landmarker = PooledLandmarker(worker, number, memories, still=still)
            except Exception as error:
                for memory in memories:
                    memory.close()
                self._leave(worker, number)
                if isinstance(error, LandmarkerLost) and attempt + 1 < LANDMARKERS_A_PICTURE:
                    continue
                raise LandmarkerFailed(f"no landmarker could be opened: {error}") from error
            landmarker.on_close(lambda closed: self._leave(closed.worker, closed.stream))
            return landmarker
        raise LandmarkerFailed("no landmarker could be opened")

    def _place(self, number: int, *, still: bool) -> Worker:
        """A worker for a stream or a still; only streams take up room."""
        with self._changed:
            # While a worker is being replaced its room is only away for a moment.
            self._changed.wait_for(
                lambda: self._has_room(still=still) or self._are_ready() or self._closing.is_set(),
                self._options.start_s,
            )
            usable = self._usable()
            if not usable:
                raise LandmarkerFailed("no worker for MediaPipe is up")
            if still:
                return min(usable, key=lambda worker: worker.waiting)
            worker = min(usable, key=lambda worker: len(worker.streams))
            if len(worker.streams) >= self._options.streams_a_worker:
                streams = sum(len(each.streams) for each in usable)
                raise NoLandmarkerFree(
                    f"{streams} streams are tracked here, and no more can be",
                    hint="close one, or raise HOLISTIC_STREAMS_A_WORKER",
                    streams=streams,
                )
            worker.streams.add(number)
            return worker

    def _has_room(self, *, still: bool) -> bool:
        return any(still or len(worker.streams) < self._options.streams_a_worker for worker in self._usable())

    def _take_idle_still(self) -> PooledLandmarker | None:
        with self._lock:
            usable = [each for each in self._idle_stills if each.worker.alive and not each.worker.retiring]
            gone = [each for each in self._idle_stills if each not in usable]
            best = min(usable, key=lambda each: each.worker.waiting, default=None)
            self._idle_stills = [each for each in usable if each is not best]
        for landmarker in gone:
            landmarker.close()
        return best

    def _leave(self, worker: Worker, number: int) -> None:
        with self._changed:
            worker.streams.discard(number)
            self._changed.notify_all()

    def _usable(self) -> list[Worker]:
        return [worker for worker in self._workers if worker.ready.is_set() and worker.alive and not worker.retiring]

    def _are_ready(self) -> bool:
        return len(self._usable()) >= self._options.workers

    def _watch(self) -> None:
        while not self._closing.wait(_WATCH_EVERY_S):
            try:
                self._kill_hanging()
                self._retire_large()
                self._hire()
            except Exception:
                # No memory or no descriptor for another process: there may be in a moment.
                log.exception("the workers could not be looked after")

    def _kill_hanging(self) -> None:
        for worker in self._everybody():
            doing, busy_s = worker.busy_s()
            limit_s = self._options.start_s if doing in {"start", "open"} else self._options.hang_s
            if doing and busy_s > limit_s:
                log.warning("a worker hangs and is replaced", extra={"pid": worker.pid, "doing": doing})
                worker.kill(f"no answer within {limit_s:g} s")

    def _everybody(self) -> list[Worker]:
        with self._lock:
            return self._workers + self._standby

    def _retire_large(self) -> None:
        """Replace a worker that holds too much, once another is ready: its streams move with their next picture."""
        with self._changed:
            ready = [worker for worker in self._standby if worker.ready.is_set() and worker.alive]
            large = [worker for worker in self._usable() if self._is_large(worker)]
            if large and (ready or not self._options.standby):
                worker = max(large, key=lambda each: each.rss_bytes)
                worker.retiring = True
                log.info(
                    "a worker is replaced for its memory", extra={"pid": worker.pid, "rss_bytes": worker.rss_bytes}
                )
            leaving = [each for each in self._workers if each.retiring and not each.streams and not each.waiting]
            self._workers = [each for each in self._workers if each not in leaving]
            self._changed.notify_all()
        for worker in leaving:
            self.replaced += 1
            worker.close()

    def _is_large(self, worker: Worker) -> bool:
        options = self._options
        return worker.rss_bytes > options.max_rss_bytes + len(worker.streams) * options.rss_a_stream_bytes

    def _hire(self) -> None:
        """Bring the workers to their number: those that stand by step in first."""
        with self._changed:
            if self._closing.is_set() or time.monotonic() < self._not_before_s:
                return
            serving = [worker for worker in self._workers if not worker.retiring]
            while len(serving) < self._options.workers:
                ready_first = sorted(self._standby, key=lambda worker: not worker.ready.is_set())
                worker = ready_first[0] if ready_first else Worker(self._options.opener, self._note_end)
                self._standby = [each for each in self._standby if each is not worker]
                self._workers.append(worker)
                serving.append(worker)
            while len(self._standby) < self._options.standby and all(each.ready.is_set() for each in serving):
                # Only when the others are up, so that it does not slow their start.
                self._standby.append(Worker(self._options.opener, self._note_end))
            self._changed.notify_all()

    def _note_end(self, worker: Worker) -> None:
        """Called on the worker's thread."""
        with self._changed:
            was_ours = worker in self._workers or worker in self._standby
            self._workers = [each for each in self._workers if each is not worker]
            self._standby = [each for each in self._standby if each is not worker]
            self._failed_starts = 0 if worker.ready.is_set() else self._failed_starts + 1
            if self._failed_starts:
                pause_s = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2**self._failed_starts)
                self._not_before_s = time.monotonic() + pause_s
            self._changed.notify_all()
        if was_ours and not self._closing.is_set():
            self.replaced += 1
            log.warning("a worker is gone and is replaced", extra={"pid": worker.pid, "why": worker.say_why()})
            self._hire()
