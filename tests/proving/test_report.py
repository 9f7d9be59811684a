"""The verdict of a headline: what was held, what stopped it, and what falls short of the promise."""

from dataclasses import replace

import psutil

from proving.headline import CutShort, find_ceiling
from proving.report import ROW, SAVED, Audit, Ceiling, Headline, Step
from tests.proving.made_steps import make_step


def make_headline(hold: Step, *climb: Step) -> Headline:
    return Headline({}, 6, 1, hold, {}, list(climb), find_ceiling([hold, *climb]), Audit(1_000, 0, 0, clean=True))


def test_the_ceiling_is_the_highest_rate_held_and_says_what_was_used_up_above_it() -> None:
    whole = float(psutil.cpu_count() or 1)
    ceiling = find_ceiling([make_step(800), make_step(1_200), make_step(1_400, behind=(SAVED,), machine=whole)])
    assert (ceiling.held_rate, ceiling.broke_at, ceiling.behind) == (1_200, 1_400, (SAVED,))
    assert "the machine" in ceiling.limit


def test_where_nothing_was_held_there_is_no_ceiling() -> None:
    assert find_ceiling([make_step(800, behind=(ROW,))]).held_rate is None


def test_where_nobody_fell_behind_nothing_limits() -> None:
    assert find_ceiling([make_step(800)]) == Ceiling(800, None, (), "")


def test_a_rate_held_above_one_that_was_not_is_no_ceiling() -> None:
    ceiling = find_ceiling([make_step(800, behind=(ROW,)), make_step(1_000)])
    assert (ceiling.held_rate, ceiling.broke_at) == (None, 800)


def test_a_climb_that_an_error_ended_says_at_which_rate_and_why_and_falls_short() -> None:
    cut_short = CutShort(1_000, "avatar was 7 records behind after 300 s")
    ceiling = find_ceiling([make_step(800)], cut_short)
    assert ceiling == Ceiling(800, 1_000, (), "", cut_short.why)
    found = replace(make_headline(make_step(800)), ceiling=ceiling)
    assert found.shortfalls == ["a ceiling of 800 frames/s, promised 1200"]
    assert found.as_dict()["ceiling"]["cut_short"] == cut_short.why


def test_a_latency_above_the_promise_is_named_with_both_figures() -> None:
    assert make_headline(make_step(800, avatar_p99_ms=55.0)).shortfalls == [
        "avatar datagram: p99 55.0 ms, promised below 40 ms"
    ]


def test_a_ceiling_below_the_promise_is_named() -> None:
    found = make_headline(make_step(800), make_step(1_000), make_step(1_200, behind=(ROW,)))
    assert found.shortfalls == ["a ceiling of 1000 frames/s, promised 1200"]


def test_a_run_that_did_not_hold_its_rate_is_no_good() -> None:
    assert make_headline(make_step(800)).good
    assert not make_headline(make_step(800, behind=(ROW,))).good
