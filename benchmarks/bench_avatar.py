"""The avatar: frames solved a second, microseconds to write a state, and from a record put to its last datagram.

python benchmarks/bench_avatar.py [--json]
"""

import json
import socket
import sys
import time
from collections.abc import Callable

import numpy as np
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from connect_runtime.sink import Assignment, TopicPartition
from consumers.avatar.humanoid.skeleton import REST_OFFSETS_M, Bone
from consumers.avatar.outputs.udp import Target, UdpSender
from consumers.avatar.outputs.vmc.packets import PacketWriter
from consumers.avatar.run import read_clock_us
from consumers.avatar.sink import AvatarOptions, AvatarSink, SentFrame
from consumers.avatar.smoothing.motion import AvatarState, Motion
from consumers.avatar.solver.solve import solve
from keypoints import FrameBatch
from observability.metrics import Metrics
from performers.acts import Act, ActKind
from performers.performer import Performer

FRAMES = 300
FPS = 30.0
ROUNDS = 7


def perform(first_s: float = 0.0, frames: int = FRAMES) -> FrameBatch:
    """A performer who waves and speaks, seen whole."""
    script = [Act(ActKind.WAVE, 0.0, 20.0), Act(ActKind.SPEAK, 0.0, 20.0)]
    return Performer("dancer", script, seed=1).batch(first_s + np.arange(frames) / FPS)


def time_one(work: Callable[[], object], repeat: int) -> float:
    """Seconds of processor time of one call: the best of several rounds, which busy neighbours disturb least."""
    work()
    rounds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(repeat):
            work()
        rounds.append((time.process_time() - began) / repeat)
    return min(rounds)


def write_with_python_osc(state: AvatarState) -> bytes:
    """The bones alone, as one bundle built by python-osc: what a straightforward sender costs."""
    bundle = OscBundleBuilder(IMMEDIATELY)
    for bone in Bone:
        message = OscMessageBuilder("/VMC/Ext/Bone/Pos")
        message.add_arg(bone.unity_name)
        for value in (*REST_OFFSETS_M[bone].tolist(), *state.rotations[bone].tolist()):
            message.add_arg(value, "f")
        bundle.add_content(message.build())
    datagram: bytes = bundle.build().dgram
    return datagram


def put_one_by_one(batch: FrameBatch) -> list[SentFrame]:
    """Each frame put alone into a sink that sends to a socket of this process, paced as a performer is."""
    sent: list[SentFrame] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        sink = AvatarSink(
            AvatarOptions(stale_after_s=None),
            UdpSender([Target(*receiver.getsockname())]),
            Metrics(),
            read_clock_us,
            on_sent=sent.append,
        )
        sink.open(Assignment((TopicPartition(batch.topic, 0),), 1, "bench", 0))
        for row in range(len(batch)):
            sink.put(batch.take([row]))
            time.sleep(0.002)
        sink.stop()
    return sent


def measure() -> dict[str, object]:
    """The figures, in seconds, microseconds and frames a second of one core."""
    batch = perform()
    solved, motion, writer = solve(batch), Motion(), PacketWriter()
    for row in range(len(batch)):
        motion.observe(solved.rotations[row], solved.shapes[row], float(batch.captured_at_us[row]) / 1e6)
    state = motion.state_at(len(batch) / FPS)
    everything = AvatarState(state.rotations, state.shapes, np.full(55, True), np.full(len(state.shapes), True), True)
    at_s = float(batch.captured_at_us[-1]) / 1e6

    def smooth() -> None:
        nonlocal at_s
        at_s += 1 / FPS
        motion.observe(solved.rotations[-1], solved.shapes[-1], at_s)
        motion.state_at(at_s)

    sent = put_one_by_one(batch)
    waits_ms = np.array([frame.sent_at_us - frame.received_at_us for frame in sent]) / 1e3
    state_us = time_one(lambda: writer.write(everything, 1.0), 200) * 1e6
    return {
        "frames": len(batch),
        "solver_frames_per_s": round(len(batch) / time_one(lambda: solve(batch), 1)),
        "solver_frames_per_s_one_by_one": round(1 / time_one(lambda: solve(batch.take([7])), 20)),
        "smoothing_us": round(time_one(smooth, 50) * 1e6, 1),
        "encode_state_us": round(state_us, 1),
        "encode_times_faster_than_python_osc": round(
            time_one(lambda: write_with_python_osc(everything), 5) * 1e6 / state_us, 1
        ),
        "datagrams_per_state": len(writer.write(everything, 1.0)),
        "largest_datagram_bytes": max(len(datagram) for datagram in writer.write(everything, 1.0)),
        "record_to_datagram_ms_p50": round(float(np.percentile(waits_ms, 50)), 3),
        "record_to_datagram_ms_p99": round(float(np.percentile(waits_ms, 99)), 3),
    }


def main() -> None:
    """Print the figures, as one line of JSON with `--json`."""
    figures = measure()
    if "--json" in sys.argv[1:]:
        sys.stdout.write(json.dumps(figures) + "\n")
        return
    for name, value in figures.items():
        sys.stdout.write(f"{name:<40} {value}\n")


if __name__ == "__main__":
    main()
