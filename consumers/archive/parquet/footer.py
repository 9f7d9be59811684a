"""What the footer of a file says about it, to whoever finds the file without the manifest.

Pairs of names and texts, as every Parquet reader shows them (`SELECT * FROM parquet_kv_metadata('…')` in DuckDB).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, cast

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from connect_runtime.rest.version import SUITE_VERSION
from consumers.archive.parquet.manifest import IdentityPartition, ListedFile
from consumers.archive.parquet.offset_set import Run
from consumers.archive.parquet.storage import ArchiveStorage, StorageUnavailable
from keypoints.topics import FRAME_SCHEMA_VERSION

_PREFIX: Final = "holistic."
MOST_NAMED: Final = 1000
"""Streams and runs of offsets that are named one by one; their number is always there."""


class FileContents:
    """Gathers what the footer says while the file is written."""

    def __init__(self, identity: IdentityPartition) -> None:
        self._identity = identity
        self._streams: Counter[str] = Counter()
        self._captured_us: list[int] = []

    def add(self, rows: pa.Table) -> None:
        """Take note of rows, at least one, with the columns of `schema.FRAMES`."""
        for counted in pc.value_counts(rows.column("stream_id")).to_pylist():
            self._streams[counted["values"]] += counted["counts"]
        captured = pc.min_max(rows.column("captured_at").cast(pa.int64())).as_py()
        self._captured_us += [captured["min"], captured["max"]]

    @property
    def rows(self) -> int:
        """How many were added."""
        return self._streams.total()

    @property
    def captured_from_us(self) -> int:
        """The earliest capture time, microseconds since 1970."""
        return min(self._captured_us)

    @property
    def captured_to_us(self) -> int:
        """The latest capture time, microseconds since 1970."""
        return max(self._captured_us)

    def as_metadata(self, offsets: Sequence[Run], *, sorted_by_stream: bool = False) -> dict[str, str]:
        """The footer's own pairs, once all rows were added; `offsets` are theirs."""
        said: dict[str, object] = {
            "topic": self._identity.topic,
            "topic_id": self._identity.topic_id,
            "partition": self._identity.partition,
            "rows": self.rows,
            "first_offset": offsets[0][0],
            "last_offset": offsets[-1][1],
            "offset_runs": len(offsets),
            "offsets": offsets[:MOST_NAMED],
            "captured_from": show_time(self.captured_from_us),
            "captured_to": show_time(self.captured_to_us),
            "stream_count": len(self._streams),
            "streams": dict(sorted(self._streams.items())[:MOST_NAMED]),
            "order": "stream_id, captured_at, offset" if sorted_by_stream else "as it came",
            "schema_version": FRAME_SCHEMA_VERSION,
            "software": f"holistic-stream {SUITE_VERSION}",
        }
        return {
            f"{_PREFIX}{name}": value if isinstance(value, str) else orjson.dumps(value).decode()
            for name, value in said.items()
        }


def read_footer(storage: ArchiveStorage, file: ListedFile) -> dict[str, Any]:
    """What the footer says, with `format` and without the prefix; a file of before there were footers says less.

    Reads no more than the footer. Raises StorageUnavailable.
    """
    with open_parquet(storage, file) as opened:
        said: Mapping[bytes, bytes] = opened.metadata.metadata or {}
    try:
        texts = {name.decode(): value.decode() for name, value in said.items() if name.startswith(_PREFIX.encode())}
        return {name.removeprefix(_PREFIX): _parse(name, text) for name, text in texts.items()}
    except ValueError as error:
        # Neither UTF-8 nor JSON: no file of ours, or a damaged one.
        raise StorageUnavailable(f"the footer of {file.path} cannot be read: {error}", path=file.path) from error


@contextmanager
def open_parquet(storage: ArchiveStorage, file: ListedFile) -> Iterator[pq.ParquetFile]:
    """A listed file, open to be read piece by piece where it lies. Raises StorageUnavailable."""
    filesystem = cast(Any, storage.filesystem({file.path: file.bytes}))
    url = storage.url(file.path)
    try:
        with pq.ParquetFile(url if filesystem is None else filesystem.open(url)) as opened:
            yield opened
    except (OSError, pa.ArrowInvalid) as error:
        raise StorageUnavailable(f"{file.path} cannot be read: {error}", path=file.path) from error


def show_time(at_us: int) -> str:
    """A time as text, in UTC, whatever its year."""
    return f"{np.datetime64(at_us, 'us')}Z"


def _parse(name: str, text: str) -> object:
    if name.removeprefix(_PREFIX) in _NUMBERS_AND_LISTS:
        return orjson.loads(text)
    return text


_NUMBERS_AND_LISTS: Final = frozenset(
    {"partition", "rows", "first_offset", "last_offset", "offset_runs", "offsets", "stream_count", "streams"}
)
