"""The process that decodes pictures from strangers: `python -m producer_service.capture.decoder_process FD LIMITS`."""

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

# Some ten times what the largest picture needs as RGBA.
_ADDRESS_SPACE_BYTES: Final = 3 * 1024 * 1024 * 1024


def main() -> None:
    """Answer until the parent hangs up."""
    sock = connect_to_parent(int(sys.argv[1]))
    keep_freed_memory()
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE_BYTES, _ADDRESS_SPACE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    limits = ImageLimits(**orjson.loads(sys.argv[2]))
    try:
        send_message(sock, {"ready": True})
        while True:
            _, data, (fd,) = receive_message(sock, files=True)
            send_message(sock, _decode_into(AttachedMemory(fd), data, limits))
    except PeerGone:
        return


def _decode_into(memory: AttachedMemory, data: bytes, limits: ImageLimits) -> dict[str, Any]:
    try:
        image = decode_image(data, limits)
        height, width = image.shape[:2]
        np.copyto(memory.view(height, width), image)
    except InvalidImage as error:
        return {"reason": error.reason.value, "message": error.message}
    finally:
        memory.close()
    return {"height": height, "width": width}


if __name__ == "__main__":
    main()
