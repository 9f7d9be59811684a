"""Seeded frames as columns, and their way onto a real topic."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kafka_io.admin import create_topics
from kafka_io.publisher import BoundedPublisher
from kafka_io.schema_topic import announce_schema
from kafka_io.settings import KafkaSettings
from keypoints.codec import encode_avro
from keypoints.frame import FrameBatch, allocate_batch
from keypoints.landmarks import FACE_POINTS_WITHOUT_IRIS, PART_SHAPES, Part
from keypoints.topics import SUITE_TOPICS, frame_headers, record_key

NOON_US: Final = 1_790_000_000_000_000
"""A moment in September 2026."""
FRAME_US: Final = 33_333


def make_batch(
    rows: int,
    *,
    topic: str = "test",
    partition: int = 0,
    first_offset: int = 0,
    absent: Sequence[Part] = (),
    starts_at_us: int = NOON_US,
) -> FrameBatch:
    """Rows that differ from each other and are the same for the same offsets. Parts in `absent` are in no row."""
    batch = allocate_batch(topic, rows)
    offsets = np.arange(first_offset, first_offset + rows)
    batch.offset[:] = batch.identity_offset[:] = batch.sequence[:] = offsets
    batch.partition[:] = batch.identity_partition[:] = partition
    batch.captured_at_us[:] = starts_at_us + offsets * FRAME_US
    batch.processed_at_us[:] = batch.captured_at_us + 40_000
    batch.timestamp_ms[:] = batch.captured_at_us // 1000
    batch.epoch[:] = 7
    batch.width[:], batch.height[:] = 1280, 720
    batch.mirrored[:] = offsets % 2 == 0
    batch.model[:] = "synthetic"
    batch.stream_id[:] = [f"performer-{offset % 5}" for offset in offsets.tolist()]
    for part, (points, values) in PART_SHAPES.items():
        if part in absent:
            continue
        noise = np.random.default_rng(len(part.value)).random((points, values), dtype=np.float32)
        batch.part(part)[:] = noise + np.sin(offsets / 30).astype(np.float32)[:, None, None]
        if part is Part.FACE:
            batch.face_points[:] = points
        else:
            batch.present(part)[:] = True
    keys = tuple(record_key(str(stream_id)) for stream_id in batch.stream_id)
    return replace(batch, keys=keys, headers=(tuple(frame_headers()),) * rows)


def without_irises(batch: FrameBatch, rows: NDArray[np.bool_]) -> FrameBatch:
    """The batch with the smaller face mesh in some rows."""
    face = batch.face.copy()
    face[rows, FACE_POINTS_WITHOUT_IRIS:] = np.nan
    points = np.where(rows, FACE_POINTS_WITHOUT_IRIS, batch.face_points).astype(np.int16)
    return replace(batch, face=face, face_points=points)


def with_identity(batch: FrameBatch, topic: str, partition: int, offsets: NDArray[np.int64]) -> FrameBatch:
    """The batch as if its records had been published before, there."""
    return replace(
        batch,
        identity_topic=np.full(len(batch), topic, dtype=np.object_),
        identity_partition=np.full(len(batch), partition, dtype=np.int32),
        identity_offset=offsets.astype(np.int64),
    )


def publish(kafka: KafkaSettings, topic: str, batch: FrameBatch) -> None:
    """Put the rows on a real topic in order, acknowledged. Partitions follow from the keys."""
    create_topics(kafka, SUITE_TOPICS)
    announce_schema(kafka)
    with BoundedPublisher(kafka) as publisher:
        for row in range(len(batch)):
            frame = batch.frame(row)
            publisher.publish(
                topic,
                record_key(frame.stream_id),
                encode_avro(frame),
                [(name, value) for name, value in batch.headers[row] if value is not None],
                frame.captured_at_us // 1000,
            )
        publisher.flush()
        assert publisher.counts().acknowledged == len(batch)
