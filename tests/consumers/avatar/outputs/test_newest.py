"""What many outputs want of the same states is made once, in each thread."""

import threading

from consumers.avatar.outputs.newest import OfNewestStates
from consumers.avatar.states import AvatarStates
from tests.consumers.avatar.outputs.made_states import make_states


class Maker:
    """Makes the first hip's place of states, and counts how often it was asked to."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self, states: AvatarStates) -> float:
        self.made += 1
        return float(states.root_m[0, 0])


def test_a_hundred_outputs_of_the_same_states_cost_one_making() -> None:
    maker = Maker()
    newest = OfNewestStates(maker)
    first, second = make_states(seed=1), make_states(seed=2)
    assert {newest.of(first) for _ in range(100)} == {first.root_m[0, 0]}
    assert maker.made == 1
    assert [newest.of(states) for states in (second, second, first)] == [
        states.root_m[0, 0] for states in (second, second, first)
    ]
    assert maker.made == 3


def test_sinks_that_take_turns_keep_what_each_made() -> None:
    maker = Maker()
    newest = OfNewestStates(maker)
    turns = threading.Barrier(2, timeout=10.0)
    wrong: list[int] = []

    def sink(seed: int) -> None:
        states = make_states(seed=seed)
        for _ in range(50):
            turns.wait()
            if newest.of(states) != states.root_m[0, 0]:
                wrong.append(seed)

    sinks = [threading.Thread(target=sink, args=(seed,)) for seed in range(2)]
    for thread in sinks:
        thread.start()
    for thread in sinks:
        thread.join()
    assert not wrong
    assert maker.made == 2
