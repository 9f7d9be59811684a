"""The avatar in one process: frames solved a second, what a state costs, and a hundred performers on one stage.

python benchmarks/bench_avatar.py [--json]
"""

import socket
import time
from collections.abc import Callable
from contextlib import ExitStack, closing

import numpy as np
from numpy.typing import NDArray
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from benchmarks.figures import print_figures
from connect_runtime.compacted_log import MemoryCompactedLog
from connect_runtime.sink import Assignment, TopicPartition
from consumers.avatar.cast.book import RoleBook
from consumers.avatar.cast.role import Role
from consumers.avatar.cast.showing import DefaultTargets, Showing
from consumers.avatar.humanoid.skeleton import REST_OFFSETS_M, Bone
from consumers.avatar.outputs.output import Output, Shown
from consumers.avatar.outputs.target import make_output, parse_target
from consumers.avatar.run import read_clock_us
from consumers.avatar.sink import AvatarSink, Observers, SentFrame
from consumers.avatar.smoothing.motions import Motions
from consumers.avatar.solver.solve import Solver
from consumers.avatar.stage.stage import Stage, StageOptions
from consumers.avatar.states import AvatarStates
from keypoints import FrameBatch
from observability.metrics import Metrics
from performers.acts import Act, ActKind
from performers.performer import Performer

PERFORMERS = 100
FRAMES = 60
FPS = 30.0
ROUNDS = 7
SECONDS = 10.0


def perform(number: int, frames: int = FRAMES) -> FrameBatch:
    """One performer, seen whole, who waves and speaks, beginning somewhere in the act."""
    script = [Act(ActKind.WAVE, 0.0, 20.0), Act(ActKind.SPEAK, 0.0, 20.0)]
    performer = Performer(f"dancer-{number:03}", script, seed=number)
    return performer.batch(0.05 * number + np.arange(frames) / FPS)


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


def measure_in_turn(scenes: list[FrameBatch], slots: NDArray[np.intp]) -> tuple[float, float, AvatarStates]:
    """Seconds of processor time to solve and to smooth one scene (with two states of it), and the last states."""
    solver, motions = Solver(len(slots)), Motions(len(slots))
    solving, smoothing, states = [], [], None
    for scene in scenes:
        at_s = scene.captured_at_us / 1e6
        began = time.process_time()
        solved = solver.solve(scene, slots)
        solved_at = time.process_time()
        motions.observe(slots, solved, at_s, at_s)
        motions.states_at(slots, at_s)
        states = motions.states_at(slots, at_s + 1 / 60)
        smoothing.append(time.process_time() - solved_at)
        solving.append(solved_at - began)
    assert states is not None
    # The caches and the clock of the processor are warm by then; a busy neighbour is not in the median.
    half = len(scenes) // 2
    return float(np.median(solving[half:])), float(np.median(smoothing[half:])), states


def write_with_python_osc(states: AvatarStates) -> bytes:
    """The bones alone, as one bundle built by python-osc: what a straightforward sender costs."""
    bundle = OscBundleBuilder(IMMEDIATELY)
    for bone in Bone:
        message = OscMessageBuilder("/VMC/Ext/Bone/Pos")
        message.add_arg(bone.unity_name)
        for value in (*REST_OFFSETS_M[bone].tolist(), *states.rotations[0, bone].tolist()):
            message.add_arg(value, "f")
        bundle.add_content(message.build())
    datagram: bytes = bundle.build().dgram
    return datagram


def show_all(output: Output, states: AvatarStates) -> int:
    """Every performer's state, to one output."""
    return sum(output.show(Shown("bench", states, row, 0, 0, 1.0)) for row in range(len(states)))


def stage_everybody(performances: list[FrameBatch]) -> dict[str, float]:
    """A hundred performers at 30 frames a second and 60 states, for seconds, each with a receiver of its own.

    Frames come in as they do from Kafka: whoever's frame is due since the last look, in one batch.
    """
    with ExitStack() as held:
        receivers = [
            held.enter_context(closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))) for _ in performances
        ]
        book = RoleBook(MemoryCompactedLog())
        for number, receiver in enumerate(receivers):
            receiver.bind(("127.0.0.1", 0))
            host, port = receiver.getsockname()
            book.give(Role(stream=f"dancer-{number:03}", targets=(f"{host}:{port}",)))
        sent: list[SentFrame] = []
        showing = Showing(book, DefaultTargets(), lambda text: make_output(parse_target(text)))
        stage = Stage(StageOptions(stale_after_s=None))
        sink = AvatarSink(stage, showing, Metrics(), read_clock_us, Observers(on_sent=sent.append))
        sink.open(Assignment((TopicPartition(performances[0].topic, 0),), 1, "bench", 0))
        everything = FrameBatch.concat(performances)
        count, frames = len(performances), len(performances[0])
        due_s = (np.arange(frames)[None] + np.linspace(0.0, 1.0, count, endpoint=False)[:, None]) / FPS
        order = np.argsort(due_s.ravel())
        due_s = due_s.ravel()[order]
        began, cpu_began, reached, put_late = time.monotonic(), time.process_time(), 0, []
        while reached < len(order):
            now_s = time.monotonic() - began
            until = int(np.searchsorted(due_s, now_s, side="right"))
            if until > reached:
                put_late.append(now_s - float(due_s[reached]))
                sink.put(everything.take(order[reached:until]))
                reached = until
                continue
            pause_s = min(sink.tick_interval_s, float(due_s[reached]) - now_s)
            if pause_s > 0.001:
                time.sleep(pause_s)
            if sink.tick_interval_s <= 0.001:
                sink.tick()
        elapsed_s, cpu_s = time.monotonic() - began, time.process_time() - cpu_began
        sink.stop()
    waits_ms = np.array([frame.sent_at_us - frame.received_at_us for frame in sent]) / 1e3
    return {
        "stage_frames_shown_share": round(len(sent) / len(order), 4),
        "stage_cpu_cores": round(cpu_s / elapsed_s, 3),
        "stage_record_to_datagram_ms_p50": round(float(np.percentile(waits_ms, 50)), 2),
        "stage_record_to_datagram_ms_p99": round(float(np.percentile(waits_ms, 99)), 2),
        "stage_waited_for_sink_ms_p99": round(1e3 * float(np.percentile(put_late, 99)), 2),
    }


def measure() -> dict[str, object]:
    """The figures, in seconds, microseconds and frames a second of one core."""
    performances = [perform(number, int(SECONDS * FPS)) for number in range(PERFORMERS)]
    slots = np.arange(PERFORMERS)
    scenes = [FrameBatch.concat([performance.take([frame]) for performance in performances]) for frame in range(FRAMES)]
    solve_s, smooth_s, states = measure_in_turn(scenes, slots)
    alone_s, smooth_alone_s, _ = measure_in_turn([performances[0].take([frame]) for frame in range(200)], slots[:1])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        host, port = receiver.getsockname()
        with closing(make_output(parse_target(f"{host}:{port}"))) as output:
            datagrams = show_all(output, states) / len(states)
            show_us = time_one(lambda: show_all(output, states), 5) / len(states) * 1e6
    return {
        "performers": PERFORMERS,
        "solver_frames_per_s": round(PERFORMERS / solve_s),
        "solver_and_smoothing_frames_per_s": round(PERFORMERS / (solve_s + smooth_s)),
        "smoothing_us_a_frame": round(smooth_s / PERFORMERS * 1e6, 1),
        "solver_us_one_by_one": round(alone_s * 1e6),
        "smoothing_us_one_by_one": round(smooth_alone_s * 1e6),
        "send_state_us": round(show_us, 1),
        "send_state_times_faster_than_python_osc_encodes": round(
            time_one(lambda: write_with_python_osc(states), 5) * 1e6 / show_us, 1
        ),
        "datagrams_per_state": round(datagrams, 2),
        **stage_everybody(performances),
    }


def main() -> None:
    """Print the figures, as one line of JSON with `--json`."""
    figures = measure()
    print_figures(figures)


if __name__ == "__main__":
    main()
