"""Generate synthetic performers, and publish 800 frames a second of 40 of them.

python benchmarks/bench_performers.py [--json]

Needs Kafka at KAFKA_BOOTSTRAP_SERVERS; its topic is made for the run and deleted.
"""

import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from statistics import median

import numpy as np

from benchmarks.figures import print_figures
from holistic_cli.load import run_load
from kafka_io.admin import create_topics, delete_topic
from kafka_io.settings import read_kafka_settings
from keypoints.topics import TopicSpec
from performers.acts import ActKind
from performers.load_plan import DEFAULT_ACTS, LoadPlan
from performers.loops import Reel, cycle_acts, rehearse
from performers.noise import Noise
from performers.performer import Performer, Stage
from performers.schedule import Look

FRAMES = 3_000
ROUNDS = 5
FPS = 30.0
RATE = 800.0
STREAMS = 40
SECONDS = 15.0


def frames_per_cpu_s(work: Callable[[], int]) -> float:
    """The median rate of a few rounds, in frames a second of processor time."""
    work()
    rates = []
    for _ in range(ROUNDS):
        started = time.process_time()
        frames = work()
        rates.append(frames / (time.process_time() - started))
    return median(rates)


def measure_generation() -> dict[str, float]:
    """Frames a second of one core, straight from the skeleton, with noise and without, and played from a loop."""
    at_s = np.arange(FRAMES) / FPS
    script = cycle_acts(list(ActKind))
    noisy = Performer("noisy", script, seed=1)
    oracle = Performer("oracle", script, seed=1, stage=Stage(noise=Noise(0.0)))
    streams = [f"stream-{number}" for number in range(STREAMS)]
    reel = Reel(rehearse(streams, [DEFAULT_ACTS] * STREAMS, RATE / STREAMS, seed=1))

    def replay() -> int:
        for number in range(FRAMES):
            sequence, stream = divmod(number, STREAMS)
            at_us = round(number * 1e6 / RATE)
            reel.record(stream, at_us, Look.AS_SEEN, sequence=sequence, epoch=1, times_us=(number, number))
        return FRAMES

    return {
        "generated_frames_per_s": frames_per_cpu_s(lambda: len(noisy.batch(at_s))),
        "generated_without_noise_frames_per_s": frames_per_cpu_s(lambda: len(oracle.batch(at_s))),
        "replayed_and_encoded_frames_per_s": frames_per_cpu_s(replay),
    }


def measure_load() -> dict[str, float]:
    """What a paced load costs this process, and how fast it goes when nothing holds it."""
    settings = read_kafka_settings()
    topic = f"bench-load-{uuid.uuid4().hex[:8]}"
    plan = LoadPlan(rate=RATE, streams=STREAMS, seconds=SECONDS, topic=topic)
    create_topics(settings, [TopicSpec(topic, 6)])
    try:
        cpu, began = time.process_time(), time.monotonic()
        paced, _ = run_load(plan, settings)
        cores = (time.process_time() - cpu) / (time.monotonic() - began)
        fastest, _ = run_load(replace(plan, as_fast_as_possible=True), settings)
    finally:
        delete_topic(settings, topic)
    return {
        "load_asked_frames_per_s": paced.asked_rate,
        "load_achieved_frames_per_s": paced.achieved_rate,
        "load_unacknowledged": float(paced.failed),
        "load_late_share": paced.late / paced.frames,
        "load_cores": cores,
        "load_ack_ms_p50": paced.ack_ms_p50 or float("nan"),
        "load_ack_ms_p99": paced.ack_ms_p99 or float("nan"),
        "fastest_frames_per_s": fastest.achieved_rate,
    }


def main() -> None:
    """Print the figures."""
    figures = measure_generation() | measure_load()
    print_figures(figures)


if __name__ == "__main__":
    main()
