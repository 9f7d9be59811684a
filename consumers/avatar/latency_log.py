"""A line for every frame sent, for measuring a journey from outside the process."""

from dataclasses import asdict
from pathlib import Path

import orjson

from consumers.avatar.sink import SentFrame
from observability.line_file import LineFile


class LatencyLog:
    """Appends one JSON object a frame, with SentFrame's fields: an `on_sent` observer of the sink.

    Each line is written whole and at once, so that a reader can follow the file; one the disk does not take is left
    out.
    """

    def __init__(self, path: Path) -> None:
        """Raises Terminal when the file cannot be opened."""
        self._file = LineFile(path, "HOLISTIC_AVATAR_LATENCY_LOG")

    def __call__(self, sent: SentFrame) -> None:
        """Append the frame's line."""
        self._file.append(orjson.dumps(asdict(sent), option=orjson.OPT_APPEND_NEWLINE))

    def close(self) -> None:
        """Release the file."""
        self._file.close()
