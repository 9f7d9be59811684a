"""A recording of VMC packets, made without a receiver: what would have been sent, when; the monitor's own format."""

from collections.abc import Callable
from typing import BinaryIO, Final

from consumers.avatar.humanoid.skeleton import REST_OFFSETS_M
from consumers.avatar.monitor.recording import PacketRecorder
from consumers.avatar.outputs.output import Shown
from consumers.avatar.outputs.vmc.numbers import KNOWN
from consumers.avatar.outputs.vmc.parts import ALL_PARTS
from consumers.avatar.outputs.vmc.profiles import DEFAULT_PROFILE, Profile
from consumers.avatar.outputs.vmc.state_packets import StatePackets, Wanted
from consumers.avatar.states import AvatarStates

_MOST_LAYOUTS: Final = 16


class VmcRecordingFile:
    """Every state whole, at its time from the take's beginning on; streams to `file`.

    `began_us` says when the take began, in microseconds since 1970; it is asked with the first state.
    """

    def __init__(
        self,
        file: BinaryIO,
        stream_id: str,
        rate: float,
        began_us: Callable[[], int],
        profile: Profile = DEFAULT_PROFILE,
    ) -> None:
        self._file = file
        self._stream_id = stream_id
        self._rate = rate
        self._ask_began_us = began_us
        self._wanted = Wanted(profile, ALL_PARTS, REST_OFFSETS_M)
        self._layouts: dict[bytes, StatePackets] = {}
        self._recorder: PacketRecorder | None = None
        self._began_us = 0
        self._frames = 0

    def add(self, states: AvatarStates) -> None:
        """As MotionFile says."""
        recorder = self._recorder or self._begin()
        known = KNOWN.of(states)
        for row in range(len(states)):
            elapsed_s = self._frames / self._rate
            at_us = self._began_us + round(1e6 * elapsed_s)
            shown = Shown(self._stream_id, states, row, at_us, at_us, elapsed_s)
            for packet in self._find_layout(known[row], shown).write(shown):
                recorder.add(at_us, self._wanted.profile.port, bytes(packet))
            self._frames += 1

    def finish(self) -> None:
        """As MotionFile says."""
        if self._recorder is None:
            self._begin()

    def _begin(self) -> PacketRecorder:
        self._began_us = self._ask_began_us()
        self._recorder = PacketRecorder(self._file, self._began_us)
        return self._recorder

    def _find_layout(self, known: bytes, shown: Shown) -> StatePackets:
        if known not in self._layouts:
            if len(self._layouts) >= _MOST_LAYOUTS:
                self._layouts.clear()
            states, row = shown.states, shown.row
            self._layouts[known] = StatePackets(self._wanted, states.bones_known[row], states.shapes_known[row])
        return self._layouts[known]
