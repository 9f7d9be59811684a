"""What each performer's face measures when it is at rest, by slot: people's eyes and lips differ more than they move.

A neutral face is the median of sixteen samples, which all begin as an adult's mean: what somebody shows for a second
moves it hardly, in the first seconds as later. It stays as near that mean as adults' faces do, so that who smiles all
the time is not taken to have no smile. Samples are taken only of a face that looks ahead, lids open, lips together.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.face.measures import MEASURE_COUNT, Measure, Measures

Slots = NDArray[np.intp]
Seconds = NDArray[np.float64]

# Millimetres of an adult's face: at rest, and how far from that another adult's face at rest is taken to be.
# fmt: off
_REST_MM: Final[dict[str, tuple[float, float]]] = {
    "EYE_OPENING": (7.3, 2.5), "UPPER_LID": (4.9, 2.0), "LOWER_LID": (-2.4, 1.0),
    "INNER_BROW": (19.0, 5.0), "OUTER_BROW": (16.0, 5.0), "BROW_HEAD_X": (13.6, 3.0),
    "CHEEKBONE": (-24.2, 4.0), "CHEEK_X": (47.0, 6.0), "CHEEK_Z": (5.0, 8.0), "NOSE_WING": (-37.0, 4.0),
    "CORNER": (-63.0, 5.0), "CORNER_X": (23.5, 4.0), "CORNER_Z": (14.5, 10.0),
    "UPPER_LIP": (-59.5, 5.0), "LOWER_LIP": (38.2, 5.0), "LIP_GAP": (1.0, 2.5),
    "UPPER_LIP_RED": (7.5, 3.0), "LOWER_LIP_RED": (9.2, 3.0), "UPPER_LIP_Z": (27.5, 9.0), "LOWER_LIP_Z": (26.0, 9.0),
    "LIPS_X": (0.0, 2.0), "CHIN": (-105.0, 10.0), "CHIN_X": (0.0, 3.0), "CHIN_Z": (15.5, 13.0),
    "IRIS_X": (0.7, 1.5), "IRIS": (1.6, 1.2),
}
# fmt: on
_SAMPLES: Final = 16
_SOON_S: Final = 0.25
_LATER_S: Final = 2.0
_ASKED_S: Final = 1.0 / 32
"""Between two samples: while the first ones are gathered, from then on, and when asked for."""
_ASKED_FOR_S: Final = 0.5
_CLOCK_SET_BACK_S: Final = 2 * _LATER_S
_FEWEST: Final = 4
_AHEAD_DEG: Final = 25.0
_LIPS_TOGETHER_MM: Final = 3.5
_LIDS_OPEN: Final = 0.45
_LIDS: Final = slice(Measure.EYE_OPENING_LEFT, Measure.EYE_OPENING_RIGHT + 1)
_HEAD: Final = slice(Measure.HEAD_YAW_DEG, Measure.HEAD_PITCH_DEG + 1)
_ASKED_SPREADS: Final = 3.0
_NARROWEST_EYE_MM: Final = 3.0
"""What even an asked-for neutral face is held to: a mesh that slipped is none, and closed eyes are not at rest."""


def _tabulate() -> tuple[Measures, Measures]:
    rest, spread = np.zeros(MEASURE_COUNT), np.zeros(MEASURE_COUNT)
    for measure in Measure:
        stem = measure.name.removesuffix("_LEFT").removesuffix("_RIGHT")
        rest[measure], spread[measure] = _REST_MM.get(stem, (0.0, 0.0))
    rest[Measure.IRIS_X_LEFT] *= -1.0
    return rest, spread


DEFAULT_NEUTRAL, _SPREAD = _tabulate()
"""float64[K]: an adult's face at rest, used until a performer's own is known; how it was measured is in
docs/avatar-face.md."""

DEFAULT_NEUTRAL.setflags(write=False)


class NeutralFaces:
    """The neutral faces of the performers in `capacity` slots."""

    def __init__(self, capacity: int) -> None:
        self._neutral = np.empty((0, MEASURE_COUNT))
        self._samples = np.empty((0, _SAMPLES, MEASURE_COUNT))
        self._taken = np.empty(0, dtype=np.intp)
        self._next_s = np.empty(0)
        self._asked = np.empty(0, dtype=np.bool_)
        self._asked_until_s = np.empty(0)
        self._settled = np.empty(0, dtype=np.bool_)
        self.grow(capacity)

    def grow(self, capacity: int) -> None:
        """Make room for slots up to `capacity`; never shrinks."""
        known = len(self._neutral)
        if capacity <= known:
            return
        more = capacity - known
        self._neutral = np.concatenate((self._neutral, np.empty((more, MEASURE_COUNT))))
        self._samples = np.concatenate((self._samples, np.empty((more, _SAMPLES, MEASURE_COUNT))))
        self._taken = np.concatenate((self._taken, np.zeros(more, dtype=np.intp)))
        self._next_s = np.concatenate((self._next_s, np.empty(more)))
        self._asked = np.concatenate((self._asked, np.zeros(more, dtype=np.bool_)))
        self._asked_until_s = np.concatenate((self._asked_until_s, np.empty(more)))
        self._settled = np.concatenate((self._settled, np.zeros(more, dtype=np.bool_)))
        self.reset(np.arange(known, capacity))

    def reset(self, slots: Slots) -> None:
        """Forget what these slots' performers look like."""
        self._neutral[slots] = DEFAULT_NEUTRAL
        self._start_sampling(slots, DEFAULT_NEUTRAL)
        self._asked[slots] = self._settled[slots] = False

    def observe(self, slots: Slots, measures: Measures, at_s: Seconds) -> Measures:
        """Learn from one frame of each of N performers; returns the neutral faces float64[N, K] to read them against.

        `slots` intp[N], each at most once; `measures` float64[N, K]; `at_s` float64[N]: when each frame was captured.
        """
        next_s = self._next_s[slots]
        due = (at_s >= next_s) | (at_s < next_s - _CLOCK_SET_BACK_S)
        learning = self._asked[slots] | ~self._settled[slots]
        rows = np.flatnonzero(due & learning)
        if rows.size:
            self._sample(slots[rows], measures[rows], at_s[rows])
        neutral: Measures = self._neutral[slots]
        return neutral

    def calibrate(self, slots: Slots) -> None:
        """Take these performers' next half second of being seen as their neutral face, and learn no more by oneself."""
        self._start_sampling(slots, np.full(MEASURE_COUNT, np.nan))
        self._asked[slots] = True

    def is_calibrating(self, slot: int) -> bool:
        """Whether a neutral face was asked for and is not known yet."""
        return bool(self._asked[slot])

    def export(self, slot: int) -> dict[str, float]:
        """A slot's neutral face in millimetres by the measure's name in lower case, to be kept as JSON."""
        return {measure.name.lower(): round(float(self._neutral[slot, measure]), 3) for measure in _KEPT}

    def restore(self, slot: int, values: Mapping[str, float]) -> None:
        """Take back what `export` gave, and learn no more by oneself; what it does not name is an adult's mean.

        Values that are no numbers, or none of a face, are taken as the nearest that are.
        """
        kept = DEFAULT_NEUTRAL.copy()
        for measure in _KEPT:
            kept[measure] = values.get(measure.name.lower(), kept[measure])
        only = np.array([slot])
        self.reset(only)
        self._settle(only, kept[None])

    def _start_sampling(self, slots: Slots, filling: Measures) -> None:
        self._samples[slots] = filling
        self._taken[slots] = 0
        self._next_s[slots] = -np.inf

    def _sample(self, slots: Slots, measures: Measures, at_s: Seconds) -> None:
        asked = self._asked[slots]
        rows = np.flatnonzero(_is_face(measures) & (asked | _is_calm(measures, self._neutral[slots])))
        if not rows.size:
            return
        slots, asked, at_s = slots[rows], asked[rows], at_s[rows]
        taken = self._taken[slots]
        seen = np.where(np.isnan(measures[rows]), DEFAULT_NEUTRAL, measures[rows])
        self._samples[slots, taken % _SAMPLES] = seen
        self._taken[slots] = taken + 1
        pause_s = np.where(asked, _ASKED_S, np.where(taken + 1 < _SAMPLES, _SOON_S, _LATER_S))
        self._next_s[slots] = at_s + pause_s
        self._asked_until_s[slots[taken == 0]] = at_s[taken == 0] + _ASKED_FOR_S
        waited = (taken + 1 >= _FEWEST) & (at_s >= self._asked_until_s[slots])
        enough = asked & (waited | (taken + 1 >= _SAMPLES))
        if enough.any():
            self._settle(slots[enough], np.nanmedian(self._samples[slots[enough]], axis=1))
        by_itself = slots[~asked]
        medians = np.median(self._samples[by_itself], axis=1)
        self._neutral[by_itself] = np.clip(medians, DEFAULT_NEUTRAL - _SPREAD, DEFAULT_NEUTRAL + _SPREAD)

    def _settle(self, slots: Slots, neutral: Measures) -> None:
        most = _ASKED_SPREADS * _SPREAD
        known = np.where(np.isnan(neutral), DEFAULT_NEUTRAL, neutral)
        held = np.clip(known, DEFAULT_NEUTRAL - most, DEFAULT_NEUTRAL + most)
        held[:, _LIDS] = np.maximum(held[:, _LIDS], _NARROWEST_EYE_MM)
        self._neutral[slots] = held
        self._asked[slots], self._settled[slots] = False, True


_KEPT: Final = tuple(measure for measure in Measure if _SPREAD[measure] > 0.0)


def _is_face(measures: Measures) -> NDArray[np.bool_]:
    """bool[N]: whether there is a face; irises may be missing."""
    seen: NDArray[np.bool_] = np.isfinite(measures[:, : Measure.IRIS_X_LEFT].sum(axis=1))
    return seen


def _is_calm(measures: Measures, neutral: Measures) -> NDArray[np.bool_]:
    """bool[N]: whether a face may be at rest."""
    turned_deg = np.abs(measures[:, _HEAD]).max(axis=1)
    opening = (measures[:, _LIDS] / neutral[:, _LIDS]).min(axis=1)
    together = measures[:, Measure.LIP_GAP] < _LIPS_TOGETHER_MM
    calm: NDArray[np.bool_] = together & (turned_deg < _AHEAD_DEG) & (opening > _LIDS_OPEN)
    return calm
