"""What producers and consumers note while they work, read on and on: where each group is, and what waits for it."""

from pathlib import Path
from typing import Final

import numpy as np
import orjson
from numpy.typing import NDArray

from consumers.analytics.settings import CONNECTOR_NAME as ANALYTICS
from consumers.archive.settings import PARQUET_CONNECTOR, POSTGRES_CONNECTOR
from consumers.avatar.settings import CONNECTOR_NAME as AVATAR
from proving.chaos.steady_load import ROW
from proving.effects import Captures, Effects, match_durable

ACKNOWLEDGED: Final = "acknowledged"
"""The producer's effect; those of the consumers are called by their connectors' names."""
CONNECTORS: Final = (POSTGRES_CONNECTOR, PARQUET_CONNECTOR, ANALYTICS, AVATAR)

Table = NDArray[np.int64]


class EffectLog:
    """Follows the file of a steady load's acknowledgements and the consumers' durable log."""

    def __init__(self, acks: Path, durable: Path, topic: str) -> None:
        self._acks_path = acks
        self._durable_path = durable
        self._topic = topic
        self._acks_read = self._durable_read = 0
        self._acks: list[Table] = []
        self._durable: dict[str, list[Table]] = {}
        self._reached: dict[tuple[str, int], int] = {}
        self._ends: dict[int, int] = {}

    def read_on(self) -> None:
        """Take in what was noted since the last time."""
        self._read_acks()
        self._read_durable()

    @property
    def acks(self) -> Table:
        """[N, 6] as a steady load writes them, in the order they came."""
        return np.concatenate(self._acks) if self._acks else np.empty((0, 6), dtype=np.int64)

    @property
    def ends(self) -> dict[int, int]:
        """Partition → the offset behind the last acknowledged record."""
        return dict(self._ends)

    def count_waiting(self, connector: str) -> int:
        """Acknowledged records a connector has not made durable."""
        return sum(max(0, end - self._reached.get((connector, part), 0)) for part, end in self._ends.items())

    @property
    def last_acknowledged_us(self) -> int:
        """When the newest acknowledgement came; 0 before the first."""
        return int(self._acks[-1][-1, 5]) if self._acks else 0

    def list_effects(self, partition: int | None = None) -> dict[str, Effects]:
        """Each effect of all acknowledged records so far, or of a partition's."""
        acks = self.acks
        if partition is not None:
            acks = acks[acks[:, 0] == partition]
        acks = acks[acks[:, 4].argsort(kind="stable")]
        captures = Captures(acks[:, 0], acks[:, 1], acks[:, 4])
        found = {ACKNOWLEDGED: Effects(acks[:, 4], acks[:, 5])}
        for connector in CONNECTORS:
            noted = self._durable.get(connector)
            table = np.concatenate(noted) if noted else np.empty((0, 3), dtype=np.int64)
            found[connector] = match_durable(captures, table[table[:, 2].argsort(kind="stable")])
        return found

    def _read_acks(self) -> None:
        if not self._acks_path.exists():
            return
        whole = (self._acks_path.stat().st_size - self._acks_read) // ROW.size
        if not whole:
            return
        rows = np.fromfile(self._acks_path, dtype="<i8", count=whole * 6, offset=self._acks_read).reshape(-1, 6)
        self._acks_read += whole * ROW.size
        self._acks.append(rows.astype(np.int64, copy=False))
        for partition in np.unique(rows[:, 0]).tolist():
            end = int(rows[rows[:, 0] == partition, 1].max()) + 1
            self._ends[partition] = max(end, self._ends.get(partition, 0))

    def _read_durable(self) -> None:
        if not self._durable_path.exists():
            return
        with self._durable_path.open("rb") as file:
            file.seek(self._durable_read)
            whole, _, _ = file.read().rpartition(b"\n")
        if not whole:
            return
        self._durable_read += len(whole) + 1
        found: dict[str, list[tuple[int, int, int]]] = {}
        for raw in whole.split(b"\n"):
            line = orjson.loads(raw)
            if line["topic"] != self._topic:
                continue
            connector, partition, reached = line["connector"], line["partition"], line["next_offset"]
            found.setdefault(connector, []).append((partition, reached, line["at_us"]))
            key = (connector, partition)
            self._reached[key] = max(reached, self._reached.get(key, 0))
        for connector, entries in found.items():
            self._durable.setdefault(connector, []).append(np.array(entries, dtype=np.int64))
