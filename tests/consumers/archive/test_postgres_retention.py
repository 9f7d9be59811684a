"""Retention as a service does it: what it removed is not missed, and a kill in the middle of it costs nothing."""

import signal
import time
from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import psycopg2
import pytest

from consumers.archive.postgres.retention import DayState
from tests.consumers.archive.conftest import Archive
from tests.consumers.archive.made_frames import make_batch, publish
from tests.consumers.archive.postgres_under_test import DAY_US, ask, wait_until
from tests.consumers.archive.test_postgres_days import days

pytestmark = [pytest.mark.servers, pytest.mark.long, pytest.mark.timeout(170)]

OLD_FRAMES, NEW_FRAMES = 300, 200
RETENTION = {"retention.days": 2}


@pytest.fixture
def aged(archive: Archive) -> Archive:
    """Frames of five days ago and of now, archived by a service without retention that has ended."""
    now_us = time.time_ns() // 1000
    publish(archive.kafka, archive.topic, make_batch(OLD_FRAMES, starts_at_us=now_us - 5 * DAY_US))
    publish(archive.kafka, archive.topic, make_batch(NEW_FRAMES, first_offset=OLD_FRAMES, starts_at_us=now_us))
    service = archive.start("postgres")
    archive.wait_until(lambda: archive.has_begun() and archive.rows("postgres") == OLD_FRAMES + NEW_FRAMES)
    archive.wait_until(lambda: archive.lag("postgres") == 0)
    service.send_signal(signal.SIGTERM)
    assert service.wait() == 0
    archive.replicas.clear()
    return archive


def old_days(archive: Archive, state: DayState = DayState.ATTACHED) -> list[date]:
    today = datetime.now(UTC).date()
    return [day for day in days(archive.database_url, state) if day < today - timedelta(days=2)]


def check_only_the_new_are_left_and_none_is_missed(archive: Archive) -> None:
    assert archive.rows("postgres") == NEW_FRAMES
    assert all(part.clean for part in archive.audit().of_store("postgres")), archive.audit()
    assert ask(archive.database_url, "SELECT sum(last_offset - first_offset + 1)::int FROM retired_offsets") == [
        (OLD_FRAMES,)
    ]


def test_what_retention_removed_is_not_missed_by_the_audit(aged: Archive) -> None:
    aged.start("postgres", RETENTION)
    aged.wait_until(lambda: not any(old_days(aged, state) for state in DayState))
    check_only_the_new_are_left_and_none_is_missed(aged)


def end_detaching(aged: Archive) -> None:
    """Have the server end the sessions that detach a day."""

    def is_over() -> bool:
        ended = ask(
            aged.database_url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND query LIKE 'ALTER TABLE%DETACH%'",
        )
        return not ended

    wait_until(is_over)


def test_killed_while_it_detaches_a_day_a_service_ends_it_when_it_is_back(aged: Archive) -> None:
    with closing(psycopg2.connect(aged.database_url)) as reader, reader.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM frames")
        victim = aged.start("postgres", RETENTION)
        aged.wait_until(lambda: bool(old_days(aged, DayState.DETACHING)))
        victim.send_signal(signal.SIGKILL)
        assert victim.wait() == -signal.SIGKILL
        aged.replicas.clear()
        # The server goes on with the statement of a client that is gone: it must end before the reader lets it through.
        end_detaching(aged)
        assert old_days(aged, DayState.DETACHING)
    aged.start("postgres", RETENTION)
    aged.wait_until(lambda: not any(old_days(aged, state) for state in DayState), 100)
    check_only_the_new_are_left_and_none_is_missed(aged)
