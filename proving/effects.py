"""From capture to effect, for every frame: read from what the consumers and the broker noted, once all is over."""

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import orjson
from kafka import KafkaConsumer, TopicPartition
from numpy.typing import NDArray

from kafka_io.settings import KafkaSettings
from kafka_io.whole_topic import read_whole_topic

_EVENTS_IDLE_MS: Final = 3_000
NEVER_US: Final = 2**62


@dataclass(frozen=True, slots=True)
class Captures:
    """The records of a topic, by capture time: partition, offset and capture in microseconds since 1970, all [N]."""

    partition: NDArray[np.int64]
    offset: NDArray[np.int64]
    captured_at_us: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offset)


@dataclass(frozen=True, slots=True)
class Effects:
    """What became of records: captured and effective when, microseconds since 1970, [N]; NEVER_US for not yet."""

    captured_at_us: NDArray[np.int64]
    effective_at_us: NDArray[np.int64]
    in_order: bool = False

    @property
    def latency_ms(self) -> NDArray[np.float64]:
        """Of those that have an effect, [M]."""
        there = self.effective_at_us < NEVER_US
        return (self.effective_at_us[there] - self.captured_at_us[there]) / 1e3

    def captured_between(self, from_us: int, to_us: int) -> "Effects":
        """Those captured from then until before then; at once where they are in order of capture."""
        if self.in_order:
            chosen = slice(*self.captured_at_us.searchsorted([from_us, to_us]).tolist())
            return Effects(self.captured_at_us[chosen], self.effective_at_us[chosen], in_order=True)
        within = (self.captured_at_us >= from_us) & (self.captured_at_us < to_us)
        return Effects(self.captured_at_us[within], self.effective_at_us[within])

    def sorted_by_capture(self) -> "Effects":
        """The same, in order of capture."""
        order = self.captured_at_us.argsort(kind="stable")
        return Effects(self.captured_at_us[order], self.effective_at_us[order], in_order=True)

    def waiting_at(self, moments_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many were captured and not effective yet at each of these moments, [K]."""
        captured = np.sort(self.captured_at_us).searchsorted(moments_us, side="right")
        done = np.sort(self.effective_at_us).searchsorted(moments_us, side="right")
        return np.asarray(captured - done, dtype=np.int64)


def read_captures(rows: Iterable[tuple[int, int, int]]) -> Captures:
    """From (partition, offset, captured_at in microseconds)."""
    table = np.array(list(rows), dtype=np.int64).reshape(-1, 3)
    table = table[table[:, 2].argsort(kind="stable")]
    return Captures(table[:, 0], table[:, 1], table[:, 2])


def read_durable(path: Path, topic: str) -> dict[str, NDArray[np.int64]]:
    """A durable log's lines by connector: rows of partition, next_offset, at_us, in order of time."""
    found: dict[str, list[tuple[int, int, int]]] = {}
    with path.open("rb") as file:
        for raw in file:
            line = orjson.loads(raw)
            if line["topic"] == topic:
                entry = (line["partition"], line["next_offset"], line["at_us"])
                found.setdefault(line["connector"], []).append(entry)
    tables = {connector: np.array(entries, dtype=np.int64) for connector, entries in found.items()}
    return {connector: table[table[:, 2].argsort(kind="stable")] for connector, table in tables.items()}


def match_durable(captures: Captures, durable: NDArray[np.int64]) -> Effects:
    """When each record's offset first lay below what was durable. `durable` is one connector's of `read_durable`."""
    effective = np.full(len(captures), NEVER_US, dtype=np.int64)
    for partition in np.unique(captures.partition):
        entries = durable[durable[:, 0] == partition]
        if not len(entries):
            continue
        # A task that starts again notes what was durable before once more.
        reached = np.maximum.accumulate(entries[:, 1])
        rows = np.flatnonzero(captures.partition == partition)
        index = reached.searchsorted(captures.offset[rows], side="right")
        noted = np.append(entries[:, 2], NEVER_US)
        effective[rows] = noted[index]
    return Effects(captures.captured_at_us, effective, in_order=True)


def read_sent(path: Path) -> Effects:
    """The frames that were shown, from an avatar service's latency log; not those whose place a newer one took."""
    rows: list[tuple[int, int]] = []
    with path.open("rb") as file:
        for raw in file:
            line = orjson.loads(raw)
            rows.append((line["captured_at_us"], line["sent_at_us"]))
    table = np.array(rows, dtype=np.int64).reshape(-1, 2)
    return Effects(table[:, 0], table[:, 1])


def read_told(kafka: KafkaSettings, topic: str) -> set[str]:
    """The results that events on a topic tell of, by their ids."""
    return {str(orjson.loads(record.value)["gesture_id"]) for record in read_whole_topic(kafka, topic)}


def read_events(kafka: KafkaSettings, topic: str, captures: Captures) -> Effects:
    """The beginnings of gestures on a topic of one partition: from the record that proved one to the broker's clock.

    Ends and movements are known only some time after their last record, so that they say little of latency.
    """
    captured = {
        (partition, offset): at_us
        for partition, offset, at_us in zip(
            captures.partition.tolist(), captures.offset.tolist(), captures.captured_at_us.tolist(), strict=True
        )
    }
    rows = []
    with closing(
        KafkaConsumer(
            **kafka.client_options(), enable_auto_commit=False, consumer_timeout_ms=_EVENTS_IDLE_MS, group_id=None
        )
    ) as consumer:
        place = TopicPartition(topic, 0)
        consumer.assign([place])
        consumer.seek_to_beginning(place)
        for record in consumer:
            event = orjson.loads(record.value)
            source = event["source"]
            at_us = captured.get((source["partition"], source["last_offset"]))
            if event["phase"] == "start" and event["category"] == "shape" and at_us is not None:
                rows.append((at_us, record.timestamp * 1000))
    table = np.array(rows, dtype=np.int64).reshape(-1, 2)
    return Effects(table[:, 0], table[:, 1])
