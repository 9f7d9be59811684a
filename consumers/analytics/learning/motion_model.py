"""Motions of a fingertip learned from labelled windows of sixteen frames."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from consumers.analytics.learning.linear import LinearModel, fit_linear
from consumers.analytics.learning.motion import Motion
from consumers.analytics.learning.plane import Floats
from consumers.analytics.learning.track_features import measure_tracks
from consumers.analytics.learning.track_variants import vary_tracks
from consumers.analytics.learning.tracks import Bools, Tracks, read_tracks

_FREEDOM: Final = 1.0
_VARIANTS: Final = 2
_SEED: Final = 7
_LEAST_SEEN: Final = 2


@dataclass(frozen=True, slots=True)
class MotionModel:
    """Tells apart the motions it was shown."""

    linear: LinearModel
    of_unseen: tuple[float, ...]
    """The scores of a window in which less than two points were seen: each motion's share of the frames missed."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The motions, in the order of the scores' columns."""
        return self.linear.classes

    def scores(self, rows: Floats) -> Floats:
        """float64 (N, C), each row's sum 1, of windows float64 (N, 32): see `read_tracks`."""
        tracks = read_tracks(rows)
        scores = self.linear.scores(measure_tracks(tracks))
        scores[~_is_measurable(tracks)] = self.of_unseen
        return scores


def learn_motions(rows: Floats, motions: Sequence[Motion]) -> MotionModel:
    """Learn from N windows, float64 (N, 32) as `read_tracks` takes them, and from variants of each.

    The same rows give the same model. Raises Terminal when there is only one motion.
    """
    all_tracks = read_tracks(rows)
    measurable = _is_measurable(all_tracks)
    shown = [motion for motion, known in zip(motions, measurable, strict=True) if known]
    tracks = Tracks(all_tracks.points[measurable], all_tracks.seen[measurable])
    random = np.random.default_rng(_SEED)
    features, labels = [measure_tracks(tracks)], list(shown)
    for _ in range(_VARIANTS):
        varied, meaning = vary_tracks(tracks, shown, random)
        usable = _is_measurable(varied)
        features.append(measure_tracks(varied)[usable])
        labels += [motion for motion, known in zip(meaning, usable, strict=True) if known]
    linear = fit_linear(np.concatenate(features), labels, freedom=_FREEDOM)
    missed: Counter[Motion] = Counter()
    for motion, count in zip(motions, (~all_tracks.seen).sum(axis=1), strict=True):
        missed[motion] += int(count)
    # One more of each: what was never met is not impossible.
    counts = [missed[Motion(name)] + 1 for name in linear.classes]
    return MotionModel(linear, tuple(count / sum(counts) for count in counts))


def _is_measurable(tracks: Tracks) -> Bools:
    measurable: Bools = tracks.seen.sum(axis=1) >= _LEAST_SEEN
    return measurable
