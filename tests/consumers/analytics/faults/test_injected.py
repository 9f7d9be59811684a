"""Faults put into captures are found, each as what it is, and nothing else is found."""

import pytest

from consumers.analytics.finding import Category
from performers.acts import ActKind
from performers.faults import FaultKind
from tests.consumers.analytics.faults.injected import capture

# So much of each that 50 of them befall six performers in a minute or two.
SHARES = {
    FaultKind.DROPOUT: 0.2,
    FaultKind.MISSING: 0.16,
    FaultKind.FROZEN: 0.2,
    FaultKind.LATE: 0.02,
    FaultKind.DUPLICATE: 0.02,
    FaultKind.SIDES_SWAPPED: 0.16,
    FaultKind.TIME_JUMP: 0.12,
    FaultKind.LIMB: 0.16,
    FaultKind.RATE_DROP: 0.45,
}


def test_a_few_of_each_are_found_as_what_they_are() -> None:
    shares = {kind: 0.01 if share < 0.1 else 0.04 for kind, share in SHARES.items()}
    captured = capture(shares, streams=4, seconds=45)
    assert len({fault.kind for fault in captured.faults}) == len(FaultKind)
    missed = [fault for fault in captured.judged if fault.kind.value not in [hit.kind for hit in captured.hits(fault)]]
    assert len(missed) <= 0.05 * len(captured.judged), missed
    assert captured.list_unfounded() == []
    assert captured.list_kinds(Category.ANOMALY) == {}


@pytest.mark.long
@pytest.mark.parametrize("kind", list(FaultKind))
def test_fifty_of_a_kind_are_found_as_that_kind_and_not_told_as_something_about_the_person(kind: FaultKind) -> None:
    captured = capture({kind: SHARES[kind]}, streams=6, seconds=75)
    hits = [[hit.kind for hit in captured.hits(fault)] for fault in captured.judged]
    assert len(hits) >= 50
    assert sum(kind.value in told for told in hits) >= 0.95 * len(hits)
    assert sum(any(other != kind.value for other in told) for told in hits) <= 0.05 * len(hits)
    assert len(captured.list_unfounded()) <= 0.1 * captured.minutes
    assert captured.list_kinds(Category.ANOMALY) == {}


def test_of_a_sound_capture_nothing_is_told_whatever_people_do() -> None:
    for seed, acts in enumerate(
        (
            (ActKind.WALK, ActKind.JUMP, ActKind.FALL, ActKind.SIT),
            (ActKind.LEAVE, ActKind.JUMPING_JACK, ActKind.HANDS_OUT, ActKind.PUSH_UP),
            (ActKind.CLAP, ActKind.SWIPE_LEFT, ActKind.CROSS_ARMS, ActKind.CIRCLE_CLOCKWISE, ActKind.HEAD_TURN),
        )
    ):
        captured = capture({}, streams=3, seconds=25, seed=seed, acts=acts)
        assert captured.list_kinds(Category.FAULT) == {}
