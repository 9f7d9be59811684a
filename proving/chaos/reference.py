"""Analytics once more over the same records, by a group of its own that nothing happens to."""

import json
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any, Final
from uuid import uuid4

import orjson
import psycopg2
from psycopg2 import sql

from demo.services import ServiceProcesses
from kafka_io.admin import create_topics, topic_end_offsets
from kafka_io.whole_topic import read_whole_topic
from keypoints.topics import TopicSpec
from proving.chaos.arena import Arena
from proving.chaos.audit import Finding
from proving.effects import read_durable
from proving.suite import StillBehind

_NAME: Final = "analytics-reference"
_TIMEOUT_S: Final = 600.0
_POLL_S: Final = 0.5
_TABLES: Final = {
    "results": "SELECT * FROM analytics.results ORDER BY result_id",
    "windows": "SELECT * FROM analytics.windows ORDER BY 3, 4, 5, 6, 7, 8, 9",
    "streams": "SELECT * FROM analytics.streams ORDER BY stream_id, epoch, first_offset",
}
Rows = list[tuple[Any, ...]]


class Undisturbed:
    """The other group, its database and its events. Runs from `start` to `judge`, or to `close`."""

    def __init__(self, arena: Arena) -> None:
        self._arena = arena
        self._url = ""
        self._events_topic = f"{arena.suite.topic}-reference-events"
        self._durable_log = arena.suite.logs_dir / "reference.jsonl"
        self._processes: ServiceProcesses | None = None

    def start(self) -> None:
        """Begin to read, and return once it has caught up with the load that goes on. Raises StillBehind."""
        suite = self._arena.suite
        self._url = _make_database(suite.endpoints.database_url)
        create_topics(suite.kafka, [TopicSpec(self._events_topic, 1)])
        service = suite.plan_service(
            "analytics",
            _NAME,
            DATABASE_URL=self._url,
            HOLISTIC_DURABLE_LOG=str(self._durable_log),
            HOLISTIC_ANALYTICS_CONFIG=json.dumps({"name": _NAME, "events.topic": self._events_topic}),
        )
        self._processes = ServiceProcesses([service], suite.logs_dir, 90.0)
        self._processes.__enter__()
        _wait_for(lambda: self._count_waiting() < 2 * self._arena.rate, "the undisturbed analytics has caught up")

    def judge(self) -> list[Finding]:
        """Tables and events of both, once the load is over; analytics is stopped for it. Raises StillBehind."""
        suite, services = self._arena.suite, self._arena.services
        ours_url = suite.endpoints.database_url
        _wait_for(lambda: self._count_waiting() == 0, "the undisturbed analytics has read all")
        _wait_for(lambda: _count_outbox(ours_url) + _count_outbox(self._url) == 0, "the outboxes are empty")
        services.signal("analytics", signal.SIGTERM)
        exit_code = services.wait_ended("analytics", 60.0)
        if self._processes is not None:
            self._processes.stop(60.0)
        tables = compare_tables(read_tables(ours_url), read_tables(self._url))
        if exit_code:
            tables.problems.append(f"analytics ended with exit code {exit_code}")
        events = [self._read_events(topic) for topic in (suite.events_topic, self._events_topic)]
        return [tables, compare_events(*events)]

    def close(self) -> None:
        """End it in any case."""
        if self._processes is not None:
            self._processes.stop(10.0)

    def _count_waiting(self) -> int:
        suite = self._arena.suite
        noted = read_durable(self._durable_log, suite.topic).get(_NAME) if self._durable_log.exists() else None
        waiting = 0
        for partition, end in topic_end_offsets(suite.kafka, suite.topic).items():
            reached = [] if noted is None else noted[noted[:, 0] == partition, 1]
            waiting += end - (int(max(reached)) if len(reached) else 0)
        return waiting

    def _read_events(self, topic: str) -> list[bytes]:
        return [record.value for record in read_whole_topic(self._arena.suite.kafka, topic)]


def compare_tables(ours: Mapping[str, Rows], undisturbed: Mapping[str, Rows]) -> Finding:
    """Row by row, each value."""
    problems = [f"there are no {table} to compare" for table, rows in undisturbed.items() if not rows]
    for table, rows in undisturbed.items():
        mine, theirs = set(map(repr, ours[table])), set(map(repr, rows))
        if mine != theirs or len(ours[table]) != len(rows):
            example = next(iter(sorted(theirs - mine) or sorted(mine - theirs)), "")
            problems.append(
                f"{table}: {len(theirs - mine)} rows are not there, {len(mine - theirs)} are there alone, "
                f"{len(ours[table])} of {len(rows)}; as {example[:300]}"
            )
    figure = ", ".join(f"{len(rows)} {table}" for table, rows in undisturbed.items())
    return Finding("analytics = an undisturbed run", figure, problems)


def compare_events(ours: Sequence[bytes], undisturbed: Sequence[bytes]) -> Finding:
    """By event id: the same ids, and one story for each."""
    stories: dict[str, bytes] = {}
    problems = [] if undisturbed else ["there are no events to compare"]
    for value in ours:
        event_id = str(orjson.loads(value)["event_id"])
        if stories.setdefault(event_id, value) != value:
            problems.append(f"event {event_id} has two stories")
    expected = {str(orjson.loads(value)["event_id"]): value for value in undisturbed}
    if missing := expected.keys() - stories.keys():
        problems.append(f"{len(missing)} events are not on the topic")
    if alone := stories.keys() - expected.keys():
        problems.append(f"{len(alone)} events are there that an undisturbed run does not have")
    repeated = len(ours) - len(stories)
    return Finding("events: the same, by id", f"{len(stories)} events, {repeated} sent again", problems)


def read_tables(database_url: str) -> dict[str, Rows]:
    """All of results, windows and sessions, state included."""
    found: dict[str, Rows] = {}
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        for table, statement in _TABLES.items():
            cursor.execute(statement)
            found[table] = [tuple(map(_as_value, row)) for row in cursor]
    return found


def _as_value(cell: object) -> object:
    return bytes(cell) if isinstance(cell, memoryview) else cell


def _count_outbox(database_url: str) -> int:
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM analytics.outbox")
        row = cursor.fetchone()
    return 0 if row is None else int(row[0])


def _make_database(database_url: str) -> str:
    name = f"reference_{uuid4().hex[:8]}"
    with closing(psycopg2.connect(database_url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return f"{database_url.rpartition('/')[0]}/{name}"


def _wait_for(happened: Callable[[], bool], what: str) -> None:
    deadline_s = time.monotonic() + _TIMEOUT_S
    while not happened():
        if time.monotonic() > deadline_s:
            raise StillBehind(f"{what}: not within {_TIMEOUT_S:.0f} s", group=_NAME, lag=0)
        time.sleep(_POLL_S)
