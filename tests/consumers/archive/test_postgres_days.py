"""Days are there before their first frame, and go when retention says so, whatever cuts their going short."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta

import psycopg2
import pytest

from consumers.archive.parquet.offset_set import OffsetSet
from consumers.archive.postgres.connection import connect
from consumers.archive.postgres.days import DayWindow, day_of_partition, make_days, partition_name
from consumers.archive.postgres.retention import DayState, Retired, list_days, retire_days
from keypoints.errors import Transient
from tests.consumers.archive.made_frames import NOON_US, make_batch
from tests.consumers.archive.postgres_under_test import (
    DAY_US,
    TEST,
    ask,
    open_sink,
    repeat,
    run,
    run_alone,
    store,
    stored_offsets,
    wait_until,
)

pytestmark = pytest.mark.servers

TODAY = datetime.fromtimestamp(NOON_US / 1e6, UTC).date()
OLD = TODAY - timedelta(days=10)
FIRST_RETAINED = TODAY - timedelta(days=3)
KEEP_3_DAYS = DayWindow(retention_days=3)


def days(database_url: str, state: DayState = DayState.ATTACHED) -> list[date]:
    with closing(connect(database_url, "test")) as connection:
        return [table.day for table in list_days(connection) if table.state is state]


def retire(database_url: str, first_retained: date = FIRST_RETAINED, now_us: int = NOON_US) -> Retired:
    with closing(connect(database_url, "test")) as connection:
        return retire_days(first_retained, now_us, connection)


def retired_offsets(database_url: str) -> list[int]:
    runs = ask(database_url, "SELECT first_offset, last_offset FROM retired_offsets")
    return [offset for first, last in OffsetSet.of_runs(runs).runs for offset in range(first, last + 1)]


@pytest.fixture
def aged(database_url: str) -> str:
    """Frames 0–9 of ten days ago, 10–19 of today."""
    store(database_url, make_batch(10, starts_at_us=NOON_US - 10 * DAY_US), make_batch(10, first_offset=10))
    return database_url


@contextmanager
def reading(database_url: str) -> Iterator[None]:
    """Somebody's query over all frames, in a transaction that does not end."""
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM frames")
        yield


@pytest.fixture
def cut_short(aged: str) -> str:
    """The same, with the old day's detachment begun and never ended."""
    with reading(aged), pytest.raises(Transient):
        retire(aged)
    assert days(aged, DayState.DETACHING) == [OLD]
    return aged


def test_tomorrow_is_made_by_a_service_that_has_run_since_last_week(database_url: str) -> None:
    clock = [NOON_US]
    with open_sink(database_url, now_us=lambda: clock[0]) as sink:
        clock[0] += 7 * DAY_US
        sink.tick()
        wait_until(lambda: TODAY + timedelta(days=9) in days(database_url))
    assert [day - TODAY for day in days(database_url)] == [timedelta(days=ahead) for ahead in (0, 1, 2, 7, 8, 9)]


def test_a_tick_neither_waits_nor_fails_while_another_makes_days(database_url: str) -> None:
    clock = [NOON_US]
    with open_sink(database_url, now_us=lambda: clock[0]) as sink:
        with closing(psycopg2.connect(database_url)) as other, other.cursor() as cursor:
            cursor.execute("SELECT make_frames_day(%s)", (TODAY - timedelta(days=1),))
            clock[0] += DAY_US
            sink.tick()
            sink.put(make_batch(10))
            sink.flush()
            assert sink.durable_offsets() == {TEST: 10}
            assert TODAY + timedelta(days=3) not in days(database_url)
        wait_until(lambda: TODAY + timedelta(days=3) in days(database_url))


def test_days_past_retention_go_and_what_they_held_is_on_record(aged: str) -> None:
    assert retire(aged) == Retired((OLD,), 0)
    assert stored_offsets(aged) == list(range(10, 20))
    assert retired_offsets(aged) == list(range(10))
    assert retire(aged) == Retired()


def test_the_sink_retires_by_itself(aged: str) -> None:
    with open_sink(aged, window=KEEP_3_DAYS) as sink:
        sink.tick()
        wait_until(lambda: OLD not in days(aged) and not days(aged, DayState.DETACHED))
    assert stored_offsets(aged) == list(range(10, 20))


def test_without_retention_all_stays(aged: str) -> None:
    with open_sink(aged) as sink:
        sink.tick()
    assert stored_offsets(aged) == list(range(20))


def test_a_day_is_kept_until_all_of_it_is_old(database_url: str) -> None:
    midnight = NOON_US // DAY_US * DAY_US
    oldest = midnight - 3 * DAY_US
    store(database_url, make_batch(1, starts_at_us=oldest - 1), make_batch(1, first_offset=1, starts_at_us=oldest))
    retire(database_url, KEEP_3_DAYS.first_retained_day(midnight + DAY_US - 1) or TODAY)
    assert stored_offsets(database_url) == [1]


def test_only_one_replica_retires_at_a_time(aged: str) -> None:
    with closing(connect(aged, "test")) as other:
        assert retire_days(OLD, NOON_US, other) == Retired()
        assert retire(aged) == Retired()
    wait_until(lambda: bool(retire(aged)))


def test_a_reader_in_the_way_is_let_read_while_writers_go_on(aged: str) -> None:
    with reading(aged):
        with pytest.raises(Transient):
            retire(aged)
        with open_sink(aged, window=KEEP_3_DAYS) as sink:
            sink.put(make_batch(10, first_offset=20))
            sink.flush()
    assert retire(aged).days == (OLD,)
    assert stored_offsets(aged) == list(range(10, 30))


def test_a_detachment_cut_short_is_ended_by_the_next_pass(cut_short: str) -> None:
    assert retire(cut_short) == Retired((OLD,), 0)
    assert retired_offsets(cut_short) == list(range(10))
    assert days(cut_short, DayState.DETACHING) == days(cut_short, DayState.DETACHED) == []


def test_a_detachment_cut_short_does_not_stand_in_the_way_of_other_days(cut_short: str) -> None:
    with closing(connect(cut_short, "test")) as connection:
        make_days([OLD - timedelta(days=1)], connection)
    assert set(retire(cut_short).days) == {OLD, OLD - timedelta(days=1)}


def test_a_day_that_was_detached_and_not_dropped_is_dropped_by_the_next_pass(aged: str) -> None:
    run_alone(aged, f"ALTER TABLE frames_by_day DETACH PARTITION {partition_name(OLD)} CONCURRENTLY")
    assert retire(aged) == Retired((OLD,), 0)
    assert retired_offsets(aged) == list(range(10))
    assert days(aged, DayState.DETACHED) == []


@pytest.mark.parametrize("how", ["FINALIZE", "CONCURRENTLY", None])
def test_a_day_half_gone_comes_back_whole_when_its_retention_is_raised(
    request: pytest.FixtureRequest, how: str | None
) -> None:
    url = request.getfixturevalue("cut_short" if how != "CONCURRENTLY" else "aged")
    if how is not None:
        run_alone(url, f"ALTER TABLE frames_by_day DETACH PARTITION {partition_name(OLD)} {how}")
    with open_sink(url) as sink:
        sink.put(make_batch(1, first_offset=20, starts_at_us=NOON_US - 10 * DAY_US))
        repeat(sink.flush)
    assert stored_offsets(url) == list(range(21))


def test_tables_of_other_names_are_none_of_retentions(aged: str) -> None:
    run(aged, "CREATE TABLE frames_by_day_backup (x int); CREATE TABLE frames_by_day_20260231 (x int)")
    retire(aged)
    assert ask(aged, "SELECT count(*) FROM frames_by_day_backup, frames_by_day_20260231") == [(0,)]
    assert (day_of_partition("frames_by_day_20260921"), day_of_partition("frames_by_day_2026-9-1")) == (TODAY, None)


def test_frames_that_come_late_for_a_removed_day_are_seen_for_a_day_and_make_none(aged: str) -> None:
    retire(aged)
    late = make_batch(5, first_offset=20, starts_at_us=NOON_US - 10 * DAY_US)
    with open_sink(aged, window=KEEP_3_DAYS) as sink:
        sink.put(late)
        sink.flush()
    assert OLD not in days(aged)
    assert stored_offsets(aged, "frames_out_of_range") == list(range(20, 25))
    assert retire(aged, now_us=NOON_US + DAY_US // 2) == Retired()
    assert retire(aged, now_us=NOON_US + DAY_US + 1) == Retired((), 5)
    assert retired_offsets(aged) == [*range(10), *range(20, 25)]
    assert stored_offsets(aged) == list(range(10, 20))


def test_frames_dated_ahead_go_when_they_have_been_kept_as_long_as_others(database_url: str) -> None:
    store(database_url, make_batch(5, starts_at_us=NOON_US + 400 * DAY_US))
    assert retire(database_url, TODAY) == Retired()
    assert retire(database_url, TODAY + timedelta(days=1), NOON_US + 3 * DAY_US).rows_out_of_range == 5


def test_a_sink_that_stops_does_not_wait_for_a_reader_in_retentions_way(aged: str) -> None:
    with reading(aged):
        with open_sink(aged, window=KEEP_3_DAYS) as sink:
            sink.tick()
            wait_until(lambda: OLD in days(aged, DayState.DETACHING))
        assert not any(thread.name == "archive-upkeep" for thread in threading.enumerate())
