"""The avatar service beside the archive and analytics: ten performers at 30 frames a second, then a hundred alone.

python benchmarks/bench_stage.py [--json] [--seconds N]

Needs Kafka at KAFKA_BOOTSTRAP_SERVERS and Postgres at DATABASE_URL; topics and database are made for the run. Load,
broker, database and all services share the machine. Each performer has a receiver of its own.
"""

import argparse
import json
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.figures import print_figures
from benchmarks.own_database import own_database
from demo.services import Service, ServiceProcesses
from holistic_cli.load import run_load
from kafka_io.admin import create_topics, delete_topic
from kafka_io.settings import KafkaSettings, read_kafka_settings
from keypoints.topics import TopicSpec
from performers.load_plan import LoadPlan
from proving.suite import give_role, open_receivers

FPS = 30
PARTITIONS = 6
SETTLE_S = 3.0


def perform(
    kafka: KafkaSettings, database: str, streams: int, seconds: float, *, beside: bool, directory: Path
) -> dict[str, float]:
    """The figures of so many performers for so long."""
    topic, log = f"bench-stage-{uuid.uuid4().hex[:8]}", directory / f"sent-{streams}.jsonl"
    create_topics(kafka, [TopicSpec(topic, PARTITIONS)])
    shared = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "DATABASE_URL": database,
        "HOLISTIC_TOPIC": topic,
    }
    avatar = Service("consumers.avatar", shared | {"HOLISTIC_VMC_TARGETS": "", "HOLISTIC_AVATAR_LATENCY_LOG": str(log)})
    others = [
        Service("consumers.archive", shared | {"HOLISTIC_ARCHIVE_DIR": str(directory / f"archive-{streams}")}),
        Service("consumers.analytics", shared),
    ]
    try:
        with (
            open_receivers(streams) as receivers,
            ServiceProcesses([avatar, *(others if beside else [])], directory / f"logs-{streams}") as services,
        ):
            plan = LoadPlan(rate=float(FPS * streams), streams=streams, seconds=seconds, topic=topic)
            for stream, target in zip(plan.stream_ids, receivers, strict=True):
                give_role(services.address("avatar"), stream, target)
            process = psutil.Process(services.pid("avatar"))
            before, began = process.cpu_times(), time.monotonic()
            report, error = run_load(plan, kafka)
            used, elapsed_s = process.cpu_times(), time.monotonic() - began - report.rehearsal_s
            if error is not None:
                raise SystemExit(f"frames were lost: {error.message}")
            time.sleep(1.0)
            services.stop()
    finally:
        delete_topic(kafka, topic)
    cpu_s = used.user + used.system - before.user - before.system
    return read_figures(log, streams, seconds) | {"cpu_cores": round(cpu_s / elapsed_s, 3)}


def read_figures(log: Path, streams: int, seconds: float) -> dict[str, float]:
    """Of the frames sent, those of the first seconds left out, in which everybody starts."""
    sent: list[dict[str, Any]] = [json.loads(line) for line in log.read_text().splitlines()]
    first_us = min(line["captured_at_us"] for line in sent)
    steady = [line for line in sent if line["captured_at_us"] - first_us > SETTLE_S * 1e6]
    in_sink_ms = np.array([line["sent_at_us"] - line["received_at_us"] for line in steady]) / 1e3
    in_all_ms = np.array([line["sent_at_us"] - line["captured_at_us"] for line in steady]) / 1e3
    return {
        "frames_shown_share": round(len(steady) / (streams * FPS * (seconds - SETTLE_S)), 4),
        "record_to_datagram_ms_p50": round(float(np.percentile(in_sink_ms, 50)), 2),
        "record_to_datagram_ms_p99": round(float(np.percentile(in_sink_ms, 99)), 2),
        "capture_to_datagram_ms_p50": round(float(np.percentile(in_all_ms, 50)), 2),
        "capture_to_datagram_ms_p99": round(float(np.percentile(in_all_ms, 99)), 2),
    }


def measure(seconds: float) -> dict[str, float]:
    """The figures, each named for how many performers it is of."""
    kafka = read_kafka_settings()
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="holistic-stage-", ignore_cleanup_errors=True) as directory:
        for streams, beside in ((10, True), (100, False)):
            with own_database() as database:
                found = perform(kafka, database, streams, seconds, beside=beside, directory=Path(directory))
            figures |= {f"{'ten' if streams == 10 else 'hundred'}_{name}": value for name, value in found.items()}
    return figures


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long each (default: 20)")
    options = parser.parse_args()
    figures = measure(options.seconds)
    print_figures(figures, options.json)


if __name__ == "__main__":
    main()
