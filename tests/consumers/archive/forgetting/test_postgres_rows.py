"""A stream's rows leave the database, and nothing of it stays in what Postgres knows of its tables."""

import threading
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import psycopg2
import pytest

from connect_runtime.forgetting.places import Subject
from connect_runtime.sink import Assignment, TopicPartition
from consumers.archive.forgetting.erased import ErasedFromPostgres
from consumers.archive.forgetting.postgres_rows import PostgresRows
from consumers.archive.postgres.errors import PostgresUnavailable
from tests.consumers.archive.archived import Archived
from tests.consumers.archive.forgetting.forgettable import count_rows_naming
from tests.consumers.archive.made_frames import NOON_US, make_batch

pytestmark = [pytest.mark.servers, pytest.mark.timeout(120)]

FORGOTTEN = "performer-3"


def ask(database_url: str, question: str) -> Sequence[tuple[Any, ...]]:
    with closing(psycopg2.connect(database_url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(question)
        return cursor.fetchall()


def read_erased(archived: Archived) -> set[int]:
    runs = ask(archived.database_url, "SELECT first_offset, last_offset FROM retired_offsets")
    return {offset for first, last in runs for offset in range(first, last + 1)}


def keep(archived: Archived, rows: int, **asked: Any) -> None:
    archived.keep(make_batch(rows, topic=archived.topic, **asked), archived.postgres())


def test_rows_of_all_days_go_with_a_record_of_their_offsets(archived: Archived) -> None:
    keep(archived, 40)
    keep(archived, 10, first_offset=40, starts_at_us=0)
    keep(archived, 10, first_offset=50, starts_at_us=NOON_US + 40 * 365 * 86_400_000_000)
    rows = PostgresRows(archived.database_url)
    subject = Subject(FORGOTTEN, None)
    found = rows.find(subject)
    assert (found.records, len(found.details["tables"])) == (12, 2)
    assert rows.erase(subject) == found
    assert rows.find(subject).records == 0
    assert read_erased(archived) == {offset for offset in range(60) if offset % 5 == 3}
    assert count_rows_naming(archived.database_url, FORGOTTEN) == {}
    assert ask(archived.database_url, "SELECT count(*) FROM frames") == [(48,)]


def test_a_day_that_is_empty_afterwards_does_not_remember_the_name(archived: Archived) -> None:
    alone = make_batch(100, topic=archived.topic)
    archived.keep(alone.take(alone.stream_id == FORGOTTEN), archived.postgres())
    with closing(psycopg2.connect(archived.database_url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    assert "pg_stats" in count_rows_naming(archived.database_url, FORGOTTEN)
    PostgresRows(archived.database_url).erase(Subject(FORGOTTEN, None))
    assert count_rows_naming(archived.database_url, FORGOTTEN) == {}


def test_what_is_of_after_the_moment_stays(archived: Archived) -> None:
    keep(archived, 50)
    moment_us = NOON_US + 20 * 33_333
    PostgresRows(archived.database_url).erase(Subject(FORGOTTEN, moment_us))
    assert read_erased(archived) == {3, 8, 13, 18}
    rest = f"SELECT count(*) FROM frames WHERE stream_id = '{FORGOTTEN}'"
    assert ask(archived.database_url, rest) == [(6,)]


def test_cut_off_in_the_middle_what_went_is_on_record_and_the_rest_is_there(archived: Archived) -> None:
    rows = make_batch(24_000, topic=archived.topic)
    rows.stream_id[:] = FORGOTTEN
    sink = archived.postgres()
    sink.open(Assignment((TopicPartition(archived.topic, 0),), 1, "member", 0))
    for first in range(0, 24_000, 1_000):
        sink.put(rows.take(range(first, first + 1_000)))
    sink.flush()
    sink.stop()
    cut = threading.Event()

    def cut_off() -> None:
        while not cut.wait(0.01):
            [(erasing,)] = ask(archived.database_url, "SELECT count(*) FROM retired_offsets")
            if erasing:
                ask(
                    archived.database_url,
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holistic-forget'",
                )
                return

    cutting = threading.Thread(target=cut_off)
    cutting.start()
    try:
        with pytest.raises(PostgresUnavailable):
            PostgresRows(archived.database_url).erase(Subject(FORGOTTEN, None))
    finally:
        cut.set()
        cutting.join()
    left = {offset for (offset,) in ask(archived.database_url, 'SELECT "offset" FROM frames')}
    assert 0 < len(left) < 24_000
    assert read_erased(archived) == set(range(24_000)) - left
    assert PostgresRows(archived.database_url).erase(Subject(FORGOTTEN, None)).records == len(left)
    assert read_erased(archived) == set(range(24_000))


def test_records_that_were_kept_back_are_on_record(archived: Archived) -> None:
    note = ErasedFromPostgres(archived.database_url, lambda _topic: "its id")
    for _ in range(2):
        note(make_batch(5, topic=archived.topic, first_offset=10))
    assert read_erased(archived) == set(range(10, 15))
