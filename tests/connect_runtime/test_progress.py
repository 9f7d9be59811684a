"""How far a task may commit."""

from connect_runtime.progress import Progress
from connect_runtime.sink import TopicPartition

ONE = TopicPartition("frames", 0)
TWO = TopicPartition("frames", 1)


def started(first: int = 0) -> Progress:
    progress = Progress()
    progress.own([ONE, TWO])
    progress.note_put(ONE, first + 5)
    progress.note_done(ONE, first, first + 5, 1_000)
    return progress


def test_only_what_the_sink_vouches_for_is_committed() -> None:
    progress = started()
    assert progress.committable({}) == {}
    assert progress.committable({ONE: 3}) == {ONE: 3}
    assert progress.committable({ONE: 5}) == {ONE: 5}


def test_the_same_offset_is_not_committed_twice() -> None:
    progress = started()
    progress.note_committed({ONE: 5})
    assert progress.committable({ONE: 5}) == {}
    assert not progress.has_uncommitted()


def test_skipped_records_at_the_end_are_committed_once_all_before_them_is_durable() -> None:
    progress = started()
    progress.note_done(ONE, 5, 8, 1_000)
    assert progress.committable({ONE: 4}) == {ONE: 4}
    assert progress.committable({ONE: 5}) == {ONE: 8}


def test_a_partition_of_nothing_but_skipped_records_is_committed() -> None:
    progress = started()
    progress.note_done(TWO, 0, 3, 1_000)
    assert progress.committable({}) == {TWO: 3}


def test_nothing_of_a_partition_given_up_is_committed() -> None:
    progress = started()
    progress.disown([ONE])
    assert progress.committable({ONE: 5}) == {}
    assert progress.owned == [TWO]


def test_what_a_sink_says_of_an_earlier_time_never_moves_the_group_back() -> None:
    progress = started(first=100)
    assert progress.committable({ONE: 60}) == {}
    assert progress.committable({ONE: 100}) == {}
    assert progress.committable({ONE: 103}) == {ONE: 103}


def test_where_the_sink_s_own_store_says_to_go_on_is_committed_for_all_to_see() -> None:
    progress = Progress()
    progress.own([ONE])
    progress.start_at(ONE, 40)
    assert progress.committable({}) == {ONE: 40}


def test_lag_counts_what_waits_and_how_old_the_newest_read_record_is() -> None:
    progress = started()
    assert progress.lag_records({ONE: 9, TWO: None}) == 4
    assert progress.lag_seconds({ONE: 9, TWO: None}, now_ms=3_500) == 2.5
    assert progress.lag_records({ONE: 5, TWO: None}) == 0
    assert progress.lag_seconds({ONE: 5, TWO: None}, now_ms=3_500) == 0.0
