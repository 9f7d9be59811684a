"""What is remembered of each performer between frames: arrays with one row for each slot."""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from consumers.avatar.smoothing.channels import CHANNEL_COUNT, REST, Channels, Columns, Flags, Slots, Times

USUAL_INTERVAL_S: Final = 1 / 30
LONG_AGO_S: Final = -1e12
"""Of what was shown or seen on a clock that is not known any more."""


@dataclass(slots=True)
class Memory:
    """Times are seconds on each performer's own frame clock, −inf for never (a long time ago for what is shown).

    `measured`, `pace` and `measured_at_s`: the last measurement that was followed, how fast it had come there, and
    when. `step` how it came there from the one before, and `noise2` the variance of the unrest found in such steps.
    `doubted`: the last frame jumped, and was not followed. `mean` and `value`: the running mean of measurements, and
    what the filter made of them. `seen_at_s`, `returned_at_s`: when a channel was last there, and when it last came
    back. `shown`, `shown_at_s`: the last state given out. `frame_at_s`, `interval_s`: when the last frame was captured,
    and how long it is from one to the next. `due_at_s`: when the value is to be reached.
    """

    measured: Channels
    pace: Columns
    measured_at_s: Columns
    step: Channels
    noise2: Columns
    mean: Channels
    value: Channels
    doubted: Flags
    seen_at_s: Columns
    returned_at_s: Columns
    shown: Channels
    shown_at_s: Times
    due_at_s: Times
    interval_s: Times
    frame_at_s: Times

    def __len__(self) -> int:
        return len(self.frame_at_s)

    def grow(self, capacity: int) -> None:
        """Room for more slots; never fewer."""
        if capacity > len(self):
            fresh = forget(capacity - len(self))
            for field in fields(self):
                old, new = getattr(self, field.name), getattr(fresh, field.name)
                setattr(self, field.name, np.concatenate((old, new)))

    def reset(self, slots: Slots) -> None:
        """Forget who was in these slots."""
        fresh = forget(len(slots))
        for field in fields(self):
            getattr(self, field.name)[slots] = getattr(fresh, field.name)


def forget(capacity: int) -> Memory:
    """Slots in which nobody was yet: all at rest, and never seen."""
    rest = np.tile(REST, (capacity, 1, 1))
    never = np.full((capacity, CHANNEL_COUNT), -np.inf)
    return Memory(
        measured=rest,
        pace=np.zeros_like(never),
        measured_at_s=never,
        step=np.zeros_like(rest),
        noise2=np.zeros_like(never),
        mean=rest.copy(),
        value=rest.copy(),
        doubted=np.zeros(never.shape, dtype=np.bool_),
        seen_at_s=never.copy(),
        returned_at_s=never.copy(),
        shown=rest.copy(),
        shown_at_s=np.full(capacity, LONG_AGO_S),
        due_at_s=np.full(capacity, -np.inf),
        interval_s=np.full(capacity, USUAL_INTERVAL_S),
        frame_at_s=np.full(capacity, -np.inf),
    )
