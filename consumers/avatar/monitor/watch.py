"""Watching and playing: the loops behind `holistic avatar monitor`."""

from collections.abc import Callable, Iterable
from typing import Final

from consumers.avatar.monitor.listener import Listener
from consumers.avatar.monitor.recording import PacketRecorder, RecordedPacket
from consumers.avatar.monitor.seen import Seen
from consumers.avatar.outputs.udp import UdpSender

_LONGEST_WAIT_S: Final = 0.1


def watch_packets(
    listener: Listener,
    now_s: Callable[[], float],
    until_s: float | None,
    on_seen: Callable[[Seen, float], None],
    recorder: PacketRecorder | None = None,
) -> Seen:
    """Receive until `now_s` has come to `until_s` (None: until interrupted), and return what was seen.

    `on_seen` is told what there is after whatever came, at least ten times a second. The recorder gets every packet,
    at seconds since 1970 if that is what `now_s` counts.
    """
    seen = Seen()
    while until_s is None or now_s() < until_s:
        left_s = _LONGEST_WAIT_S if until_s is None else min(_LONGEST_WAIT_S, max(0.0, until_s - now_s()))
        for packet in listener.receive(left_s):
            seen.receive(packet)
            if recorder is not None:
                recorder.add(round(packet.at_s * 1e6), packet.port, packet.data)
        on_seen(seen, now_s())
    return seen


def play_packets(
    packets: Iterable[RecordedPacket],
    sender: UdpSender,
    now_s: Callable[[], float],
    sleep: Callable[[float], None],
    speed: float = 1.0,
) -> int:
    """Send recorded packets to the sender's targets, each at its own time divided by `speed`.

    Returns how many datagrams left. One that is late is sent at once.
    """
    began_s, left = now_s(), 0
    for packet in packets:
        early_s = began_s + packet.at_s / speed - now_s()
        if early_s > 0.0:
            sleep(early_s)
        left += sender.send([packet.data])
    return left
