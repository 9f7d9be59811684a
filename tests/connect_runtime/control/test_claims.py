"""Two replicas never think that both of them have the same task id, whoever hears of whom first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connect_runtime.control.claims import UNCONFIRMED, settle_claims


def test_the_first_takes_the_smallest_ids_and_the_next_those_after_them() -> None:
    assert settle_claims(2, {}, {}) == {0: UNCONFIRMED, 1: UNCONFIRMED}
    assert settle_claims(2, {}, {0: 10, 2: 10}) == {1: UNCONFIRMED, 3: UNCONFIRMED}


def test_of_two_that_claim_the_same_the_one_whose_claim_stands_first_keeps_it() -> None:
    assert settle_claims(1, {0: 10}, {0: 11}) == {0: 10}
    assert settle_claims(1, {0: 11}, {0: 10}) == {1: UNCONFIRMED}
    assert settle_claims(1, {0: UNCONFIRMED}, {0: 10}) == {1: UNCONFIRMED}


def test_fewer_tasks_give_up_the_highest_ids_and_a_returning_replica_asks_for_its_old_ones() -> None:
    assert settle_claims(1, {0: 3, 4: 3}, {}) == {0: 3}
    assert settle_claims(2, {}, {0: 3}, preferred=[5, 0]) == {5: UNCONFIRMED, 1: UNCONFIRMED}


@given(st.lists(st.integers(1, 4), min_size=1, max_size=6))
def test_replicas_that_read_one_log_come_to_different_ids(wanted: list[int]) -> None:
    # Each writes without having read the others, then all read the log and settle, until nobody writes any more.
    offset, claims = 0, [dict.fromkeys(range(count), UNCONFIRMED) for count in wanted]
    for _ in range(100):
        for mine in claims:
            for task_id, at in mine.items():
                mine[task_id] = offset if at == UNCONFIRMED else at
            offset += 1
        settled = []
        for index, mine in enumerate(claims):
            others: dict[int, int] = {}
            for other in (*claims[:index], *claims[index + 1 :]):
                for task_id, at in other.items():
                    others[task_id] = min(at, others.get(task_id, at))
            settled.append(settle_claims(wanted[index], mine, others))
        if settled == claims:
            break
        claims = settled
    ids = [task_id for mine in claims for task_id in mine]
    assert len(ids) == len(set(ids)) == sum(wanted)
