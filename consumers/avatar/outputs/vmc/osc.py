"""OSC 1.0 packets laid out once and written many times.

What is sent of an avatar never changes but for its numbers. So messages are laid out as one buffer with a slot for each
number, cut into datagrams; to write a state is then a few assignments into the buffer, however many the messages.
"""

import struct
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

LARGEST_DATAGRAM: Final = 1472
"""Bytes: an Ethernet frame's 1,500 without the IP and UDP headers, so that no datagram is split on its way."""

_BUNDLE_HEAD: Final = b"#bundle\x00" + struct.pack(">Q", 1)
"""The time tag 1 means immediately."""


class OscLayout:
    """Messages one after the other, bundled: a new bundle begins whenever the next message would not fit.

    With `bundles` False every message is a datagram of its own, for receivers that know no bundles.
    """

    def __init__(self, bundles: bool = True) -> None:
        self._bundles = bundles
        self._buffer = bytearray()
        self._starts: list[int] = []

    def add(self, address: str, tags: str, *arguments: str | float) -> int:
        """Append a message. Returns the slot (offset in the buffer in units of 4 bytes) of its first number."""
        text = b"".join(pad_string(part) for part in (address, tags, *(a for a in arguments if isinstance(a, str))))
        numbers = [argument for argument in arguments if not isinstance(argument, str)]
        message = text + struct.pack(f">{tags.lstrip(',s')}", *numbers)
        if not self._bundles:
            self._starts.append(len(self._buffer))
        else:
            if not self._starts or len(self._buffer) - self._starts[-1] + 4 + len(message) > LARGEST_DATAGRAM:
                self._starts.append(len(self._buffer))
                self._buffer += _BUNDLE_HEAD
            self._buffer += struct.pack(">i", len(message))
        self._buffer += message
        return (len(self._buffer) - 4 * len(numbers)) // 4

    def finish(self) -> "OscBuffer":
        """The buffer to write into."""
        whole = memoryview(self._buffer)
        bounds = zip(self._starts, [*self._starts[1:], len(self._buffer)], strict=True)
        return OscBuffer(
            floats=np.frombuffer(self._buffer, dtype=">f4"),
            ints=np.frombuffer(self._buffer, dtype=">i4"),
            datagrams=[whole[start:end] for start, end in bounds],
        )


@dataclass(frozen=True, slots=True)
class OscBuffer:
    """One buffer seen in three ways: its slots as float32 or as int32, big-endian, and its datagrams."""

    floats: NDArray[np.float32]
    ints: NDArray[np.int32]
    datagrams: list[memoryview]


def pad_string(text: str) -> bytes:
    """An OSC string: ended by one to four zero bytes so that its length is a multiple of four.

    ASCII in OSC 1.0; the VMC protocol wants UTF-8, which ASCII is a part of.
    """
    encoded = text.encode()
    return encoded + b"\x00" * (4 - len(encoded) % 4)
