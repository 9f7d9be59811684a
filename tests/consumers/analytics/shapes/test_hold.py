"""When a shape counts as held, how long it lasts, and what does not disturb it."""

from collections.abc import Sequence

import pytest

from consumers.analytics.finding import Moment, Phase
from consumers.analytics.shapes.hand_shape import SHAPES, HandShape
from consumers.analytics.shapes.hold import HandHold, Run
from consumers.analytics.shapes.rules import HOLD_RULES

MS = 1_000

NAMES = (*SHAPES, "salute", "flat")
VERSIONS = {"salute": "taught-1", "flat": "taught-2"}

Change = tuple[int, Phase, Run]


def showing(shape: HandShape, score: float = 1.0) -> list[float]:
    return [score if each is shape else 0.0 for each in SHAPES]


OPEN, CLOSED, NOTHING = showing(HandShape.OPEN), showing(HandShape.CLOSED), [0.0] * len(SHAPES)


def watch(
    frames: Sequence[Sequence[float] | None],
    frame_us: int = 33_333,
    hold: HandHold | None = None,
    names: Sequence[str] = SHAPES,
) -> list[Change]:
    """What happens, each with the number of the frame it happens in; offsets count from 100."""
    hold = hold or HandHold()
    changes: list[Change] = []
    for number, scores in enumerate(frames):
        for phase, run in hold.advance(Moment(number * frame_us, 100 + number), scores, HOLD_RULES, names, VERSIONS):
            changes.append((number, phase, run))
    return changes


def test_a_held_shape_is_announced_within_200_ms_and_began_with_its_first_frame() -> None:
    changes = watch([NOTHING, NOTHING, *[OPEN] * 30])
    [(number, phase, run)] = changes
    assert phase is Phase.START
    assert run.kind == "open"
    assert run.started_us == 2 * 33_333
    assert run.first_offset == 102
    assert (number - 2) * 33_333 <= 200 * MS


def test_a_shape_shorter_than_the_hold_is_nothing() -> None:
    assert watch([NOTHING, *[OPEN] * 4, NOTHING, *[CLOSED] * 4, NOTHING, *[OPEN] * 4, NOTHING]) == []


def test_a_gesture_ends_with_the_last_frame_that_showed_it() -> None:
    changes = watch([*[OPEN] * 10, *[NOTHING] * 20])
    assert [phase for _, phase, _ in changes] == [Phase.START, Phase.END]
    run = changes[-1][2]
    assert (run.last_us, run.last_offset) == (9 * 33_333, 109)
    assert (run.frames, run.observed, run.matched) == (10, 10, 10)


def test_no_gesture_comes_from_a_hand_that_is_not_there() -> None:
    assert watch([None] * 100) == []
    # Two frames, far apart, and nobody between them: that is no held shape.
    assert watch([OPEN, *[None] * 5, OPEN, *[None] * 5, OPEN]) == []


def test_a_short_dropout_of_the_hand_is_bridged_and_told() -> None:
    changes = watch([*[OPEN] * 10, *[None] * 6, *[OPEN] * 10, *[NOTHING] * 20])
    assert [phase for _, phase, _ in changes] == [Phase.START, Phase.END]
    run = changes[-1][2]
    assert run.last_offset == 125
    assert run.observed_share == pytest.approx(20 / 26)


def test_a_long_dropout_ends_the_gesture_and_the_hand_must_show_it_anew() -> None:
    changes = watch([*[OPEN] * 10, *[None] * 12, *[OPEN] * 10])
    assert [(phase, run.first_offset) for _, phase, run in changes] == [
        (Phase.START, 100),
        (Phase.END, 100),
        (Phase.START, 122),
    ]
    assert changes[1][2].last_offset == 109


def test_a_score_between_the_thresholds_prolongs_a_gesture_but_begins_none() -> None:
    faint = showing(HandShape.OPEN, 0.4)
    assert watch([faint] * 60) == []
    changes = watch([*[OPEN] * 10, *[faint] * 60])
    assert [phase for _, phase, _ in changes] == [Phase.START]
    assert changes[0][2].last_offset == 169
    assert changes[0][2].confidence == pytest.approx((10 + 60 * 0.4) / 70)


def test_another_shape_ends_the_one_before_it_begins() -> None:
    changes = watch([*[OPEN] * 10, *[CLOSED] * 10])
    assert [(phase, run.kind) for _, phase, run in changes] == [
        (Phase.START, "open"),
        (Phase.END, "open"),
        (Phase.START, "closed"),
    ]
    assert changes[1][2].last_us < changes[2][2].started_us


def test_a_slow_camera_has_gestures_too() -> None:
    changes = watch([OPEN] * 5, frame_us=400 * MS)
    assert [(number, phase) for number, phase, _ in changes] == [(2, Phase.START)]


def test_a_pause_of_the_camera_ends_what_was_held_before_it() -> None:
    hold = HandHold()
    watch([OPEN] * 10, hold=hold)
    [(phase, run)] = hold.advance(Moment(5_000 * MS, 200), OPEN, HOLD_RULES)
    assert (phase, run.last_offset) == (Phase.END, 109)


def test_a_thumb_that_passes_sideways_on_its_way_is_nothing_and_one_that_stays_there_is() -> None:
    sideways, down = showing(HandShape.THUMBS_SIDEWAYS), showing(HandShape.THUMBS_DOWN)
    passing = watch([*[sideways] * 12, *[down] * 20, *[sideways] * 6, *[down] * 10])
    assert [(phase, run.kind, run.first_offset) for _, phase, run in passing] == [(Phase.START, "thumbs_down", 112)]
    assert [(number, run.first_offset) for number, _, run in watch([sideways] * 30)] == [(16, 100)]


def taught(shape: HandShape, score: float, **scores: float) -> list[float]:
    return [*showing(shape, score), *(scores.get(name, 0.0) for name in NAMES[len(SHAPES) :])]


def test_a_taught_shape_goes_before_the_built_in_one_it_refines_though_that_scores_more() -> None:
    [(_, phase, run)] = watch([taught(HandShape.OPEN, 1.0, salute=0.6, flat=0.55)] * 20, names=NAMES)
    assert (phase, run.kind, run.made_by) == (Phase.START, "salute", "taught-1")
    assert run.confidence == pytest.approx(0.6)


def test_a_taught_shape_that_fades_keeps_the_built_in_one_away_until_it_is_gone() -> None:
    salute, fading = taught(HandShape.OPEN, 1.0, salute=0.8), taught(HandShape.OPEN, 1.0, salute=0.4)
    gone = taught(HandShape.OPEN, 1.0, salute=0.1)
    changes = watch([*[salute] * 10, *[fading] * 10, *[gone] * 10], names=NAMES)
    assert [(phase, run.kind, run.made_by) for _, phase, run in changes] == [
        (Phase.START, "salute", "taught-1"),
        (Phase.END, "salute", "taught-1"),
        (Phase.START, "open", None),
    ]
    assert changes[2][2].first_offset == 120


def test_a_built_in_shape_gives_way_to_a_taught_one_that_comes_to_be_shown() -> None:
    opened, salute = taught(HandShape.OPEN, 1.0), taught(HandShape.OPEN, 1.0, salute=0.8)
    changes = watch([*[opened] * 10, *[salute] * 10], names=NAMES)
    assert [(phase, run.kind) for _, phase, run in changes] == [
        (Phase.START, "open"),
        (Phase.END, "open"),
        (Phase.START, "salute"),
    ]


def test_a_taught_shape_that_is_removed_while_it_is_held_ends() -> None:
    hold = HandHold()
    watch([taught(HandShape.OPEN, 0.0, salute=1.0)] * 10, hold=hold, names=NAMES)
    ended = [
        change
        for number in range(10, 30)
        for change in hold.advance(Moment(number * 33_333, 100 + number), NOTHING, HOLD_RULES)
    ]
    assert [(phase, run.kind, run.last_offset) for phase, run in ended] == [(Phase.END, "salute", 109)]
