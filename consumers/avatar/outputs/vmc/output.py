"""VMC to one target: a Marionette, which shows the motion, or a Performer, which takes devices and expressions."""

from collections.abc import Callable
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.humanoid.skeleton import BONE_COUNT, REST_OFFSETS_M
from consumers.avatar.outputs.output import Shown
from consumers.avatar.outputs.udp import Address, UdpSender
from consumers.avatar.outputs.vmc.numbers import KNOWN
from consumers.avatar.outputs.vmc.parts import ALL_PARTS, Part
from consumers.avatar.outputs.vmc.profiles import DEFAULT_PROFILE, Profile
from consumers.avatar.outputs.vmc.state_packets import StatePackets, Wanted
from consumers.avatar.states import Flags

_MOST_LAYOUTS: Final = 16
_NO_PLACE_M: Final = 1e-6


class Packets(Protocol):
    """The packets of one set of known bones and shapes."""

    def write(self, shown: Shown) -> list[memoryview]:
        """The state as datagrams, good until the next one is written."""


class VmcOutput:
    """An Output to one VMC target: the whole state at each call, whether anything changed or not.

    `rest_offsets_m` float64[55, 3] are the places of the target's own bones at rest, in metres; without them the
    built-in skeleton's. Raises BadTarget when the host's name cannot be resolved, and ValueError for offsets of another
    shape or with numbers that are none.
    """

    def __init__(
        self,
        target: Address,
        profile: Profile = DEFAULT_PROFILE,
        parts: frozenset[Part] = ALL_PARTS,
        rest_offsets_m: NDArray[np.float64] = REST_OFFSETS_M,
        lay_out: Callable[[Wanted, Flags, Flags], Packets] = StatePackets,
    ) -> None:
        self._wanted = Wanted(profile, parts, _fill_places(rest_offsets_m))
        self._lay_out = lay_out
        self._layouts: dict[bytes, Packets] = {}
        self._sender = UdpSender([target])

    def show(self, shown: Shown) -> int:
        """As Output says."""
        known = KNOWN.of(shown.states)[shown.row]
        packets = self._layouts.get(known)
        if packets is None:
            packets = self._add_layout(known, shown)
        return self._sender.send(packets.write(shown))

    @property
    def refused(self) -> int:
        """As Output says."""
        return self._sender.refused

    def close(self) -> None:
        """As Output says."""
        self._sender.close()

    def _add_layout(self, known: bytes, shown: Shown) -> Packets:
        if len(self._layouts) >= _MOST_LAYOUTS:
            self._layouts.clear()
        states, row = shown.states, shown.row
        packets = self._layouts[known] = self._lay_out(self._wanted, states.bones_known[row], states.shapes_known[row])
        return packets


def _fill_places(offsets_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Offsets of a model, the built-in ones where it has none: a receiver collapses bones whose place is zero."""
    offsets_m = np.array(offsets_m, dtype=np.float64)
    if offsets_m.shape != (BONE_COUNT, 3) or not np.isfinite(offsets_m).all():
        raise ValueError(f"rest offsets are {BONE_COUNT} finite places, not an array of {offsets_m.shape}")
    missing = np.abs(offsets_m).max(axis=1) < _NO_PLACE_M
    offsets_m[missing] = REST_OFFSETS_M[missing]
    return offsets_m
