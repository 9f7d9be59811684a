"""A line for every frame sent, for measuring a journey from outside the process."""

from dataclasses import asdict
from pathlib import Path

import orjson

from consumers.avatar.sink import SentFrame


class LatencyLog:
    """Appends one JSON object a frame, with SentFrame's fields: an `on_sent` observer of the sink.

    Each line is written whole and at once, so that a reader can follow the file.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def __call__(self, sent: SentFrame) -> None:
        """Append the frame's line."""
        self._file.write(orjson.dumps(asdict(sent), option=orjson.OPT_APPEND_NEWLINE))

    def close(self) -> None:
        """Release the file."""
        self._file.close()
