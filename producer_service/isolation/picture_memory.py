"""Memory that holds one picture and is seen by several processes, so that a picture is handed over without a copy.

It has no name in any file system: nothing is left behind by kill -9, and a container's small /dev/shm is no limit.
"""

import fcntl
import mmap
import os
import tempfile
from typing import Final

import numpy as np

from producer_service.capture.captured import RgbImage

_CHANNELS: Final = 3
# Room for 1080p from the start; it grows to what comes.
_FIRST_BYTES: Final = 1920 * 1080 * _CHANNELS
# Linux's own numbers (linux/fcntl.h), which Python 3.11 has no names for.
_F_ADD_SEALS: Final = 1033
_F_SEAL_SHRINK: Final = 0x0002


class PictureMemory:
    """One picture's memory. Its maker closes it; who was handed `fd` opens it with `attach_picture`."""

    def __init__(self) -> None:
        self.fd = _open_anonymous_file()
        os.ftruncate(self.fd, _FIRST_BYTES)
        self._map = mmap.mmap(self.fd, _FIRST_BYTES)
        self._image: RgbImage | None = None

    def reserve(self, height: int, width: int) -> RgbImage:
        """The picture as u8[height, width, 3], holding whatever is there."""
        needed = height * width * _CHANNELS
        if os.fstat(self.fd).st_size < needed:
            os.ftruncate(self.fd, needed)
        if len(self._map) < needed:
            # Arrays on the old map keep it alive for as long as they are used.
            self._map = mmap.mmap(self.fd, needed)
        self._image = np.frombuffer(self._map, np.uint8, needed).reshape(height, width, _CHANNELS)
        return self._image

    def holds(self, image: RgbImage) -> bool:
        """Whether this is the picture `reserve` gave last, so that there is nothing to copy."""
        return image is self._image

    def close(self) -> None:
        """Let go; a second call does nothing."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


class AttachedMemory:
    """Another process's picture memory."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._map = mmap.mmap(fd, os.fstat(fd).st_size)

    def view(self, height: int, width: int) -> RgbImage:
        """The picture as u8[height, width, 3]; the memory grows when it is too small."""
        needed = height * width * _CHANNELS
        if len(self._map) < needed:
            if os.fstat(self._fd).st_size < needed:
                os.ftruncate(self._fd, needed)
            self._map = mmap.mmap(self._fd, needed)
        return np.frombuffer(self._map, np.uint8, needed).reshape(height, width, _CHANNELS)

    def close(self) -> None:
        """Let go."""
        os.close(self._fd)


def _open_anonymous_file() -> int:
    if not hasattr(os, "memfd_create"):
        with tempfile.TemporaryFile() as file:
            return os.dup(file.fileno())
    fd = os.memfd_create("picture", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    # A child that went bad could take memory away from under whoever reads it.
    fcntl.fcntl(fd, _F_ADD_SEALS, _F_SEAL_SHRINK)
    return fd
