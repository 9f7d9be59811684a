"""The process that runs graphs: `python -m producer_service.landmarks.pool.worker_process FD MODULE:FUNCTION`.

It answers one request after the other, in order. Each stream has a landmarker of its own; one whose stream ended is
made to forget it and serves the next, for a graph that is closed gives little of its memory back.
"""

import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from producer_service.isolation.child_process import connect_to_parent
from producer_service.isolation.heap import give_memory_back
from producer_service.isolation.messages import PeerGone, receive_message, send_message
from producer_service.isolation.picture_memory import AttachedMemory
from producer_service.landmarks.landmarker import LandmarkerFailed, ReusableLandmarker
from producer_service.landmarks.native_noise import native_noise_filtered
from producer_service.landmarks.pool.wire import pack_landmarks

_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
_STATM: Final = Path("/proc/self/statm")

Answer = tuple[dict[str, Any], bytes]


def main() -> None:
    """Open one landmarker of each kind, say so, and answer until the parent hangs up."""
    sock = connect_to_parent(int(sys.argv[1]))
    module, function = sys.argv[2].split(":")
    with native_noise_filtered():
        graphs = Graphs(getattr(importlib.import_module(module), function))
        graphs.warm_up()
        try:
            send_message(sock, {"ready": True, "rss_bytes": read_rss_bytes()})
            while True:
                head, _, fds = receive_message(sock, files=True)
                answer, body = graphs.answer(head, fds)
                send_message(sock, {**answer, "rss_bytes": read_rss_bytes()}, body)
        except PeerGone:
            return


class Graphs:
    """The landmarkers of this process: those that serve a stream, and those that wait for one."""

    def __init__(self, open_landmarker: Callable[[bool], ReusableLandmarker]) -> None:
        self._open_landmarker = open_landmarker
        self._free: dict[bool, list[ReusableLandmarker]] = {True: [], False: []}
        self._serving: dict[int, tuple[bool, ReusableLandmarker]] = {}
        self._memories: dict[int, list[AttachedMemory]] = {}

    def warm_up(self) -> None:
        """Have one of each kind ready."""
        for still, free in self._free.items():
            free.append(self._open_landmarker(still))

    def answer(self, head: dict[str, Any], fds: list[int]) -> Answer:
        """Do what is asked: `open` (with the stream's picture memories), `find`, or `close`."""
        stream = int(head["stream"])
        match head["do"]:
            case "open":
                return self._open(stream, still=bool(head["still"]), memories=[AttachedMemory(fd) for fd in fds])
            case "find":
                return self._find(stream, int(head["memory"]), int(head["height"]), int(head["width"]))
            case _:
                return self._close(stream)

    def _open(self, stream: int, *, still: bool, memories: list[AttachedMemory]) -> Answer:
        free = self._free[still]
        try:
            landmarker = free.pop() if free else self._open_landmarker(still)
        except LandmarkerFailed as error:
            for memory in memories:
                memory.close()
            return {"failed": error.message}, b""
        self._serving[stream] = (still, landmarker)
        self._memories[stream] = memories
        return {"model": landmarker.model}, b""

    def _find(self, stream: int, memory: int, height: int, width: int) -> Answer:
        if stream not in self._serving:
            return {"lost": "the picture before it broke the landmarker"}, b""
        _, landmarker = self._serving[stream]
        try:
            found = landmarker.find(self._memories[stream][memory].view(height, width))
        except LandmarkerFailed as error:
            landmarker.close()
            del self._serving[stream]
            return {"failed": error.message}, b""
        parts, body = pack_landmarks(found)
        return {"parts": parts}, body

    def _close(self, stream: int) -> Answer:
        for memory in self._memories.pop(stream, []):
            memory.close()
        still, landmarker = self._serving.pop(stream, (False, None))
        if landmarker is not None:
            try:
                landmarker.reset()
            except LandmarkerFailed:
                landmarker.close()
            else:
                self._free[still].append(landmarker)
            give_memory_back()
        return {}, b""


def read_rss_bytes() -> int:
    """Memory this process has in use; 0 where the system does not say."""
    try:
        return int(_STATM.read_text().split()[1]) * _PAGE_BYTES
    except OSError:
        return 0


if __name__ == "__main__":
    main()
