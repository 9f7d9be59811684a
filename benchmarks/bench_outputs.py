"""What it costs to write and send avatars' states: to one receiver of each kind, and of a hundred performers.

python benchmarks/bench_outputs.py [--json]

Receivers are a socket of this host that nobody reads. "Alone" is a state that no other target had: what is made of its
numbers for all targets counts too.
"""

import socket
import statistics
import time
from collections.abc import Callable

import numpy as np

from benchmarks.figures import print_figures
from consumers.avatar.face.arkit import SHAPE_COUNT
from consumers.avatar.humanoid.skeleton import BONE_COUNT, REST_OFFSETS_M
from consumers.avatar.outputs.output import Output, Shown
from consumers.avatar.outputs.target import make_outputs, parse_targets
from consumers.avatar.outputs.vmc.packet_writer import PacketWriter
from consumers.avatar.outputs.vmc.parts import ALL_PARTS
from consumers.avatar.outputs.vmc.state_packets import Wanted
from consumers.avatar.states import AvatarStates

TARGETS = {
    "vmc": "vmc://{}?names=vrm0,arkit",
    "perfect_sync": "vmc://{}?profile=perfect-sync",
    "performer": "vmc-performer://{}",
    "ifacialmocap": "ifm://{}",
}
ROUNDS = 2000
PERFORMERS = 100
TICKS_A_SECOND = 60
TICKS = 120


def make_states(count: int, seed: int) -> AvatarStates:
    """Performers with every bone turned and every shape open, all known."""
    rng = np.random.default_rng(seed)
    rotations = rng.normal(size=(count, BONE_COUNT, 4))
    return AvatarStates(
        rotations=rotations / np.linalg.norm(rotations, axis=2, keepdims=True),
        shapes=rng.uniform(size=(count, SHAPE_COUNT)),
        root_m=rng.normal(scale=0.1, size=(count, 3)),
        bones_known=np.ones((count, BONE_COUNT), dtype=np.bool_),
        shapes_known=np.ones((count, SHAPE_COUNT), dtype=np.bool_),
        tracked=np.ones(count, dtype=np.bool_),
    )


def show(states: AvatarStates, row: int = 0) -> Shown:
    """One of them, as the sink shows it."""
    return Shown("bench", states, row, now_us=0, captured_at_us=0, elapsed_s=1.0)


def take_us(run: Callable[[Shown], object], shown: list[Shown]) -> float:
    """Median microseconds of a call."""
    took = []
    for index in range(ROUNDS):
        began = time.perf_counter()
        run(shown[index % len(shown)])
        took.append(time.perf_counter() - began)
    return 1e6 * statistics.median(took)


def measure_core_share(outputs: tuple[Output, ...]) -> float:
    """The part of a core that a second of all performers takes, each at a target of its own."""
    ticks = [make_states(len(outputs), seed) for seed in range(3)]
    began = time.process_time()
    for tick in range(TICKS):
        for row, output in enumerate(outputs):
            output.show(show(ticks[tick % len(ticks)], row))
    return (time.process_time() - began) * TICKS_A_SECOND / TICKS


def measure_bare_share(datagrams: list[bytes], here: tuple[str, int]) -> float:
    """The part of a core that a second of the same datagrams takes where nothing but sending them is done."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect(here)
        began = time.process_time()
        for _ in range(TICKS * PERFORMERS):
            for datagram in datagrams:
                sender.send(datagram)
        return (time.process_time() - began) * TICKS_A_SECOND / TICKS


def measure() -> dict[str, float]:
    """All figures."""
    alone = [show(make_states(1, seed)) for seed in range(50)]
    figures: dict[str, float] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        here = "{}:{}".format(*receiver.getsockname())
        for name, target in TARGETS.items():
            (output,) = make_outputs(parse_targets(target.format(here)))
            figures[f"{name}_datagrams"] = output.show(alone[0])
            figures[f"{name}_us"] = take_us(output.show, alone[:1])
            figures[f"{name}_alone_us"] = take_us(output.show, alone)
            output.close()
        writer = PacketWriter(Wanted(parse_targets(TARGETS["vmc"].format(here))[0].profile, ALL_PARTS, REST_OFFSETS_M))
        figures["vmc_writing_us"] = take_us(writer.write, alone[:1])
        outputs = make_outputs(parse_targets(";".join(PERFORMERS * [TARGETS["vmc"].format(here)])))
        share = measure_core_share(outputs)
        bare = measure_bare_share([bytes(packet) for packet in writer.write(alone[0])], receiver.getsockname())
        figures["hundred_performers_core_share"] = share
        figures["hundred_performers_of_bare_sending"] = share / bare
        for output in outputs:
            output.close()
    return figures


if __name__ == "__main__":
    measured = {name: round(value, 2) for name, value in measure().items()}
    print_figures(measured)
