"""VMC to one target: a Marionette, which shows the motion, or a Performer, which takes devices and expressions."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.humanoid.skeleton import BONE_COUNT, REST_OFFSETS_M
from consumers.avatar.outputs.output import Shown
from consumers.avatar.outputs.udp import Address, UdpSender
from consumers.avatar.outputs.vmc.packet_writer import Packets, PacketWriter
from consumers.avatar.outputs.vmc.parts import ALL_PARTS, Part
from consumers.avatar.outputs.vmc.profiles import DEFAULT_PROFILE, Profile
from consumers.avatar.outputs.vmc.state_packets import StatePackets, Wanted
from consumers.avatar.states import Flags

_NO_PLACE_M: Final = 1e-6


class VmcOutput:
    """An Output to one VMC target: the whole state at each call, whether anything changed or not.

    `rest_offsets_m` float64[55, 3] are the places of the target's own bones at rest, in metres; without them the
    built-in skeleton's. `lay_out` is StatePackets for a Marionette, PerformerPackets for a Performer. Raises BadTarget
    when the host's name cannot be resolved, and ValueError for offsets of another shape or with numbers that are none.
    """

    def __init__(
        self,
        target: Address,
        profile: Profile = DEFAULT_PROFILE,
        parts: frozenset[Part] = ALL_PARTS,
        rest_offsets_m: NDArray[np.float64] = REST_OFFSETS_M,
        lay_out: Callable[[Wanted, Flags, Flags], Packets] = StatePackets,
    ) -> None:
        self._writer = PacketWriter(Wanted(profile, parts, _fill_places(rest_offsets_m)), lay_out)
        self._sender = UdpSender([target])

    def show(self, shown: Shown) -> int:
        """As Output says."""
        return self._sender.send(self._writer.write(shown))

    @property
    def refused(self) -> int:
        """As Output says."""
        return self._sender.refused

    def close(self) -> None:
        """As Output says."""
        self._sender.close()


def _fill_places(offsets_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Offsets of a model, the built-in ones where it has none: a receiver collapses bones whose place is zero."""
    offsets_m = np.array(offsets_m, dtype=np.float64)
    if offsets_m.shape != (BONE_COUNT, 3) or not np.isfinite(offsets_m).all():
        raise ValueError(f"rest offsets are {BONE_COUNT} finite places, not an array of {offsets_m.shape}")
    missing = np.abs(offsets_m).max(axis=1) < _NO_PLACE_M
    offsets_m[missing] = REST_OFFSETS_M[missing]
    return offsets_m
