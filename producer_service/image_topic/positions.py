"""Where in the topic of frames one would find what was made of images that are not committed yet.

It is kept in the metadata of each committed offset, so that whoever takes the partition over need only look there.
"""

import re
from dataclasses import dataclass
from typing import Final

_FORM: Final = re.compile(r"1 ([a-zA-Z0-9._-]{1,249}) (?:(-)|([0-9a-f]+(?:,[0-9a-f]+)*))")
_LARGEST_METADATA: Final = 4096
"""What a broker takes, unless it is told otherwise."""


@dataclass(frozen=True, slots=True)
class OutputPositions:
    """For each partition of the topic of frames an offset before which there is nothing of these images.

    `offsets` None: there is nothing of them anywhere.
    """

    topic: str
    offsets: tuple[int, ...] | None

    def by_partition(self) -> dict[int, int]:
        """Partition → offset."""
        return dict(enumerate(self.offsets or ()))


def format_positions(positions: OutputPositions) -> str:
    """For the metadata of a committed offset; empty where a broker would not take it (some hundred partitions)."""
    where = "-" if positions.offsets is None else ",".join(format(offset, "x") for offset in positions.offsets)
    text = f"1 {positions.topic} {where}"
    return text if len(text) <= _LARGEST_METADATA else ""


def parse_positions(metadata: str | None, topic: str) -> OutputPositions | None:
    """The positions in `topic` that were noted, or None where there are none: somebody moved the offset by hand."""
    found = _FORM.fullmatch(metadata or "")
    if found is None or found[1] != topic:
        return None
    offsets = None if found[2] else tuple(int(offset, 16) for offset in found[3].split(","))
    return OutputPositions(topic, offsets)
