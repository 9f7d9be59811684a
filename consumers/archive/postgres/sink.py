"""The sink that keeps frames in Postgres."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from connect_runtime.sink import Assignment, TopicPartition
from consumers.archive.metrics import PostgresMetrics
from consumers.archive.postgres.connection import connect
from consumers.archive.postgres.days import DayWindow, days_ahead, make_days
from consumers.archive.postgres.frame_writer import FrameWriter
from consumers.archive.postgres.lanes import LaneOptions, WriteLanes
from consumers.archive.postgres.topic_refs import TopicIds, TopicRefs
from consumers.archive.postgres.upkeep import Upkeep
from keypoints.frame import FrameBatch
from observability.metrics import Metrics

_TICK_S: Final = 0.05
_IDLE_TICK_S: Final = 1.0


class PostgresSink:
    """Writes each record once, keyed by its identity; the group's committed offsets say where to go on."""

    writer_class: type[FrameWriter] = FrameWriter

    def __init__(
        self,
        database_url: str,
        topic_ids: TopicIds,
        now_us: Callable[[], int],
        window: DayWindow | None = None,
        lanes: LaneOptions = LaneOptions(),  # noqa: B008 - frozen
        metrics: Metrics | None = None,
    ) -> None:
        self._database_url = database_url
        self._now_us = now_us
        self._topic_refs = TopicRefs(topic_ids)
        kept = window or DayWindow()
        self._upkeep = Upkeep(database_url, kept, now_us)
        counts = PostgresMetrics(metrics or Metrics())
        self._lanes = WriteLanes(
            lambda: self.writer_class(database_url, self._topic_refs, kept, now_us, counts),
            lanes.lanes,
            lanes.chunk_rows,
        )

    @property
    def tick_interval_s(self) -> float:
        """Writes end in the background: the runtime asks for durable offsets this often even when nothing arrives."""
        return _TICK_S if self._lanes.busy else _IDLE_TICK_S

    def open(self, assignment: Assignment) -> Mapping[TopicPartition, int]:
        """Make the coming days' tables; `tick` goes on doing so. Raises PostgresUnavailable."""
        self._topic_refs.forget({partition.topic for partition in assignment.partitions})
        connection = connect(self._database_url, "holistic-archive")
        try:
            make_days(days_ahead(self._now_us()), connection)
        finally:
            connection.close()
        return {}

    def put(self, batch: FrameBatch) -> None:
        """Hand the rows to the connections. Raises what an earlier write failed with, before taking the rows."""
        self._lanes.append(batch)

    def tick(self) -> None:
        """Raise what a write failed with, and have it tried again. Begin what the clock asks for."""
        self._upkeep.tick()
        self._lanes.check()

    def flush(self) -> None:
        """Wait until every row put is committed."""
        self._lanes.drain()

    def durable_offsets(self) -> Mapping[TopicPartition, int]:
        """Offsets up to which every row put is committed in Postgres."""
        return self._lanes.durable_offsets()

    def close(self, revoked: Sequence[TopicPartition]) -> None:
        """Drop what was not yet begun for these partitions; a transaction on its way may still end, harmless by key."""
        self._lanes.forget(revoked)

    def alter_offsets(self, offsets: Mapping[TopicPartition, int | None]) -> None:
        """Nothing to move: the database holds rows, not offsets, and rows written twice are written once."""

    def stop(self) -> None:
        """Close the connections."""
        self._lanes.stop()
        self._upkeep.stop()
