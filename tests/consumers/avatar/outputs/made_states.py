"""States made by hand, and what arrives of them at a target."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.face.arkit import SHAPE_COUNT
from consumers.avatar.humanoid.skeleton import BONE_COUNT, REST_OFFSETS_M
from consumers.avatar.outputs.output import Shown
from consumers.avatar.outputs.target import make_output, parse_target
from consumers.avatar.states import AvatarStates
from tests.consumers.avatar.receiver import open_receiver, take_all

Send = Callable[..., list[bytes]]


def make_states(count: int = 1, seed: int = 0) -> AvatarStates:
    """Performers with every bone turned, every shape open and the hips moved, all known and tracked."""
    rng = np.random.default_rng(seed)
    rotations = rng.normal(size=(count, BONE_COUNT, 4))
    return AvatarStates(
        rotations=rotations / np.linalg.norm(rotations, axis=2, keepdims=True),
        shapes=rng.uniform(size=(count, SHAPE_COUNT)),
        root_m=rng.normal(scale=0.1, size=(count, 3)),
        bones_known=np.ones((count, BONE_COUNT), dtype=np.bool_),
        shapes_known=np.ones((count, SHAPE_COUNT), dtype=np.bool_),
        tracked=np.ones(count, dtype=np.bool_),
    )


def show_row(states: AvatarStates, row: int = 0, elapsed_s: float = 12.25) -> Shown:
    """One performer of these, as the sink shows it."""
    return Shown("ada", states, row, now_us=2_000_000, captured_at_us=1_950_000, elapsed_s=elapsed_s)


@contextmanager
def open_target(target: str, rest_offsets_m: NDArray[np.float64] | None = None) -> Iterator[Send]:
    """Shows states to a target written with HERE for its place; the call returns the datagrams that arrived."""
    places_m = REST_OFFSETS_M if rest_offsets_m is None else rest_offsets_m
    with open_receiver() as receiver:
        host, port = receiver.getsockname()
        output = make_output(parse_target(target.replace("HERE", f"{host}:{port}")), lambda _: places_m)

        def send(states: AvatarStates, row: int = 0) -> list[bytes]:
            left = output.show(show_row(states, row))
            datagrams = take_all(receiver)
            assert len(datagrams) == left
            return datagrams

        try:
            yield send
        finally:
            output.close()


def send_once(
    target: str, states: AvatarStates, row: int = 0, rest_offsets_m: NDArray[np.float64] | None = None
) -> list[bytes]:
    """The datagrams of one state at a target written with HERE for its place."""
    with open_target(target, rest_offsets_m) as send:
        return send(states, row)
