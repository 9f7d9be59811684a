"""The messages of expressions: `/VMC/Ext/Blend/Val` for each, then `/VMC/Ext/Blend/Apply`."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.outputs.output import Shown
from consumers.avatar.outputs.vmc.numbers import Rows, choose_expressions, read_expressions
from consumers.avatar.outputs.vmc.osc import OscLayout
from consumers.avatar.outputs.vmc.profiles import Profile
from consumers.avatar.states import AvatarStates


class ExpressionSlots:
    """Lays the expressions of a profile out, and writes their numbers."""

    def __init__(self, layout: OscLayout, profile: Profile) -> None:
        self._sets: list[tuple[Callable[[AvatarStates], Rows], NDArray[np.intp], NDArray[np.intp]]] = []
        for names in profile.names:
            wire_names, columns = choose_expressions(names, profile.looks_by_expression)
            slots = [layout.add("/VMC/Ext/Blend/Val", ",sf", name, 0.0) for name in wire_names]
            self._sets.append((read_expressions(names), columns, np.array(slots, dtype=np.intp)))
        if self._sets:
            layout.add("/VMC/Ext/Blend/Apply", ",")

    def write(self, floats: NDArray[np.float32], shown: Shown) -> None:
        """Fill the slots from the row shown."""
        for read, columns, slots in self._sets:
            floats[slots] = read(shown.states)[shown.row][columns]
