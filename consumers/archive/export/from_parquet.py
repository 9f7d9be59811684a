"""Frames of a stream from the listed Parquet files, as columns."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final, Self

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consumers.archive.capture_range import CaptureRange
from consumers.archive.export.source import Survey
from consumers.archive.parquet.location import ArchiveLocation
from consumers.archive.parquet.reading import explain_duckdb_error, open_archive, query
from keypoints.frame import FrameBatch, allocate_batch
from keypoints.landmarks import FACE_POINTS, FACE_POINTS_WITHOUT_IRIS, PART_SHAPES, Part, landmark_names

_HOUR_US: Final = 3_600_000_000
_AXES: Final = ("x", "y", "z", "visibility")
_NUMBERS: Final = ("sequence", "epoch", "width", "height", "mirrored")
_ORDER: Final = 'captured_at, epoch, sequence, "partition", "offset"'


class ParquetSource:
    """See FrameSource. Only one hour's files are open at a time; the manifest is read anew for each."""

    def __init__(self, archive_root: ArchiveLocation) -> None:
        self._root = archive_root
        self._hour: int | None = None
        self._connection: duckdb.DuckDBPyConnection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def list_stream_ids(self) -> list[str]:
        """See FrameSource."""
        return [stream_id for (stream_id,) in self._ask("SELECT DISTINCT stream_id FROM frames ORDER BY 1", [])]

    def survey(self, stream_id: str, wanted: CaptureRange) -> Survey | None:
        """See FrameSource."""
        where, values = _condition(stream_id, wanted)
        [totals] = self._ask(
            "SELECT count(*), epoch_us(min(captured_at)), epoch_us(max(captured_at)), max(width), max(height), "  # noqa: S608
            "percentile_disc(0.5) WITHIN GROUP (ORDER BY epoch_us(captured_at) - before_us) "
            "FROM (SELECT captured_at, width, height, "
            "lag(epoch_us(captured_at)) OVER (PARTITION BY epoch ORDER BY captured_at) AS before_us "
            f"FROM frames WHERE {where})",
            values,
        )
        if not totals[0]:
            return None
        minutes = self._ask(
            "SELECT epoch_us(date_trunc('minute', captured_at)), count(*) "  # noqa: S608
            f"FROM frames WHERE {where} GROUP BY 1 ORDER BY 1",
            values,
        )
        return Survey.of(totals, minutes)

    def has_irises(self, stream_id: str, wanted: CaptureRange) -> bool:
        """See FrameSource."""
        where, values = _condition(stream_id, wanted)
        [(most,)] = self._ask(f"SELECT max(len(face.x)) FROM frames WHERE {where}", values)  # noqa: S608
        return (most or 0) > FACE_POINTS_WITHOUT_IRIS

    def read(self, stream_id: str, window: CaptureRange, parts: Sequence[Part]) -> FrameBatch:
        """See FrameSource."""
        where, values = _condition(stream_id, window)
        connection = self._open_hour(window)
        columns = ", ".join(
            ("topic", '"partition"', '"offset"', "stream_id", "model", *_NUMBERS,
             "epoch_us(captured_at) AS captured_at_us", "epoch_us(processed_at) AS processed_at_us", *parts)
        )  # fmt: skip
        sql = f"SELECT {columns} FROM frames WHERE {where} ORDER BY {_ORDER}"  # noqa: S608
        try:
            table = connection.sql(sql, params=values).to_arrow_table()
        except duckdb.Error as error:
            raise explain_duckdb_error(error, sql) from error
        return read_columns(table, parts)

    def _ask(self, sql: str, values: list[object]) -> list[tuple[Any, ...]]:
        with open_archive(self._root, only_for=sql) as connection:
            return query(connection, sql, values)[1]

    def _open_hour(self, window: CaptureRange) -> duckdb.DuckDBPyConnection:
        hour = (window.from_us or 0) // _HOUR_US
        if self._connection is None or self._hour != hour:
            self._close()
            files_of = (hour * _HOUR_US, (hour + 1) * _HOUR_US)
            self._connection, self._hour = open_archive(self._root, only_for="frames", captured_us=files_of), hour
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _condition(stream_id: str, wanted: CaptureRange) -> tuple[str, list[object]]:
    conditions, values = ["stream_id = $1"], list[object]([stream_id])
    for sign, bound_us in ((">=", wanted.from_us), ("<", wanted.to_us)):
        if bound_us is not None:
            values.append(bound_us)
            conditions.append(f"captured_at {sign} make_timestamptz(CAST(${len(values)} AS BIGINT))")
    return " AND ".join(conditions), values


def read_columns(table: pa.Table, parts: Sequence[Part]) -> FrameBatch:
    """Rows in the layout of the files as a batch, without a step per landmark of a frame."""
    batch = allocate_batch("", len(table))
    for name in ("captured_at_us", "processed_at_us", *_NUMBERS):
        getattr(batch, name)[:] = table[name].to_numpy()
    batch.timestamp_ms[:] = batch.captured_at_us // 1000
    for name in ("stream_id", "model"):
        getattr(batch, name)[:] = table[name].to_pylist()
    batch.identity_topic[:] = table["topic"].to_pylist()
    batch.partition[:] = batch.identity_partition[:] = table["partition"].to_numpy()
    batch.offset[:] = batch.identity_offset[:] = table["offset"].to_numpy()
    for part in parts:
        column = table[part.value].combine_chunks()
        if part is Part.FACE:
            _fill_face(batch, column)
        else:
            batch.present(part)[:] = column.is_valid().to_numpy(zero_copy_only=False)
            points = batch.part(part)
            for point, name in enumerate(landmark_names(part)):
                landmark = column.field(name)
                for axis in range(PART_SHAPES[part][1]):
                    points[:, point, axis] = landmark.field(_AXES[axis]).to_numpy(zero_copy_only=False)
            points[~batch.present(part)] = np.nan
    return batch


def _fill_face(batch: FrameBatch, column: pa.StructArray) -> None:
    present = column.is_valid().to_numpy(zero_copy_only=False)
    counts = pc.fill_null(pc.list_value_length(column.field("x")), 0).to_numpy(zero_copy_only=False)
    batch.face_points[:] = np.where(present, counts, 0)
    there = np.arange(FACE_POINTS) < batch.face_points[:, None]
    for axis in range(PART_SHAPES[Part.FACE][1]):
        values = pc.list_flatten(column.filter(column.is_valid()).field(_AXES[axis]))
        batch.face[:, :, axis][there] = values.to_numpy(zero_copy_only=False)
