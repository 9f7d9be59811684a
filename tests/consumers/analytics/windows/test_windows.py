"""Which windows a stream has, when they are over, and which frames and findings count in them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.analytics.finding import Phase
from consumers.analytics.windows.recogniser import Windows
from consumers.analytics.windows.window_row import WindowKind, WindowRow
from tests.consumers.analytics.windows.made_facts import (
    START_US,
    make_facts,
    pick,
    play,
    save_and_load,
    say,
    stand_for,
    standing,
    starts_s,
)

SLIDING = WindowKind.SLIDING


def take_late(windows: Windows, at_s: float) -> bool:
    facts = make_facts(at_s, body=standing())
    return windows.take_late(facts.captured_at_us, facts)


def test_ten_seconds_are_over_two_seconds_after_their_end() -> None:
    windows = Windows()
    assert play(windows, stand_for(3.0, 12.0)) == []
    closed = play(windows, stand_for(12.0, 12.1))
    assert starts_s(closed, 10) == [0.0]
    assert pick(closed, 0.0, 10).frames == 70
    assert not pick(closed, 0.0, 10).provisional


def test_a_minute_is_over_on_the_minute_and_one_more_every_ten_seconds() -> None:
    closed = play(Windows(), stand_for(3.0, 133.0))
    assert starts_s(closed, 10) == [10.0 * number for number in range(13)]
    assert starts_s(closed, 60) == [0.0, 60.0]
    assert starts_s(closed, 60, SLIDING) == [10.0 * number for number in range(-5, 8)]
    assert pick(closed, 60.0, 60).frames == 600
    assert pick(closed, 30.0, 60, SLIDING).frames == 600
    assert pick(closed, 60.0, 60) == replace(pick(closed, 60.0, 60, SLIDING), kind=WindowKind.TUMBLING)
    # The minute before the stream's first frame has it in its last ten seconds.
    assert pick(closed, -50.0, 60, SLIDING).frames == 70


def test_windows_are_over_in_the_order_of_their_ends() -> None:
    closed = play(Windows(), stand_for(3.0, 133.0))
    ends = [row.start_us + row.length_us for row in closed]
    assert ends == sorted(ends)


def test_a_minute_is_the_sum_of_its_tens_of_seconds() -> None:
    windows = Windows()
    rows = play(windows, stand_for(0.0, 25.0)) + play(windows, stand_for(31.0, 60.0)) + windows.end()
    minute = pick(rows, 0.0, 60)
    tens = [row for row in rows if row.length_us == 10_000_000]
    assert len(tens) == 6
    assert minute.frames == sum(row.frames for row in tens) == 540
    assert minute.seconds_covered == pytest.approx(sum(row.seconds_covered for row in tens))


def test_when_a_stream_ends_so_do_all_its_windows() -> None:
    windows = Windows()
    assert play(windows, stand_for(3.0, 8.0)) == []
    closed = windows.end()
    assert starts_s(closed, 10) == [0.0]
    assert starts_s(closed, 60) == [0.0]
    assert starts_s(closed, 60, SLIDING) == [10.0 * number for number in range(-5, 1)]
    assert all(row.frames == 50 for row in closed)
    assert windows.end() == []


def test_a_stream_of_which_nothing_was_seen_has_no_windows() -> None:
    assert Windows().end() == []
    assert Windows().open_rows() == []


@pytest.mark.parametrize("pause_s", [0.6, 30.0, 59.0, 3_600.0, 40_000_000.0])
def test_in_a_pause_no_windows_are_made_up_and_none_are_lost(pause_s: float) -> None:
    windows = Windows()
    again_s = 15.0 + pause_s
    rows = play(windows, stand_for(5.0, 15.0)) + play(windows, stand_for(again_s, again_s + 5.0)) + windows.end()
    assert sum(row.frames for row in rows if row.length_us == 10_000_000) == 150
    assert sum(row.frames for row in rows if row.length_us == 60_000_000 and row.kind is not SLIDING) == 150
    assert sum(row.frames for row in rows if row.kind is SLIDING) == 6 * 150
    assert all(row.frames for row in rows)


def test_a_pause_is_not_covered() -> None:
    windows = Windows()
    rows = play(windows, stand_for(0.0, 4.0)) + play(windows, stand_for(6.0, 10.0)) + windows.end()
    ten = pick(rows, 0.0, 10)
    assert ten.seconds_covered == pytest.approx(7.8)
    assert ten.frames_per_s == pytest.approx(10.0)
    # A pause is neither still nor moving.
    assert (ten.seconds_still or 0.0) + (ten.seconds_moving or 0.0) == pytest.approx(7.8)


def test_time_between_two_frames_counts_in_the_windows_it_passed_in() -> None:
    windows = Windows()
    rows = play(windows, [make_facts(at_s) for at_s in (9.7, 10.1, 10.5)]) + windows.end()
    assert pick(rows, 0.0, 10).seconds_covered == pytest.approx(0.3)
    assert pick(rows, 10.0, 10).seconds_covered == pytest.approx(0.5)


def test_a_late_frame_counts_until_its_ten_seconds_are_over() -> None:
    windows = Windows()
    play(windows, stand_for(3.0, 11.5))
    assert take_late(windows, 9.95)
    assert take_late(windows, 3.05)
    closed = play(windows, stand_for(11.5, 13.0))
    ten = pick(closed, 0.0, 10)
    assert (ten.frames, ten.late_frames, ten.too_late_frames) == (72, 2, 0)
    assert ten.seconds_covered == pytest.approx(7.0)


def test_a_frame_that_is_too_late_is_counted_as_such_in_the_newest_window_alone() -> None:
    windows = Windows()
    play(windows, stand_for(3.0, 13.0))
    assert not take_late(windows, 9.95)
    rows = windows.end()
    ten = pick(rows, 10.0, 10)
    assert (ten.frames, ten.late_frames, ten.too_late_frames) == (30, 0, 1)
    assert pick(rows, 0.0, 60).frames == 100


def test_a_frame_ten_seconds_late_is_too_late_though_its_window_is_not_over() -> None:
    windows = Windows()
    play(windows, stand_for(0.0, 11.0))
    assert not take_late(windows, 0.85)
    assert take_late(windows, 1.05)


def test_a_late_frame_may_be_of_before_the_streams_first() -> None:
    windows = Windows()
    play(windows, stand_for(20.0, 21.0))
    assert take_late(windows, 19.95)
    assert not take_late(windows, 9.95)
    rows = windows.end()
    assert pick(rows, 10.0, 10).frames == 1
    assert pick(rows, 10.0, 10).frames_per_s is None
    assert pick(rows, 20.0, 10).too_late_frames == 1


def test_a_late_frame_in_a_pause_has_a_window_of_its_own() -> None:
    windows = Windows()
    play(windows, [*stand_for(0.0, 5.0), *stand_for(21.0, 21.1)])
    assert take_late(windows, 12.0)
    assert not take_late(windows, 9.0)
    rows = windows.end()
    assert starts_s(rows, 10) == [10.0, 20.0]
    assert pick(rows, 10.0, 10).frames == 1
    assert pick(rows, 20.0, 10).too_late_frames == 1


def test_a_late_frame_with_no_window_about_is_kept_in_view_in_the_next() -> None:
    windows = Windows()
    assert not take_late(windows, 1.0)
    rows = play(windows, stand_for(3.0, 4.0)) + windows.end()
    assert pick(rows, 0.0, 10).too_late_frames == 1
    assert pick(rows, 0.0, 10).frames == 10


def test_time_set_back_makes_windows_of_the_same_time_that_are_told_apart() -> None:
    windows = Windows()
    before = play(windows, stand_for(3.0, 15.0)) + windows.end()
    after = play(windows, stand_for(2.0, 5.0, fps=20)) + windows.end()
    assert {row.stretch for row in before} == {0}
    assert {row.stretch for row in after} == {1}
    assert pick(before, 0.0, 10).frames == 70
    assert pick(after, 0.0, 10).frames == 60
    assert pick(after, 0.0, 10).seconds_covered == pytest.approx(2.95)


def test_open_windows_are_shown_as_provisional_with_what_is_known() -> None:
    windows = Windows()
    play(windows, stand_for(0.0, 71.0))
    windows.count([say(Phase.START, "speaking", 66.0, 70.9)])
    rows = windows.open_rows()
    assert all(row.provisional for row in rows)
    assert starts_s(rows, 10) == [60.0, 70.0]
    assert starts_s(rows, 60, SLIDING) == [10.0, 20.0]
    assert starts_s(rows, 60) == [60.0]
    assert pick(rows, 60.0, 60).frames == 110
    assert pick(rows, 20.0, 60, SLIDING).frames == 510
    assert pick(rows, 60.0, 10).findings["speaking"] == (1, 4.0)
    assert pick(rows, 70.0, 10).findings["speaking"].seconds == pytest.approx(0.9)
    # Showing changes nothing.
    assert windows.open_rows() == rows
    (over,) = (row for row in play(windows, stand_for(71.0, 72.1)) if row.length_us == 10_000_000)
    assert over == replace(pick(rows, 60.0, 10), provisional=False)


def test_a_finding_counts_where_it_began_and_lasts_where_it_goes_on() -> None:
    windows = Windows()
    rows = play(windows, stand_for(0.0, 8.5))
    windows.count([say(Phase.START, "speaking", 8.0, 8.4)])
    rows += play(windows, stand_for(8.5, 24.5))
    windows.count([say(Phase.END, "speaking", 8.0, 23.0)])
    rows += play(windows, stand_for(24.5, 41.0)) + windows.end()
    assert pick(rows, 0.0, 10).findings == {"speaking": (1, 2.0)}
    assert pick(rows, 10.0, 10).findings == {"speaking": (0, 10.0)}
    assert pick(rows, 20.0, 10).findings == {"speaking": (0, 3.0)}
    assert pick(rows, 30.0, 10).findings == {}
    assert pick(rows, 0.0, 60).findings == {"speaking": (1, 15.0)}


def test_each_of_what_happens_at_once_is_counted() -> None:
    windows = Windows()
    rows = play(windows, stand_for(0.0, 5.0))
    windows.count([say(Phase.OCCURRED, "blink", 1.0, 1.2), say(Phase.OCCURRED, "blink", 4.0, 4.25)])
    windows.count([say(Phase.OCCURRED, "clap", 2.0, 2.0, "both")])
    rows += windows.end()
    assert pick(rows, 0.0, 10).findings == {"blink": (2, 0.45), "clap": (1, 0.0)}


def test_the_same_kind_of_two_hands_is_two_findings() -> None:
    windows = Windows()
    play(windows, stand_for(0.0, 5.0))
    windows.count([say(Phase.START, "open", 1.0, 1.5, "left"), say(Phase.START, "open", 2.0, 2.5, "right")])
    # Said again with what is known so far, it is still the one.
    windows.count([say(Phase.START, "open", 1.0, 3.5, "left")])
    windows.count([say(Phase.END, "open", 1.0, 3.0, "left"), say(Phase.END, "open", 2.0, 4.0, "right")])
    assert pick(windows.end(), 0.0, 10).findings == {"open": (2, 4.0)}


def test_a_finding_said_when_its_ten_seconds_are_over_counts_in_the_next() -> None:
    windows = Windows()
    rows = play(windows, stand_for(0.0, 15.0))
    windows.count([say(Phase.START, "no_movement", 3.0, 14.9)])
    windows.count([say(Phase.END, "no_movement", 3.0, 14.0)])
    rows += windows.end()
    assert pick(rows, 0.0, 10).findings == {}
    assert pick(rows, 10.0, 10).findings == {"no_movement": (1, 4.0)}
    assert pick(rows, 0.0, 60).findings == {"no_movement": (1, 4.0)}


def test_what_goes_on_lasts_no_longer_than_frames_came() -> None:
    windows = Windows()
    rows = play(windows, stand_for(0.0, 5.0))
    windows.count([say(Phase.START, "speaking", 1.0, 4.9)])
    rows += play(windows, stand_for(300.0, 301.0)) + windows.end()
    assert pick(rows, 0.0, 10).findings == {"speaking": (1, 3.9)}


def test_findings_said_at_the_end_count_and_none_outlives_it() -> None:
    windows = Windows()
    play(windows, stand_for(0.0, 5.0))
    windows.count([say(Phase.START, "speaking", 1.0, 4.9)])
    windows.count([say(Phase.END, "speaking", 1.0, 4.5)])
    assert pick(windows.end(), 0.0, 10).findings == {"speaking": (1, 3.5)}
    windows.count([say(Phase.END, "speaking", 1.0, 4.5)])
    assert windows.findings == {}
    assert windows.end() == []


def test_saved_and_read_back_after_every_frame_the_windows_are_the_same_to_the_last_bit() -> None:
    def perform(*, saved: bool) -> list[WindowRow]:
        windows, rows = Windows(), []
        frames = [*stand_for(3.0, 26.3, fps=7), *stand_for(38.2, 75.0, fps=13)]
        for number, facts in enumerate(frames):
            rows += play(windows, [facts])
            if number % 50 == 20:
                second = (facts.captured_at_us - START_US) / 1e6
                windows.count([say(Phase.START, "speaking", second - 0.3, second)])
                take_late(windows, second - 1.23)
            if number % 50 == 45:
                second = (facts.captured_at_us - START_US) / 1e6
                windows.count([say(Phase.END, "speaking", second - 4.0, second - 0.2)])
                take_late(windows, second - 11.0)
            if saved:
                windows = save_and_load(windows)
        return [*rows, *windows.open_rows(), *windows.end()]

    rows = perform(saved=True)
    assert repr(rows) == repr(perform(saved=False))
    assert len(rows) > 20
    assert sum(row.too_late_frames for row in rows) > 5


@given(
    steps_s=st.lists(
        st.one_of(st.floats(0.01, 0.5), st.floats(0.5, 90.0), st.floats(-14.0, 0.0)), min_size=1, max_size=60
    )
)
def test_every_frame_counts_once_in_tens_and_minutes_or_as_too_late(steps_s: list[float]) -> None:
    windows, rows, now_s = Windows(), [], 100.0
    for step_s in steps_s:
        if step_s > 0.0:
            now_s += step_s
            rows += play(windows, [make_facts(now_s, body=standing())])
        else:
            take_late(windows, now_s + step_s)
    rows += windows.end()
    if not rows:
        return
    for length_s, kind, times in ((10, WindowKind.TUMBLING, 1), (60, WindowKind.TUMBLING, 1), (60, SLIDING, 6)):
        of_kind = [row for row in rows if row.length_us == length_s * 1_000_000 and row.kind is kind]
        assert sum(row.frames + row.too_late_frames for row in of_kind) == times * len(steps_s)
        assert len({row.start_us for row in of_kind}) == len(of_kind)
        assert all(row.seconds_covered <= length_s for row in of_kind)
