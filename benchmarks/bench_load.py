"""What `holistic load` costs at 800 frames a second of 40 performers, and whether it holds that rate.

python benchmarks/bench_load.py [--json] [--seconds N]

Needs Kafka at KAFKA_BOOTSTRAP_SERVERS; its topic is made for the run and deleted. Rendering the performers comes before
the clock starts, and is given apart. Beside it stands what kafka-python's producer alone costs with the same records on
the same schedule: no load that publishes through it can cost less.
"""

import argparse
import uuid
from collections.abc import Sequence

from kafka import KafkaProducer

from benchmarks.figures import print_figures
from holistic_cli.load import run_load
from kafka_io.admin import create_topics, delete_topic
from kafka_io.publisher import PublisherOptions
from kafka_io.settings import KafkaSettings, read_kafka_settings
from keypoints.topics import TopicSpec
from performers.clock import SteadyClock
from performers.load import play_load
from performers.load_plan import LoadPlan, prepare_load
from performers.load_report import LoadLedger

RATE = 800.0
STREAMS = 40
PARTITIONS = 6
BARE_S = 10.0


class BareProducer:
    """kafka-python's producer with the suite's settings, asked for nothing but to send."""

    def __init__(self, settings: KafkaSettings, ledger: LoadLedger) -> None:
        options = PublisherOptions()
        self._ledger = ledger
        self._numbers: list[int] = []
        self._producer = KafkaProducer(
            **settings.client_options(),
            acks="all",
            enable_idempotence=True,
            compression_type="zstd",
            linger_ms=options.linger_ms,
            batch_size=options.batch_bytes,
            metrics_enabled=False,
        )

    def publish(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
        timestamp_ms: int | None = None,
        tag: object = None,
    ) -> None:
        """Send."""
        assert isinstance(tag, int)
        self._numbers.append(tag)
        self._producer.send(topic, value, key, list(headers), None, timestamp_ms)

    def flush(self, timeout_s: float = 60.0) -> None:
        """Wait for all; none of them is looked at."""
        self._producer.flush(timeout_s)
        for number in self._numbers:
            self._ledger.settle(number, None)

    def close(self) -> None:
        """Let go of the connection."""
        self._producer.close()


def measure_bare_cores(settings: KafkaSettings, topic: str) -> float:
    """Cores that kafka-python's producer alone needs for the same records."""
    clock = SteadyClock()
    rehearsal = prepare_load(LoadPlan(rate=RATE, streams=STREAMS, seconds=BARE_S, topic=topic), clock)
    ledger = LoadLedger(len(rehearsal.schedule), clock)
    producer = BareProducer(settings, ledger)
    try:
        return play_load(rehearsal, producer, ledger, clock).cpu_cores
    finally:
        producer.close()


def measure(seconds: float) -> dict[str, float]:
    """The figures."""
    settings = read_kafka_settings()
    topic = f"bench-load-{uuid.uuid4().hex[:8]}"
    create_topics(settings, [TopicSpec(topic, PARTITIONS)])
    try:
        report, error = run_load(LoadPlan(rate=RATE, streams=STREAMS, seconds=seconds, topic=topic), settings)
        bare_cores = measure_bare_cores(settings, topic)
    finally:
        delete_topic(settings, topic)
    if error is not None:
        raise SystemExit(f"frames were lost: {error.message}")
    return {
        "achieved_rate": report.achieved_rate,
        "cpu_cores": report.cpu_cores,
        "cpu_cores_user": report.cpu_cores_user,
        "cpu_cores_sys": report.cpu_cores_sys,
        "late": float(report.late),
        "unacknowledged": float(report.failed),
        "ack_ms_p50": report.ack_ms_p50 or float("nan"),
        "ack_ms_p99": report.ack_ms_p99 or float("nan"),
        "rehearsal_s": report.rehearsal_s,
        "bare_producer_cores": bare_cores,
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long (default: 60)")
    options = parser.parse_args()
    figures = measure(options.seconds)
    print_figures(figures, options.json)


if __name__ == "__main__":
    main()
