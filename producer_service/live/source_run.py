"""A source that is read for a stream: pictures out of a file or a camera into its line."""

import logging
import threading
from contextlib import closing
from enum import StrEnum

from producer_service.capture.captured import DropPolicy, Interrupted, Refused, Source
from producer_service.capture.read_ahead import give_way
from producer_service.live.stream_line import StreamLine
from producer_service.live.studio import Studio

log = logging.getLogger(__name__)


class RunState(StrEnum):
    """Where the reading of a source is."""

    RUNNING = "running"
    ENDED = "ended"
    STOPPED = "stopped"
    FAILED = "failed"


class SourceRun:
    """Reads a source on a thread of its own until its end, or until it is stopped. The stream is closed with it.

    The source's own `stop` (an Event it was made with) ends a read that waits for a camera.
    """

    def __init__(self, source: Source, line: StreamLine, studio: Studio, stop: threading.Event) -> None:
        self.source = source
        self.line = line
        self.refused: list[Refused] = []
        self.state = RunState.RUNNING
        self.problem: str | None = None
        self._studio = studio
        self._stop = stop
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"source {line.stream_id}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Read no further, publish what was read, and wait for that."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        if self.source.drop_policy is DropPolicy.WAIT:
            give_way()
        try:
            with closing(self.source.read()) as items:
                for item in items:
                    if self._stop.is_set():
                        break
                    if isinstance(item, Refused):
                        self._refuse(item)
                    elif isinstance(item, Interrupted):
                        self.line.interrupt()
                    else:
                        self.line.submit(item)
            self.state = RunState.STOPPED if self._stop.is_set() else RunState.ENDED
        except Exception as error:
            # The stream's owner asks for its state; the service and the other streams go on.
            log.exception("a source broke", extra={"stream": self.line.stream_id})
            self.state, self.problem = RunState.FAILED, f"the source broke: {error}"
        finally:
            self._studio.close_stream(self.line)
            self.ended.set()

    def _refuse(self, refused: Refused) -> None:
        self._studio.equipment.ledger.count_input_rejected(refused.reason)
        self.problem = refused.message
        if len(self.refused) < 100:
            self.refused.append(refused)
