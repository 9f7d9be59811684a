"""What each performer's face measures when it is at rest, by slot."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.face.measures import MEASURE_COUNT, Measure, Measures

DEFAULT_NEUTRAL: Final[Measures] = np.zeros(MEASURE_COUNT)
"""float64[K]: an adult's face at rest, used until a performer's own is known."""


class NeutralFaces:
    """The neutral faces of the performers in `capacity` slots."""

    def __init__(self, capacity: int) -> None:
        self._neutral = np.tile(DEFAULT_NEUTRAL, (capacity, 1))

    def grow(self, capacity: int) -> None:
        """Make room for slots up to `capacity`; never shrinks."""
        missing = capacity - len(self._neutral)
        if missing > 0:
            self._neutral = np.concatenate((self._neutral, np.tile(DEFAULT_NEUTRAL, (missing, 1))))

    def reset(self, slots: NDArray[np.intp]) -> None:
        """Forget what these slots' performers look like."""
        self._neutral[slots] = DEFAULT_NEUTRAL

    def observe(self, slots: NDArray[np.intp], measures: Measures, at_s: NDArray[np.float64]) -> Measures:
        """Learn from one frame of each of N performers; returns the neutral faces float64[N, K] to read them against.

        `slots` intp[N], each at most once; `measures` float64[N, K]; `at_s` float64[N]: when each frame was captured.
        """
        return self._neutral[slots]

    def calibrate(self, slots: NDArray[np.intp]) -> None:
        """Take these performers' next half second as their neutral face."""

    def export(self, slot: int) -> dict[str, float]:
        """A slot's neutral face as plain values by the measure's name, to be kept as JSON."""
        return {measure.name.lower(): float(self._neutral[slot, measure]) for measure in Measure}

    def restore(self, slot: int, values: dict[str, float]) -> None:
        """Take back what `export` gave; measures it does not name keep the default."""
        for measure in Measure:
            self._neutral[slot, measure] = values.get(measure.name.lower(), DEFAULT_NEUTRAL[measure])
