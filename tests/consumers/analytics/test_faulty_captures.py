"""Faults put into the captures of people who do one thing each: found as what they are, and never told as behaviour."""

from collections import defaultdict
from functools import cache

import pytest

from consumers.analytics.finding import Category
from performers.acts import ActKind
from performers.faults import FaultKind
from tests.consumers.analytics.faults.injected import Capture, capture
from tests.consumers.analytics.faults.test_injected import SHARES

ACTS = (
    ActKind.IDLE,
    ActKind.WAVE,
    ActKind.WALK,
    ActKind.THUMBS_UP,
    ActKind.SQUAT,
    ActKind.SPEAK,
    ActKind.CURL,
    ActKind.T_POSE,
)
SECONDS = 60.0
Told = tuple[str, str]
"""A kind and its subject."""


def perform(kind: FaultKind | None) -> Capture:
    shares = {} if kind is None else {kind: SHARES[kind]}
    return capture(shares, streams=len(ACTS), seconds=SECONDS, seed=3, acts=ACTS, each_one_act=True)


def list_behaviour(captured: Capture) -> list[tuple[tuple[ActKind, ...], Told]]:
    """All that is told of people, with what they do."""
    return [
        (captured.acts_of[stream_id], (finding.kind, finding.subject))
        for stream_id, findings in captured.found.items()
        for finding in findings
        if finding.category is not Category.FAULT
    ]


@cache
def find_without_faults() -> dict[tuple[ActKind, ...], set[Told]]:
    told: dict[tuple[ActKind, ...], set[Told]] = defaultdict(set)
    for acts, behaviour in list_behaviour(perform(None)):
        told[acts].add(behaviour)
    assert set(told) == {(act,) for act in ACTS}, "each does what can be told"
    return told


@pytest.mark.long
@pytest.mark.parametrize("kind", list(FaultKind))
def test_fifty_faults_are_found_and_nothing_is_told_of_people_that_is_not_told_without_them(kind: FaultKind) -> None:
    usual = find_without_faults()
    captured = perform(kind)
    assert len(captured.judged) >= 50
    found = sum(kind.value in {hit.kind for hit in captured.hits(fault)} for fault in captured.judged)
    assert found >= 0.95 * len(captured.judged)
    assert captured.list_unfounded() == []
    strange = [(acts, told) for acts, told in list_behaviour(captured) if told not in usual[acts]]
    assert len(strange) <= 0.02 * len(captured.judged), strange
