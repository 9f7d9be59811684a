"""`replay --rewrite` on Postgres: the same records, decoded anew, in the place of the rows that were there."""

import pytest

from connect_runtime.sink import Assignment
from consumers.archive.postgres.rewriting import RewritingPostgresSink
from keypoints.frame import FrameBatch
from tests.consumers.archive.made_frames import NOON_US, make_batch
from tests.consumers.archive.postgres_under_test import DAY_US, TEST, ask, store, stored_offsets

pytestmark = pytest.mark.servers


def rewrite(database_url: str, *batches: FrameBatch) -> None:
    sink = RewritingPostgresSink(database_url, lambda topic: f"id-of-{topic}", lambda: NOON_US)
    try:
        sink.open(Assignment((TEST,), 1, "replay", 0))
        for batch in batches:
            sink.put(batch)
        sink.flush()
        assert sink.durable_offsets() == {TEST: int(batches[-1].offset.max()) + 1}
    finally:
        sink.stop()


def corrected(rows: int, first_offset: int = 0, moved_us: int = 0) -> FrameBatch:
    batch = make_batch(rows, first_offset=first_offset, starts_at_us=NOON_US + moved_us)
    batch.model[:] = "corrected"
    return batch


def corrected_offsets(database_url: str) -> list[int]:
    return [offset for (offset,) in ask(database_url, "SELECT \"offset\" FROM frames WHERE model = 'corrected'")]


def test_rows_that_are_there_are_replaced_and_others_added(database_url: str) -> None:
    store(database_url, make_batch(100))
    for _ in range(2):
        rewrite(database_url, corrected(50, first_offset=30), corrected(50, first_offset=70))
        assert stored_offsets(database_url) == list(range(120))
        assert sorted(corrected_offsets(database_url)) == list(range(30, 120))


def test_a_corrected_time_moves_the_row_also_to_another_day_or_out_of_range_and_back(database_url: str) -> None:
    store(database_url, make_batch(20))
    for moved_us in (-3 * DAY_US, 400 * DAY_US, 0):
        rewrite(database_url, corrected(20, moved_us=moved_us))
        assert stored_offsets(database_url) == list(range(20)), "no row is there under both times"
        [(first_us,)] = ask(database_url, "SELECT (extract(epoch FROM min(captured_at)) * 1000000)::bigint FROM frames")
        assert first_us == NOON_US + moved_us


def test_a_chunk_of_both_kinds_is_written_whole(database_url: str) -> None:
    batch = corrected(20)
    batch.captured_at_us[10:] += 400 * DAY_US
    store(database_url, make_batch(20))
    rewrite(database_url, batch)
    assert sorted(corrected_offsets(database_url)) == stored_offsets(database_url) == list(range(20))
    assert stored_offsets(database_url, "frames_out_of_range") == list(range(10, 20))


def test_records_read_twice_are_there_once(database_url: str) -> None:
    store(database_url, make_batch(20))
    rewrite(database_url, corrected(20), corrected(20))
    assert stored_offsets(database_url) == list(range(20))
