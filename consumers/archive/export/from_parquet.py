"""Frames of a stream from the listed Parquet files, as columns."""

from collections.abc import Iterable
from typing import Any, Final

import duckdb

from consumers.archive.capture_range import CaptureRange
from consumers.archive.export.source import Survey
from consumers.archive.parquet.chain import list_chains
from consumers.archive.parquet.location import ArchiveLocation, open_storage
from consumers.archive.parquet.manifest import ListedFile
from consumers.archive.parquet.reading import explain_duckdb_error, open_archive, open_files, query
from consumers.archive.parquet.rows_from_files import from_file_columns
from consumers.archive.parquet.schema import FRAMES
from keypoints.frame import FrameBatch
from keypoints.landmarks import FACE_POINTS_WITHOUT_IRIS

_HOUR_US: Final = 3_600_000_000
_ORDER: Final = 'captured_at, epoch, sequence, "partition", "offset"'


class ParquetSource:
    """See FrameSource. Only the files of one window are open at a time."""

    def __init__(self, archive_root: ArchiveLocation) -> None:
        self._root = archive_root
        self._storage = open_storage(archive_root)
        self._hour: int | None = None
        self._files_of_hour: list[ListedFile] = []

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

    def read(self, stream_id: str, window: CaptureRange) -> FrameBatch:
        """See FrameSource."""
        where, values = _condition(stream_id, window)
        columns = ", ".join(f'"{name}"' for name in FRAMES.names)
        sql = f"SELECT {columns} FROM frames WHERE {where} ORDER BY {_ORDER}"  # noqa: S608
        # Few files, for DuckDB looks at all it is told of, in each question.
        with open_files(self._storage, self._list_files(window), only_for="frames") as connection:
            try:
                rows = connection.sql(sql, params=values).to_arrow_table()
            except duckdb.Error as error:
                raise explain_duckdb_error(error, sql) from error
        if not len(rows):
            return FrameBatch.empty()
        batch = from_file_columns(rows)
        # Read as if all were of one topic, but a stream may have moved from one to another.
        batch.identity_topic[:] = rows.column("topic").to_pylist()
        return batch

    def _ask(self, sql: str, values: list[object]) -> list[tuple[Any, ...]]:
        with open_archive(self._root, only_for=sql) as connection:
            return query(connection, sql, values)[1]

    def _list_files(self, window: CaptureRange) -> list[ListedFile]:
        """The files with frames of the window's time; the manifest is read anew for each hour."""
        hour = (window.from_us or 0) // _HOUR_US
        if self._hour != hour:
            listed = [file for chain in list_chains(self._storage) for file in chain.files]
            self._files_of_hour = _overlapping(listed, hour * _HOUR_US, (hour + 1) * _HOUR_US)
            self._hour = hour
        first_us, end_us = window.from_us or 0, window.to_us or (hour + 1) * _HOUR_US
        return _overlapping(self._files_of_hour, first_us, end_us)


def _overlapping(files: Iterable[ListedFile], first_us: int, end_us: int) -> list[ListedFile]:
    return [file for file in files if file.captured_to_us >= first_us and file.captured_from_us < end_us]


def _condition(stream_id: str, wanted: CaptureRange) -> tuple[str, list[object]]:
    conditions, values = ["stream_id = $1"], list[object]([stream_id])
    for sign, bound_us in ((">=", wanted.from_us), ("<", wanted.to_us)):
        if bound_us is not None:
            values.append(bound_us)
            conditions.append(f"captured_at {sign} make_timestamptz(CAST(${len(values)} AS BIGINT))")
    return " AND ".join(conditions), values
