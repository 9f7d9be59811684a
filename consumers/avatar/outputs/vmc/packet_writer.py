"""States as datagrams, whatever is known of each: layouts are made when they are needed, and kept."""

from collections.abc import Callable
from typing import Final, Protocol

from consumers.avatar.outputs.output import Shown
from consumers.avatar.outputs.vmc.numbers import KNOWN
from consumers.avatar.outputs.vmc.state_packets import StatePackets, Wanted
from consumers.avatar.states import Flags

_MOST_LAYOUTS: Final = 16


class Packets(Protocol):
    """The packets of one set of known bones and shapes."""

    def write(self, shown: Shown) -> list[memoryview]:
        """The state as datagrams, good until the next one is written."""


class PacketWriter:
    """Writes states for one target; `lay_out` makes the packets of what it wants and of what is known."""

    def __init__(self, wanted: Wanted, lay_out: Callable[[Wanted, Flags, Flags], Packets] = StatePackets) -> None:
        self._wanted = wanted
        self._lay_out = lay_out
        self._layouts: dict[bytes, Packets] = {}

    def write(self, shown: Shown) -> list[memoryview]:
        """The state as datagrams, good until the next one is written."""
        known = KNOWN.of(shown.states)[shown.row]
        packets = self._layouts.get(known)
        if packets is None:
            if len(self._layouts) >= _MOST_LAYOUTS:
                self._layouts.clear()
            bones_known, shapes_known = shown.states.bones_known[shown.row], shown.states.shapes_known[shown.row]
            packets = self._layouts[known] = self._lay_out(self._wanted, bones_known, shapes_known)
        return packets.write(shown)
