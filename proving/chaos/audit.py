"""After everything: nothing acknowledged is lost, and nothing is there twice."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from consumers.archive.audit import ArchiveAudit, AuditOptions, LostRun, OnlyIn, audit_archive
from consumers.archive.parquet.offset_set import Run
from consumers.archive.settings import PARQUET_CONNECTOR, POSTGRES_CONNECTOR
from consumers.archive.sql import ask_postgres
from keypoints.topics import dead_letter_topic
from proving.chaos.arena import Arena
from proving.chaos.fault import Row, attribute
from proving.suite import LOAD

Place = tuple[int, int]
"""Partition and offset."""

_STALE_US: Final = 2_000_000
_SENDING_US: Final = 1_000_000
"""From the look at a frame\'s age until its datagrams are out, on a machine that is busy."""
_FRAMES_SQL: Final = (
    'SELECT "partition", "offset", substr(stream_id, {after})::int, sequence FROM frames '
    "WHERE stream_id LIKE '{load}-%' AND epoch = {epoch}"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at in the end: what, a figure for the table, and what is wrong about it."""

    name: str
    figure: str
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether all is as it must be."""
        return not self.problems


def audit_stores(arena: Arena, rows: list[Row]) -> tuple[Finding, tuple[LostRun, ...]]:
    """Topic, Postgres and Parquet against each other; what is missing or doubled is added to the rows it happened in.

    Returns what retention took, too, as it is on record.
    """
    suite = arena.suite
    letters = {"postgres": dead_letter_topic(POSTGRES_CONNECTOR), "parquet": dead_letter_topic(PARQUET_CONNECTOR)}
    audited = audit_archive(
        suite.kafka,
        suite.topic,
        database_url=suite.endpoints.database_url,
        archive_root=str(suite.archive_dir),
        options=AuditOptions(letters),
    )
    return judge_stores(audited, rows), audited.lost


def judge_stores(audited: ArchiveAudit, rows: list[Row]) -> Finding:
    """What an audit says, for the table."""
    problems = []
    skipped = elsewhere = 0
    for partition in audited.partitions:
        for store in partition.stores:
            skipped += store.skipped
            elsewhere += store.elsewhere
            for what, runs in (("missing", store.gaps), ("twice", store.doubled), ("never published", store.beyond)):
                for first, last in runs:
                    problems.append(f"{store.store}: {what} {partition.partition}/{first}-{last}")
            _blame(rows, partition.partition, store.gaps, "lost")
            _blame(rows, partition.partition, store.doubled, "doubled")
        for only in partition.only_in:
            unexplained = list_unexplained(only, partition.partition, audited.lost)
            if unexplained:
                problems.append(
                    f"{only.not_in}: {len(unexplained)} are not there, which {only.store} has and the topic no longer "
                    f"does, as {partition.partition}/{unexplained[0]}"
                )
            _blame_places(rows, [(partition.partition, offset) for offset in unexplained], "lost")
    records = sum(partition.end_offset - partition.start_offset for partition in audited.partitions)
    gone = sum(run.last - run.first + 1 for run in audited.lost)
    figure = f"{records} records, {skipped} dead letters, {elsewhere} by their origin, {gone} recorded as gone"
    return Finding("topic = Postgres = Parquet", figure, problems)


def list_unexplained(only: OnlyIn, partition: int, gone: Sequence[LostRun]) -> list[int]:
    """Offsets from before the topic's start that one store has, the other has not, and no record of a gap explains."""
    reader = {"postgres": POSTGRES_CONNECTOR, "parquet": PARQUET_CONNECTOR}[only.not_in]
    explained = [run for run in gone if run.connector == reader and run.partition == partition]
    return [
        offset
        for first, last in only.runs
        for offset in range(first, last + 1)
        if not any(run.first <= offset <= run.last for run in explained)
    ]


def audit_load(arena: Arena, rows: list[Row], gone: Sequence[LostRun]) -> Finding:
    """Every acknowledged frame of the load is a row at the place that was acknowledged, and no frame is two rows."""
    epoch = int(arena.load_report["epoch"])
    statement = _FRAMES_SQL.format(after=len(LOAD) + 2, load=LOAD, epoch=epoch)
    with ask_postgres(arena.suite.endpoints.database_url, statement) as answer:
        found = np.array([row[:4] for row in answer.rows], dtype=np.int64).reshape(-1, 4)
    arena.log.read_on()
    finding = judge_load(arena.log.acks[:, :4], found, gone, rows)
    unsettled = int(arena.load_report["handed_over"]) - int(arena.load_report["acknowledged"])
    if unsettled:
        finding.problems.append(f"{unsettled} frames were not acknowledged: {arena.load_report['error']}")
    return finding


def judge_load(acked: NDArray[np.int64], found: NDArray[np.int64], gone: Sequence[LostRun], rows: list[Row]) -> Finding:
    """Both are rows of partition, offset, stream, sequence."""
    problems = [] if len(acked) else ["no frame was acknowledged, so that nothing is shown"]
    there = {tuple(row) for row in found.tolist()}
    excused = [(run.partition, run.first, run.last) for run in gone if run.connector == POSTGRES_CONNECTOR]
    lost = []
    for row in acked.tolist():
        if tuple(row) in there or any(part == row[0] and first <= row[1] <= last for part, first, last in excused):
            continue
        lost.append((row[0], row[1]))
    _blame_places(rows, lost, "lost")
    if lost:
        problems.append(f"{len(lost)} acknowledged frames are no rows, as {lost[0]}")
    ordered = found[np.lexsort((found[:, 1], found[:, 3], found[:, 2]))] if len(found) else found
    again = np.flatnonzero((np.diff(ordered[:, 2:4], axis=0) == 0).all(axis=1)) + 1
    twice = [(int(ordered[at, 0]), int(ordered[at, 1])) for at in again.tolist()]
    _blame_places(rows, twice, "doubled")
    if twice:
        problems.append(f"{len(twice)} frames are on the topic twice, as {twice[0]}")
    return Finding("acknowledged = on the topic once", f"{len(acked)} frames", problems)


def audit_avatar(arena: Arena) -> Finding:
    """No frame was shown that was too old, and none twice by one member."""
    sent = doubled = stale = 0
    for service, path in arena.list_sent_logs().items():
        if not path.exists():
            continue
        lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
        sent += len(lines)
        stale += count_stale(lines)
        doubled += count_shown_twice(lines, arena.started_us.get(service, []))
    problems = [] if sent else ["no frame was shown, so that nothing is shown by it"]
    problems += [f"{stale} frames were shown that were too old"] if stale else []
    problems += [f"{doubled} frames were shown twice by one member"] if doubled else []
    return Finding("avatar: nothing stale, nothing twice", f"{sent} frames shown", problems)


def count_stale(lines: Iterable[Mapping[str, Any]]) -> int:
    """Frames that had been processed too long before when they were sent: also by a member that was frozen with them in
    its hands."""
    return sum(line["sent_at_us"] - line["processed_at_us"] > _STALE_US + _SENDING_US for line in lines)


def count_shown_twice(lines: Iterable[Mapping[str, Any]], started_us: Sequence[int]) -> int:
    """Frames that one process sent more than once; a member is another one after each of `started_us`."""
    seen: set[tuple[int, int, int]] = set()
    again = 0
    starts = np.array(sorted(started_us), dtype=np.int64)
    for line in lines:
        life = int(starts.searchsorted(line["sent_at_us"], side="right"))
        key = (life, line["partition"], line["offset"])
        again += key in seen
        seen.add(key)
    return again


def _blame(rows: list[Row], partition: int, runs: Iterable[Run], what: str) -> None:
    _blame_places(rows, [(partition, offset) for first, last in runs for offset in range(first, last + 1)], what)


def _blame_places(rows: list[Row], places: Iterable[Place], what: str) -> None:
    for place in places:
        row = attribute(rows, *place)
        if row is not None:
            setattr(row, what, getattr(row, what) + 1)
