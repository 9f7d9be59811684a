"""How far a partition may be committed, and where what it published is to be looked for."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from producer_service.image_topic.partition_work import Entry, PartitionWork, Phase
from producer_service.image_topic.positions import OutputPositions, format_positions, parse_positions


def make_work(streams: str, first: int = 10) -> tuple[PartitionWork, list[Entry]]:
    """A partition of which one record a letter waits, each of the stream of that name."""
    work = PartitionWork(0, first, Phase.RUNNING)
    entries = []
    for number, name in enumerate(streams):
        record = SimpleNamespace(offset=first + number, value=b"x" * 5)
        entries.append(Entry(cast("Any", record)))
        work.add(entries[-1])
        work.let_wait(entries[-1], name)
    return work, entries


def test_only_what_is_done_without_a_gap_is_committed() -> None:
    work, entries = make_work("aba")
    handed = [work.hand_over(name, (0,)) for name in "aba"]
    assert handed == entries
    work.note_done(entries[1])
    assert work.advance() == 10
    work.note_done(entries[0])
    assert work.advance() == 12
    assert (work.under_way, work.waiting_records, work.waiting_bytes) == (1, 0, 0)


def test_frames_of_later_images_are_looked_for_where_the_first_of_them_was_handed_over() -> None:
    work, entries = make_work("aab")
    # b overtakes the second of a.
    work.hand_over("a", (5, 7))
    work.hand_over("b", (6, 7))
    work.hand_over("a", (9, 9))
    work.note_done(entries[2])
    assert work.find_positions("frames", (20, 20)).offsets == (5, 7)
    work.note_done(entries[0])
    assert work.advance() == 11
    # Its frame came between (6, 7) and now, and its offset is not committed.
    assert work.find_positions("frames", (20, 20)).offsets == (6, 7)
    assert not work.left_nothing
    work.note_done(entries[1])
    assert work.advance() == 13
    assert work.find_positions("frames", (20, 20)).offsets == (20, 20)
    assert work.left_nothing


def test_what_is_read_again_after_a_failure_leaves_out_what_is_done() -> None:
    work, entries = make_work("aba")
    for name in "aba":
        work.hand_over(name, (3,))
    work.note_done(entries[1])
    work.note_done(entries[2])
    work.under_way -= 1
    work.advance()
    work.begin_again(work.find_positions("frames", (8,)))
    assert (work.next_offset, work.published, work.phase) == (10, frozenset({11, 12}), Phase.LOOKING_BACK)
    work.add_published([12, 10], OutputPositions("frames", (3,)))
    assert (work.published, work.phase) == (frozenset({10, 11, 12}), Phase.OPENING)
    # Whoever comes next must find them as well.
    assert work.find_positions("frames", (30,)).offsets == (3,)
    assert not work.left_nothing


@pytest.mark.parametrize("offsets", [(0,), (5, 2**40, 77), None])
def test_positions_survive_a_commit(offsets: tuple[int, ...] | None) -> None:
    positions = OutputPositions("holistic-tracking-stream", offsets)
    assert parse_positions(format_positions(positions), "holistic-tracking-stream") == positions


@pytest.mark.parametrize("metadata", ["", None, "1 frames", "1 other 5", "2 frames 5", "1 frames 5,", "1 frames x"])
def test_metadata_of_others_says_nothing(metadata: str | None) -> None:
    assert parse_positions(metadata, "frames") is None


def test_more_positions_than_a_broker_keeps_are_not_committed() -> None:
    assert format_positions(OutputPositions("frames", (2**40,) * 1000)) == ""
