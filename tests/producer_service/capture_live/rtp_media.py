"""What a camera made for tests sends: JPEG pictures, or the frames of a recorded video, in RTP payloads."""

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import cv2

from tests.producer_service.capture_live.moods import PICTURES_PER_S, Moods, pictures

_PAYLOAD_BYTES = 1200


class Media(Protocol):
    """How pictures are described, made and cut into payloads, each with whether it is the picture's last."""

    @property
    def described(self) -> tuple[str, ...]:
        """The lines of its description (SDP)."""

    @property
    def payload_type(self) -> int:
        """The type of its packets."""

    def pictures(self, moods: Moods) -> Iterator[bytes]:
        """One after the other, at their rate."""

    def split(self, picture: bytes) -> list[tuple[bytes, bool]]:
        """A picture's payloads."""


class JpegMedia:
    """JPEG over RTP (RFC 2435)."""

    described = ("m=video 0 RTP/AVP 26",)
    payload_type = 26

    def pictures(self, moods: Moods) -> Iterator[bytes]:
        return pictures(moods)

    def split(self, picture: bytes) -> list[tuple[bytes, bool]]:
        """The payloads of one picture of 4:2:0 and standard Huffman tables, and which of them is the last."""
        tables, position = b"", 2
        height = width = 0
        while True:
            marker, length = picture[position + 1], int.from_bytes(picture[position + 2 : position + 4], "big")
            body = picture[position + 4 : position + 2 + length]
            if marker == 0xDB:
                tables += body[1:]
            elif marker == 0xC0:
                height, width = struct.unpack(">HH", body[1:5])
            position += 2 + length
            if marker == 0xDA:
                break
        scan = picture[position:-2]
        payloads = []
        for offset in range(0, len(scan), _PAYLOAD_BYTES):
            header = struct.pack(">II", offset, 0)[:4] + bytes([1, 255, width // 8, height // 8])
            if offset == 0:
                header += struct.pack(">BBH", 0, 0, len(tables)) + tables
            payloads.append((header + scan[offset : offset + _PAYLOAD_BYTES], offset + _PAYLOAD_BYTES >= len(scan)))
        return payloads


class HevcMedia:
    """The frames of a recorded H.265 video over and over (RFC 7798), as they stand in its file."""

    described = ("m=video 0 RTP/AVP 96", "a=rtpmap:96 H265/90000")
    payload_type = 96

    def __init__(self, video: Path) -> None:
        capture = cv2.VideoCapture(str(video), cv2.CAP_FFMPEG)
        capture.set(cv2.CAP_PROP_FORMAT, -1)
        self.frames: list[bytes] = []
        while True:
            there, data = capture.read()
            if not there:
                break
            self.frames.append(data.tobytes())
        capture.release()

    def pictures(self, moods: Moods) -> Iterator[bytes]:
        while True:
            for frame in self.frames:
                if moods.closing.wait(1 / PICTURES_PER_S):
                    return
                yield frame

    def split(self, picture: bytes) -> list[tuple[bytes, bool]]:
        units = [unit for unit in re.split(rb"\x00\x00\x00?\x01", picture) if unit]
        payloads = [payload for unit in units for payload in _split_unit(unit)]
        return [(payload, index == len(payloads) - 1) for index, payload in enumerate(payloads)]


def _split_unit(unit: bytes) -> list[bytes]:
    """One NAL unit as it is, or in fragments."""
    if len(unit) <= _PAYLOAD_BYTES:
        return [unit]
    kind = (unit[0] >> 1) & 0x3F
    head = bytes([(unit[0] & 0x81) | (49 << 1), unit[1]])
    parts = [unit[start : start + _PAYLOAD_BYTES] for start in range(2, len(unit), _PAYLOAD_BYTES)]
    fragments = []
    for index, part in enumerate(parts):
        first_and_last = (0x80 if index == 0 else 0) | (0x40 if index == len(parts) - 1 else 0)
        fragments.append(head + bytes([first_and_last | kind]) + part)
    return fragments
