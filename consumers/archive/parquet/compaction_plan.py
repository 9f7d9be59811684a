"""Which files of a chain are to become one, by what the manifest says of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from consumers.archive.parquet.manifest import ListedFile
from consumers.archive.parquet.merging import ROW_GROUP_ROWS
from consumers.archive.parquet.partition_files import HOUR_US
from consumers.archive.parquet.shelf import ShelfKey

_EMPTY_FILE_BYTES: Final = 80_000
"""What a file takes for its hundreds of columns, however few its rows (measured)."""
_LEAST_ROW_BYTES: Final = 4096
_MANY_FILES: Final = 32


@dataclass(frozen=True, slots=True)
class CompactionLimits:
    """What compaction makes, and what it leaves alone.

    A file holds about `target_bytes`, and no more rows than fit in memory when they are all of small size: one for each
    4 KiB of it. What came less than `settled_us` ago is left until more has come or nothing more does.
    """

    target_bytes: int = 128 * 1024 * 1024
    settled_us: int = 10 * 60 * 1_000_000
    grace_us: int = 10 * 60 * 1_000_000
    """How long a file that was replaced is kept for those who are reading it."""
    abandoned_us: int = 60 * 60 * 1_000_000
    """How old what was begun and is not listed must be to be swept up; a writer that is that slow begins anew."""

    @property
    def most_rows(self) -> int:
        """Most rows of a file."""
        return max(ROW_GROUP_ROWS, self.target_bytes // _LEAST_ROW_BYTES)

    def is_small(self, file: ListedFile) -> bool:
        """Whether another file of its size could join it."""
        return file.bytes < self.target_bytes / 2 and file.rows < self.most_rows / 2


@dataclass(frozen=True, slots=True)
class Merge:
    """Files of one hour of capture time that are to become one."""

    key: ShelfKey
    files: tuple[ListedFile, ...]

    @property
    def bytes(self) -> int:
        """Of all its files."""
        return sum(file.bytes for file in self.files)


def plan_merges(
    files: Sequence[ListedFile], came_at_us: Mapping[str, int], limits: CompactionLimits, now_us: int
) -> list[Merge]:
    """What there is to do about these files of a chain. `came_at_us`: path → when the file was written.

    Nothing, once it is done: a file that compaction made is taken up again only where a small one can join it.
    """
    latest_us = now_us - limits.settled_us
    by_key: dict[ShelfKey, list[ListedFile]] = {}
    for file in files:
        by_key.setdefault(ShelfKey(file.identity, file.captured_from_us // HOUR_US), []).append(file)
    merges: list[Merge] = []
    for key, of_hour in sorted(by_key.items(), key=lambda item: item[0].hour):
        # What compaction made is no news.
        fresh = [
            file for file in of_hour if not file.sorted_by_stream and came_at_us.get(file.path, now_us) > latest_us
        ]
        chosen = _choose_from_quiet(of_hour, limits) if not fresh else _choose_from_busy(of_hour, fresh, limits)
        merges += [Merge(key, tuple(joined)) for joined in _pack(chosen, limits)]
    return merges


def _choose_from_quiet(files: Sequence[ListedFile], limits: CompactionLimits) -> list[ListedFile]:
    """All that are small or would let a reader of one stream skip something if they were in order."""
    return [file for file in files if limits.is_small(file) or _is_worth_sorting(file, limits)]


def _choose_from_busy(
    files: Sequence[ListedFile], fresh: Sequence[ListedFile], limits: CompactionLimits
) -> list[ListedFile]:
    """Small ones once there are many; not one that is larger than all others, which would be rewritten for little."""
    too_new = {file.path for file in fresh}
    small = [file for file in files if limits.is_small(file) and file.path not in too_new]
    if len(small) < _MANY_FILES:
        return []
    small.sort(key=lambda file: file.bytes)
    rest_bytes = sum(file.bytes for file in small)
    while small[-1].bytes > (rest_bytes := rest_bytes - small[-1].bytes):
        small.pop()
    return small


def _pack(files: Sequence[ListedFile], limits: CompactionLimits) -> Iterator[list[ListedFile]]:
    """Neighbours in time, as many as make a file together; one alone only if it is to be sorted."""
    packed: list[ListedFile] = []
    packed_bytes = packed_rows = 0
    for file in sorted(files, key=lambda file: (file.captured_from_us, file.path)):
        packed_bytes += _content_bytes(file)
        packed_rows += file.rows
        if packed and (packed_bytes > limits.target_bytes or packed_rows > limits.most_rows):
            if _is_due(packed, limits):
                yield packed
            packed, packed_bytes, packed_rows = [], _content_bytes(file), file.rows
        packed.append(file)
    if packed and _is_due(packed, limits):
        yield packed


def _is_due(files: Sequence[ListedFile], limits: CompactionLimits) -> bool:
    return len(files) > 1 or _is_worth_sorting(files[0], limits)


def _is_worth_sorting(file: ListedFile, limits: CompactionLimits) -> bool:
    return not file.sorted_by_stream and ROW_GROUP_ROWS < file.rows <= limits.most_rows


def _content_bytes(file: ListedFile) -> int:
    return max(file.bytes - _EMPTY_FILE_BYTES, file.bytes // 8)
