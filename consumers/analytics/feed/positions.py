"""Where a reader stands in the topic of events, as text: the id of each message it is sent."""

import re
from collections.abc import Mapping
from typing import Final

from keypoints.errors import Terminal

Positions = Mapping[int, int]
"""The next offset of each partition."""

_FORM: Final = re.compile(r"[0-9]{1,9}:[0-9]{1,19}(,[0-9]{1,9}:[0-9]{1,19})*", re.ASCII)
_LONGEST: Final = 16_384
_LARGEST_OFFSET: Final = 2**63 - 1


class BadPosition(Terminal):
    """An id that no message of the feed has. Fields: given."""


def write_positions(positions: Positions) -> str:
    """As `0:17,3:4`: partition and next offset, by partition."""
    return ",".join(f"{partition}:{offset}" for partition, offset in sorted(positions.items()))


def read_positions(text: str) -> dict[int, int]:
    """What `write_positions` wrote. Raises BadPosition."""
    if len(text) <= _LONGEST and _FORM.fullmatch(text):
        pairs = [part.split(":") for part in text.split(",")]
        positions = {int(partition): int(offset) for partition, offset in pairs}
        if len(positions) == len(pairs) and max(positions.values()) <= _LARGEST_OFFSET:
            return positions
    raise BadPosition(
        f"{text[:80]!r} is no id of an event", hint="give the id of the last message read, as 0:17,1:4", given=text[:80]
    )
