"""The archive's files as the table describes them, from what their footers say."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import pyarrow.parquet as pq
from pyiceberg.conversions import to_bytes
from pyiceberg.io import FileIO
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.table import Table
from pyiceberg.typedef import Record
from pyiceberg.types import PrimitiveType

from consumers.archive.iceberg.schema import WITH_BOUNDS
from consumers.archive.parquet.manifest import ListedFile
from consumers.archive.parquet.storage import FileMissing

_FOOTERS_AT_ONCE: Final = 8
_DAY_US: Final = 24 * 60 * 60 * 1_000_000


def describe_files(table: Table, files: Iterable[tuple[str, ListedFile]]) -> list[DataFile]:
    """Data files for these URLs: rows, bytes, day, and bounds of the columns that have them.

    Sizes of columns are left out, for there are 410. Raises FileMissing for one that is gone, replaced meanwhile.
    """
    with ThreadPoolExecutor(_FOOTERS_AT_ONCE, thread_name_prefix="footers") as pool:
        return list(pool.map(lambda file: _describe(table, *file), files))


def _describe(table: Table, url: str, file: ListedFile) -> DataFile:
    footer = _read_footer(table.io, url)
    columns = {name: table.schema().find_field(name) for name in WITH_BOUNDS}
    bounds: dict[int, list[bytes]] = {}
    for name, column in columns.items():
        found = _read_bounds(footer, name)
        if found is not None and isinstance(column.field_type, PrimitiveType):
            bounds[column.field_id] = [to_bytes(column.field_type, value) for value in found]
    counted = [column.field_id for column in columns.values()]
    return DataFile.from_args(
        content=DataFileContent.DATA,
        file_path=url,
        file_format=FileFormat.PARQUET,
        # A file holds an hour of capture time.
        partition=Record(file.captured_from_us // _DAY_US),
        record_count=footer.num_rows,
        file_size_in_bytes=file.bytes,
        value_counts=dict.fromkeys(counted, footer.num_rows),
        null_value_counts=dict.fromkeys(counted, 0),
        lower_bounds={number: lower for number, (lower, _) in bounds.items()},
        upper_bounds={number: upper for number, (_, upper) in bounds.items()},
        split_offsets=[_starts_at(footer.row_group(number)) for number in range(footer.num_row_groups)],
        spec_id=table.metadata.default_spec_id,
        sort_order_id=table.metadata.default_sort_order_id if file.sorted_by_stream else None,
    )


def _read_footer(io: FileIO, url: str) -> pq.FileMetaData:
    try:
        with io.new_input(url).open() as file:
            return pq.read_metadata(file)
    except FileNotFoundError as error:
        raise FileMissing(f"{url}: no such file", path=url) from error


def _read_bounds(footer: pq.FileMetaData, name: str) -> tuple[int | str, int | str] | None:
    """The smallest and the largest value of a column, None where the footer does not say."""
    found = [_statistics(footer.row_group(number), name) for number in range(footer.num_row_groups)]
    known = [statistics for statistics in found if statistics is not None and statistics.has_min_max]
    if not known or len(known) < len(found):
        return None
    lower, upper = min(one.min_raw for one in known), max(one.max_raw for one in known)
    return (lower.decode(), upper.decode()) if isinstance(lower, bytes) else (lower, upper)


def _statistics(row_group: pq.RowGroupMetaData, name: str) -> pq.Statistics | None:
    # The columns asked for are among the first; the footer's schema as a whole takes longer than the rest of it.
    columns = (row_group.column(index) for index in range(row_group.num_columns))
    return next((column.statistics for column in columns if column.path_in_schema == name), None)


def _starts_at(row_group: pq.RowGroupMetaData) -> int:
    first = row_group.column(0)
    return int(first.dictionary_page_offset if first.has_dictionary_page else first.data_page_offset)
