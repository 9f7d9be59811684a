"""What a backup says of itself: one JSON file beside the copied archive, made anew by each run."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import orjson

from consumers.archive.backup.errors import ArchiveDamaged
from consumers.archive.parquet.storage import ArchiveStorage

BACKUP_FOLDER: Final = "backup"
_FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class CopiedFile:
    """A file of frames as it was copied."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class SavedRecord:
    """The newest record of a key in a compacted topic, in base64. `headers` are pairs."""

    key: str
    value: str
    headers: tuple[tuple[str, str], ...]
    timestamp_ms: int


@dataclass(frozen=True, slots=True)
class BackupRecord:
    """One run: when (microseconds since 1970), the files by path, chains' folders with the last number of each."""

    made_at_us: int
    chains: Mapping[str, int]
    files: Mapping[str, CopiedFile]
    topics: Mapping[str, tuple[SavedRecord, ...]] = field(default_factory=dict)
    is_finished: bool = True
    """False: the first run has begun, and there is nothing yet to put back."""


def read_record(storage: ArchiveStorage) -> BackupRecord | None:
    """The newest run's, None where there was none. Raises ArchiveDamaged, StorageUnavailable."""
    numbers = _list_numbers(storage)
    path = None if not numbers else _path_of(max(numbers))
    return None if path is None else _decode(storage.read(path), path)


def write_record(storage: ArchiveStorage, record: BackupRecord) -> None:
    """Put it in the place of the ones before. Raises StorageUnavailable."""
    before = _list_numbers(storage)
    content = orjson.dumps({"format": _FORMAT, **asdict(record)}, option=orjson.OPT_INDENT_2)
    storage.create(_path_of(max(before, default=-1) + 1), content)
    for number in before:
        storage.remove(_path_of(number))


def _list_numbers(storage: ArchiveStorage) -> list[int]:
    names = (path.rpartition("/")[2].removesuffix(".json") for path in storage.list_files(BACKUP_FOLDER))
    return [int(name) for name in names if name.isdecimal()]


def _path_of(number: int) -> str:
    return f"{BACKUP_FOLDER}/{number:08d}.json"


def _decode(content: bytes, path: str) -> BackupRecord:
    try:
        stored: dict[str, Any] = orjson.loads(content)
        if stored["format"] != _FORMAT:
            raise ArchiveDamaged(f"{path} is of another version", path=path)
        return BackupRecord(
            made_at_us=stored["made_at_us"],
            chains=stored["chains"],
            files={name: CopiedFile(**one) for name, one in stored["files"].items()},
            topics={
                topic: tuple(
                    SavedRecord(one["key"], one["value"], tuple((a, b) for a, b in one["headers"]), one["timestamp_ms"])
                    for one in records
                )
                for topic, records in stored["topics"].items()
            },
            is_finished=stored["is_finished"],
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArchiveDamaged(f"{path} is no record of a backup: {error}", path=path) from error
