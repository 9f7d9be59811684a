"""`python -m proving.chaos.steady_load`: synthetic performers until SIGTERM, and a line for each acknowledgement.

The file of acknowledgements is made of rows of six little-endian 64-bit integers: partition, offset, number of the
stream, sequence, and when the frame was captured and acknowledged (microseconds since 1970). On SIGTERM it waits for
the fate of what it handed over, and prints what became of all as JSON.
"""

import argparse
import json
import signal
import struct
import sys
import threading
from pathlib import Path
from typing import BinaryIO, Final

from kafka_io.admin import topic_partitions
from kafka_io.publisher import BoundedPublisher, Delivery, PublisherOptions
from kafka_io.schema_topic import announce_schema
from kafka_io.settings import KafkaSettings, read_kafka_settings
from keypoints.errors import HolisticError
from performers.clock import SteadyClock
from performers.load import play_load
from performers.load_plan import LoadPlan, Rehearsal, prepare_load
from performers.load_report import LoadLedger

ROW: Final = struct.Struct("<6q")
LONGEST_S: Final = 3_600.0
_SETTLE_S: Final = 150.0

HELD_BYTES: Final = 4 * 1024 * 1024
"""What it may hold while Kafka is away: less than comes in the time that a fault lasts, so that a bound is met."""


class LoadEnded(Exception):
    """Whoever asked for the load has had enough of it."""


class EndableClock(SteadyClock):
    """The machine's time; waiting for the next frame ends with LoadEnded once `end` is set."""

    def __init__(self, end: threading.Event) -> None:
        super().__init__()
        self._end = end

    def sleep(self, seconds: float) -> None:
        """Wait. Raises LoadEnded."""
        if self._end.wait(seconds):
            raise LoadEnded


class NotedLoad(LoadLedger):
    """Writes down where each record was acknowledged."""

    def __init__(self, rehearsal: Rehearsal, clock: SteadyClock, acks: BinaryIO) -> None:
        super().__init__(len(rehearsal.schedule), clock)
        self._schedule = rehearsal.schedule
        self._now_us = clock.now_us
        self._acks = acks
        self.epoch = 0
        self.handed_over = self.acknowledged = self.failed = 0

    def expect(self, number: int, since_us: int) -> None:
        """A record leaves now, that was to leave at `since_us`."""
        self.epoch = since_us - int(self._schedule.leaves_us[number])
        self.handed_over += 1
        super().expect(number, since_us)

    def settle(self, number: int, error: HolisticError | None) -> None:
        """What the publisher did not take."""
        self.failed += error is not None
        super().settle(number, error)

    def note(self, delivery: Delivery) -> None:
        """What became of a record the publisher took."""
        number = int(str(delivery.tag))
        self.settle(number, delivery.error)
        if delivery.partition is None or delivery.offset is None:
            return
        self.acknowledged += 1
        captured_us = self.epoch + int(self._schedule.captured_us[number])
        stream, sequence = int(self._schedule.stream[number]), int(self._schedule.sequence[number])
        self._acks.write(ROW.pack(delivery.partition, delivery.offset, stream, sequence, captured_us, self._now_us()))

    def as_dict(self) -> dict[str, object]:
        """For JSON. What is neither acknowledged nor failed has no known fate."""
        return {
            "epoch": self.epoch,
            "handed_over": self.handed_over,
            "acknowledged": self.acknowledged,
            "failed": self.failed,
            "error": None if self.first_error is None else self.first_error.message,
        }


def play_until(end: threading.Event, plan: LoadPlan, kafka: KafkaSettings, acks: BinaryIO) -> NotedLoad:
    """Publish until `end` is set, or the plan is over. Raises KafkaUnavailable or KafkaRefused when it cannot begin."""
    topic_partitions(kafka, plan.topic)
    announce_schema(kafka, subject=f"{plan.topic}-value")
    clock = EndableClock(end)
    rehearsal = prepare_load(plan, clock)
    ledger = NotedLoad(rehearsal, clock, acks)
    with BoundedPublisher(kafka, PublisherOptions(max_in_flight_bytes=HELD_BYTES), ledger.note) as publisher:
        publisher.prepare(plan.topic)
        try:
            play_load(rehearsal, publisher, ledger, clock)
        except LoadEnded:
            publisher.flush(_SETTLE_S)
    return ledger


def main() -> int:
    """Publish until SIGTERM; 1 when a record was not acknowledged."""
    parser = argparse.ArgumentParser(description="Synthetic performers until SIGTERM.")
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--streams", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--acks", type=Path, required=True)
    asked = parser.parse_args()
    end = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: end.set())
    plan = LoadPlan(rate=asked.rate, streams=asked.streams, seconds=LONGEST_S, seed=asked.seed, topic=asked.topic)
    with asked.acks.open("ab", buffering=0) as acks:
        ledger = play_until(end, plan, read_kafka_settings(), acks)
    sys.stdout.write(json.dumps(ledger.as_dict()) + "\n")
    return 0 if ledger.acknowledged == ledger.handed_over else 1


if __name__ == "__main__":
    sys.exit(main())
