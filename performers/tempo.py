"""How many frames a second a load asks for, moment by moment, and so when each of its frames is due."""

from dataclasses import dataclass

import numpy as np

from keypoints.errors import Terminal
from performers.rotations import FloatArray


class InvalidLoad(Terminal):
    """A load that cannot be. The fields say what was asked for."""


@dataclass(frozen=True)
class Burst:
    """The last `lasts_s` of every `every_s` seconds go `times` as fast. Raises InvalidLoad."""

    times: float
    lasts_s: float
    every_s: float

    def __post_init__(self) -> None:
        if not (self.times > 0 and 0 < self.lasts_s <= self.every_s):
            raise InvalidLoad(
                f"a burst cannot be {self.times:g} times the rate for {self.lasts_s:g} s of every {self.every_s:g} s",
                hint="as in 3x1s/10s: all above 0, and no longer than the period",
                times=self.times,
                lasts_s=self.lasts_s,
                every_s=self.every_s,
            )


@dataclass(frozen=True)
class Tempo:
    """A rate that goes evenly from `from_rate` to `to_rate` frames a second over `seconds`, and bursts if it is to.

    Raises InvalidLoad.
    """

    from_rate: float
    to_rate: float
    seconds: float
    burst: Burst | None = None

    def __post_init__(self) -> None:
        rates = (self.from_rate, self.to_rate)
        if (
            not (min(rates) >= 0 and max(rates) > 0 and self.seconds > 0)
            or not np.isfinite([*rates, self.seconds]).all()
        ):
            raise InvalidLoad(
                "rate and seconds must be above 0",
                rate=self.to_rate,
                from_rate=self.from_rate,
                seconds=self.seconds,
            )

    @property
    def peak_rate(self) -> float:
        """Frames a second at the fastest."""
        _, begin, end = self._segments()
        return float(max(begin.max(), end.max()))

    @property
    def frames(self) -> int:
        """How many frames that is, at least one."""
        return max(1, round(float(self._frames_by()[-1])))

    def due_s(self) -> FloatArray:
        """When each frame is due (frames,), seconds from the start: as many as the rate had come to before."""
        starts_s, begin, end = self._segments()
        frames_by = self._frames_by()
        number = np.arange(self.frames, dtype=np.float64)
        segment = np.clip(np.searchsorted(frames_by, number, side="right") - 1, 0, len(begin) - 1)
        left = number - frames_by[segment]
        slope = (end[segment] - begin[segment]) / np.diff(starts_s)[segment]
        # The root of begin·t + slope·t²/2 = left that is exact where the slope is 0.
        root = begin[segment] + np.sqrt(np.maximum(begin[segment] ** 2 + 2.0 * slope * left, 0.0))
        due_s: FloatArray = starts_s[segment] + np.divide(2.0 * left, root, out=np.zeros_like(left), where=root > 0)
        return due_s

    def _segments(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Where the rate changes its course (segments + 1,), and the rate at each segment's begin and end."""
        edges_s = {0.0, self.seconds}
        if self.burst is not None:
            ends_s = np.arange(1, self.seconds // self.burst.every_s + 2) * self.burst.every_s
            edges_s |= {float(edge) for edge in (*ends_s, *(ends_s - self.burst.lasts_s)) if 0 < edge < self.seconds}
        starts_s = np.array(sorted(edges_s))
        rates = self.from_rate + (self.to_rate - self.from_rate) * starts_s / self.seconds
        times = np.ones(len(starts_s) - 1)
        if self.burst is not None:
            middles_s = (starts_s[:-1] + starts_s[1:]) / 2
            times[middles_s % self.burst.every_s >= self.burst.every_s - self.burst.lasts_s] = self.burst.times
        return starts_s, rates[:-1] * times, rates[1:] * times

    def _frames_by(self) -> FloatArray:
        """How many frames are due before each edge (segments + 1,)."""
        starts_s, begin, end = self._segments()
        return np.concatenate(([0.0], np.cumsum((begin + end) / 2 * np.diff(starts_s))))
