"""What is said of made-up logs and stores: lost, doubled, excused, and during which fault."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from connect_runtime.dead_letters import DeadLetter
from consumers.archive.audit import ArchiveAudit, LostRun, OnlyIn, PartitionAudit, StoreAudit
from proving.chaos.audit import count_shown_twice, count_stale, judge_load, judge_stores
from proving.chaos.bad_records import find_letter_problems
from proving.chaos.fault import Row, attribute
from proving.chaos.reference import compare_events, compare_tables

ACKED = np.array([[0, 10, 1, 0], [0, 11, 1, 1], [1, 5, 2, 0], [1, 6, 2, 1]], dtype=np.int64)
"""Partition, offset, stream, sequence."""


def two_rows() -> list[Row]:
    first = Row("first", "", 0.0, 1.0, first_offsets={0: 0, 1: 0})
    return [first, Row("second", "", 9.0, 1.0, first_offsets={0: 11, 1: 6})]


def counts(rows: Sequence[Row]) -> list[tuple[int, int]]:
    return [(row.lost, row.doubled) for row in rows]


def test_frames_that_are_all_rows_once_are_no_complaint() -> None:
    rows = two_rows()
    assert judge_load(ACKED, ACKED[::-1], (), rows).ok
    assert counts(rows) == [(0, 0), (0, 0)]


def test_an_acknowledged_frame_that_is_no_row_is_lost_during_the_fault_it_was_written_in() -> None:
    rows = two_rows()
    finding = judge_load(ACKED, ACKED[:3], (), rows)
    assert finding.problems == ["1 acknowledged frames are no rows, as (1, 6)"]
    assert counts(rows) == [(0, 0), (1, 0)]


def test_a_row_at_another_place_than_was_acknowledged_does_not_count() -> None:
    moved = ACKED.copy()
    moved[3, 1] = 7
    assert judge_load(ACKED, moved, (), two_rows()).problems == ["1 acknowledged frames are no rows, as (1, 6)"]


def test_a_frame_that_is_on_the_topic_twice_is_doubled() -> None:
    rows = two_rows()
    again = np.vstack([ACKED, [[0, 12, 1, 1]]])
    assert judge_load(ACKED, again, (), rows).problems == ["1 frames are on the topic twice, as (0, 12)"]
    assert counts(rows) == [(0, 0), (0, 1)]


def test_what_retention_took_is_excused_where_it_is_on_record() -> None:
    assert judge_load(ACKED, ACKED[1:], [LostRun("archive-postgres", 0, 10, 10)], two_rows()).ok
    assert not judge_load(ACKED, ACKED[1:], [LostRun("archive-postgres", 1, 10, 10)], two_rows()).ok


def test_gaps_and_doubles_of_a_store_are_counted_in_the_row_they_happened_in() -> None:
    rows = two_rows()
    postgres = StoreAudit("postgres", rows=13, duplicates=2, gaps=((4, 5),), beyond=(), doubled=((12, 13),))
    parquet = StoreAudit("parquet", rows=14, duplicates=0, gaps=(), beyond=(), skipped=3)
    audited = ArchiveAudit("frames", "id", (PartitionAudit(0, 0, 17, (postgres, parquet)),))
    finding = judge_stores(audited, rows)
    assert finding.problems == ["postgres: missing 0/4-5", "postgres: twice 0/12-13"]
    assert counts(rows) == [(2, 0), (0, 2)]
    assert "17 records, 3 dead letters" in finding.figure


def test_what_the_topic_no_longer_has_must_be_in_both_stores_or_on_record_as_gone() -> None:
    rows = two_rows()
    only = OnlyIn("postgres", "parquet", ((11, 13),))
    partition = PartitionAudit(0, 20, 20, (), (only,))
    gone = LostRun("archive-parquet", 0, 11, 12)
    finding = judge_stores(ArchiveAudit("frames", "id", (partition,), (gone,)), rows)
    assert finding.problems == ["parquet: 1 are not there, which postgres has and the topic no longer does, as 0/13"]
    assert counts(rows) == [(0, 0), (1, 0)]
    # What another connector could not read explains nothing.
    other = LostRun("archive-postgres", 0, 11, 13)
    assert not judge_stores(ArchiveAudit("frames", "id", (partition,), (other,)), two_rows()).ok
    assert judge_stores(ArchiveAudit("frames", "id", (partition,), (gone, replace(gone, last=13))), two_rows()).ok


def test_what_was_written_before_the_first_fault_is_nobodys() -> None:
    assert attribute([Row("first", "", 0.0, 1.0, first_offsets={0: 10})], 0, 9) is None


def test_a_row_is_green_only_when_it_recovered_in_time_and_nothing_was_wrong() -> None:
    green = Row("a", "", 0.0, 1.0, recovered_s=14.9)
    assert green.ok
    assert not Row("a", "", 0.0, 1.0, recovered_s=15.1).ok
    assert not Row("a", "", 0.0, 1.0, recovered_s=None).ok
    assert not Row("a", "", 0.0, 1.0, recovered_s=1.0, lost=1).ok
    assert not Row("a", "", 0.0, 1.0, recovered_s=1.0, doubled=1).ok
    assert not Row("a", "", 0.0, 1.0, recovered_s=1.0, problems=["exit code 1"]).ok


def sent(offset: int, at_us: int, age_us: int = 0) -> dict[str, int]:
    return {
        "partition": 0, "offset": offset, "sent_at_us": at_us, "received_at_us": at_us,
        "processed_at_us": at_us - age_us,
    }  # fmt: skip


def test_a_frame_shown_again_by_the_same_process_is_shown_twice_and_by_the_next_one_it_is_not() -> None:
    lines = [sent(1, 100), sent(2, 200), sent(2, 300), sent(2, 900)]
    assert count_shown_twice(lines, []) == 2
    assert count_shown_twice(lines, [500]) == 1


def test_a_frame_that_was_too_old_when_it_was_sent_is_stale_though_it_came_in_time() -> None:
    came_in_time = sent(2, 9_000_000, 9_000) | {"sent_at_us": 24_000_000}
    assert count_stale([sent(1, 9_000_000, 1_999_999), came_in_time]) == 1


def test_nothing_that_happened_proves_nothing() -> None:
    assert judge_load(ACKED[:0], ACKED[:0], (), []).problems == ["no frame was acknowledged, so that nothing is shown"]
    assert not compare_tables({"results": []}, {"results": []}).ok
    assert not compare_events([], []).ok


def letter(place: tuple[int, int], **missing: str) -> DeadLetter:
    names = ("connector.name", "task.id", "stage", "exception.class.name")
    errors = {"topic": "frames", "partition": str(place[0]), "offset": str(place[1]), **dict.fromkeys(names, "x")}
    return DeadLetter(0, 0, 0, None, b"", (), errors | missing, None, None, None)


def test_each_bad_record_must_have_one_dead_letter_that_says_why() -> None:
    places = [(0, 1), (0, 2)]
    right = [letter((0, 1)), letter((0, 2)), letter((3, 9))]
    assert find_letter_problems("avatar", right, "frames", places) == []
    assert find_letter_problems("avatar", right[:1], "frames", places) == [
        "avatar: 1 of 2 are no dead letters, as (0, 2)"
    ]
    assert find_letter_problems("avatar", [*right, right[0]], "frames", places) == ["avatar: 1 have two dead letters"]
    assert "say too little" in find_letter_problems("avatar", [right[0], letter((0, 2), stage="")], "frames", places)[0]


def test_tables_differ_by_a_value_by_a_row_and_by_a_row_twice() -> None:
    peaceful = {"results": [(1, "wave", 0.5), (2, "squat", 0.7)]}
    assert compare_tables(peaceful, peaceful).ok
    assert not compare_tables({"results": [(1, "wave", 0.5), (2, "squat", 0.71)]}, peaceful).ok
    assert not compare_tables({"results": [(1, "wave", 0.5)]}, peaceful).ok
    assert not compare_tables({"results": [*peaceful["results"], (1, "wave", 0.5)]}, peaceful).ok


def test_an_event_may_come_again_but_tells_one_story_and_none_is_missing_or_made_up() -> None:
    one, two = b'{"event_id": "1", "kind": "wave"}', b'{"event_id": "2", "kind": "wave"}'
    again = compare_events([one, two, one], [one, two])
    assert again.ok
    assert again.figure == "2 events, 1 sent again"
    assert not compare_events([one, two, b'{"event_id": "1", "kind": "squat"}'], [one, two]).ok
    assert not compare_events([one], [one, two]).ok
    assert not compare_events([one, two], [one]).ok
