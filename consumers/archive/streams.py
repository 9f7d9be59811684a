"""Who is in the archive: each stream, since when, how many frames, and how much of each part was seen."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

from consumers.archive.parquet.location import ArchiveLocation
from consumers.archive.sql import Answer, ask_parquet, ask_postgres
from keypoints.landmarks import PART_SHAPES, Part

# One row a session (stream and epoch). The sums over sessions are made here: they are few.
_BY_SESSION: Final = """
    SELECT stream_id, count(*), {first_us}, {last_us}, {seen}
    FROM frames GROUP BY stream_id, epoch ORDER BY stream_id, epoch
"""


@dataclass(frozen=True, slots=True)
class StreamSummary:
    """A stream as a store holds it. Times are microseconds since 1970."""

    stream_id: str
    first_captured_at_us: int
    last_captured_at_us: int
    frames: int
    sessions: int
    """How many epochs: tracking began anew so often."""
    seconds: float
    """From the first frame to the last of each session, summed up; the time between sessions does not count."""
    seen: dict[str, float]
    """Part → share of the frames, 0 to 1, in which it was seen."""

    @property
    def rate(self) -> float | None:
        """Frames a second while there were any; None when no session has two frames at different times."""
        return (self.frames - self.sessions) / self.seconds if self.seconds > 0 else None


def list_postgres_streams(database_url: str) -> list[StreamSummary]:
    """Every stream in the database, by name. Raises QueryRefused or PostgresUnavailable."""
    # Whether a part is there is told without fetching it from where large values are kept.
    return _summarise(
        lambda sql: ask_postgres(database_url, sql),
        _BY_SESSION.format(
            first_us="(extract(epoch FROM min(captured_at)) * 1000000)::bigint",
            last_us="(extract(epoch FROM max(captured_at)) * 1000000)::bigint",
            seen=", ".join(f"count({part.value})" for part in PART_SHAPES),
        ),
    )


def list_parquet_streams(archive_root: ArchiveLocation) -> list[StreamSummary]:
    """Every stream in the listed files, by name. Raises QueryRefused or StorageUnavailable."""
    return _summarise(
        lambda sql: ask_parquet(archive_root, sql),
        _BY_SESSION.format(
            first_us="epoch_us(min(captured_at))",
            last_us="epoch_us(max(captured_at))",
            seen=", ".join(f"count({_one_leaf(part)})" for part in PART_SHAPES),
        ),
    )


def _one_leaf(part: Part) -> str:
    """A column that is NULL where the part is, so that no other column of the part is read."""
    if part is Part.FACE:
        return "face.x"
    return f"{part.value}.nose.x" if part in {Part.POSE, Part.POSE_WORLD} else f"{part.value}.wrist.x"


def _summarise(ask: Callable[[str], AbstractContextManager[Answer]], sql: str) -> list[StreamSummary]:
    with ask(sql) as answer:
        sessions: dict[str, list[tuple[int, ...]]] = {}
        for stream_id, *numbers in answer.rows:
            sessions.setdefault(stream_id, []).append(tuple(numbers))
    # Sorted here, for a database sorts by its own language.
    return [_join(stream_id, sessions[stream_id]) for stream_id in sorted(sessions)]


def _join(stream_id: str, sessions: Iterable[tuple[int, ...]]) -> StreamSummary:
    frames, firsts_us, lasts_us, *seen = zip(*sessions, strict=True)
    in_all = sum(frames)
    return StreamSummary(
        stream_id=stream_id,
        first_captured_at_us=min(firsts_us),
        last_captured_at_us=max(lasts_us),
        frames=in_all,
        sessions=len(frames),
        seconds=(sum(lasts_us) - sum(firsts_us)) / 1e6,
        seen={part.value: sum(counts) / in_all for part, counts in zip(PART_SHAPES, seen, strict=True)},
    )
