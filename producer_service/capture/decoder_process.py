"""The process that decodes pictures from strangers: `python -m producer_service.capture.decoder_process FD LIMITS`."""

import os
import resource
import sys
from typing import Any, Final

import numpy as np
import orjson

from producer_service.capture.still_image import ImageLimits, InvalidImage, decode_image
from producer_service.isolation.child_process import connect_to_parent
from producer_service.isolation.heap import keep_freed_memory
from producer_service.isolation.messages import PeerGone, receive_message, send_message
from producer_service.isolation.picture_memory import AttachedMemory

_MEMORIES_KEPT: Final = 8
# Some ten times what the largest picture needs as RGBA, and the memories.
_ADDRESS_SPACE_BYTES: Final = 3 * 1024 * 1024 * 1024


def main() -> None:
    """Answer until the parent hangs up."""
    sock = connect_to_parent(int(sys.argv[1]))
    keep_freed_memory()
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE_BYTES, _ADDRESS_SPACE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    limits = ImageLimits(**orjson.loads(sys.argv[2]))
    memories = KnownMemories()
    try:
        send_message(sock, {"ready": True})
        while True:
            _, data, (fd,) = receive_message(sock, files=True)
            send_message(sock, _decode_into(memories.attach(fd), data, limits))
    except PeerGone:
        return


class KnownMemories:
    """Picture memories seen lately: a stream's pictures come into the same one, and mapping it anew takes 1 ms."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], AttachedMemory] = {}

    def attach(self, fd: int) -> AttachedMemory:
        """The memory behind a descriptor, which is closed with it or, where the memory is known, at once."""
        status = os.fstat(fd)
        # Unique for as long as somebody holds the memory, as this process does.
        key = (status.st_dev, status.st_ino)
        memory = self._known.pop(key, None)
        if memory is None:
            memory = AttachedMemory(fd)
        else:
            os.close(fd)
        self._known[key] = memory
        if len(self._known) > _MEMORIES_KEPT:
            self._known.pop(next(iter(self._known))).close()
        return memory


def _decode_into(memory: AttachedMemory, data: bytes, limits: ImageLimits) -> dict[str, Any]:
    try:
        image = decode_image(data, limits)
        height, width = image.shape[:2]
        np.copyto(memory.view(height, width), image)
    except InvalidImage as error:
        return {"reason": error.reason.value, "message": error.message}
    return {"height": height, "width": width}


if __name__ == "__main__":
    main()
