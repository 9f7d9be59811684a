"""Where a moment is drawn: stretches side by side, the long pauses between them cut out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from consumers.analytics.report.figures import Stretch
from consumers.analytics.report.wording import write_clock, write_date

_CUT_SHARE: Final = 0.025
"""Of the time seen: the room a pause that is cut out is given."""
_STEPS_S: Final = (
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 2592000,
)  # fmt: skip
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Tick(NamedTuple):
    """A time that is written at the axis."""

    position: float
    label: str


@dataclass(frozen=True, slots=True)
class TimeScale:
    """Positions are seconds: 0 is where the first stretch begins."""

    stretches: tuple[Stretch, ...]

    @property
    def seen_s(self) -> float:
        return max(1e-3, sum(stretch.seconds for stretch in self.stretches))

    @property
    def cut_s(self) -> float:
        """The width of a pause that is cut out."""
        return _CUT_SHARE * self.seen_s

    @property
    def length(self) -> float:
        """Where the last stretch ends."""
        return self.seen_s + self.cut_s * (len(self.stretches) - 1)

    @property
    def cuts(self) -> tuple[float, ...]:
        """In the middle of each pause that is cut out."""
        return tuple(start - self.cut_s / 2 for start in self._starts()[1:])

    def position(self, at: datetime) -> float:
        """Of a moment; of one in no stretch, the nearest end of one."""
        starts = self._starts()
        for start, stretch in zip(starts, self.stretches, strict=True):
            if at <= stretch.ends_at:
                return start + max(0.0, (at - stretch.begins_at).total_seconds())
        return self.length

    def ticks(self, most: int) -> list[Tick]:
        """Where each stretch begins, and round times between; none nearer to another than `most` of them would be."""
        nearest = self.length / most
        step_s = next((step for step in _STEPS_S if step >= nearest), _STEPS_S[-1])
        ticks: list[Tick] = []
        day = ""
        for start, stretch in zip(self._starts(), self.stretches, strict=True):
            if not _is_free(start, ticks, nearest):
                continue
            new_day = write_date(stretch.begins_at)
            ticks.append(Tick(start, _write(stretch.begins_at, step_s) + ("" if new_day == day else f"\n{new_day}")))
            day = new_day
        for stretch in self.stretches:
            for at in _round_times(stretch, step_s):
                if _is_free(self.position(at), ticks, nearest * 0.9):
                    ticks.append(Tick(self.position(at), _write(at, step_s)))
        return sorted(ticks)

    def _starts(self) -> list[float]:
        starts, start = [], 0.0
        for stretch in self.stretches:
            starts.append(start)
            start += stretch.seconds + self.cut_s
        return starts


def _is_free(position: float, ticks: Sequence[Tick], nearest: float) -> bool:
    return all(abs(tick.position - position) >= nearest for tick in ticks)


def _round_times(stretch: Stretch, step_s: int) -> Sequence[datetime]:
    first = -(-(stretch.begins_at - _EPOCH) // timedelta(seconds=step_s))
    return [
        _EPOCH + timedelta(seconds=step_s) * number
        for number in range(first, (stretch.ends_at - _EPOCH) // timedelta(seconds=step_s) + 1)
    ]


def _write(at: datetime, step_s: int) -> str:
    if step_s >= 86_400:
        return f"{at:%m-%d}"
    return f"{at:%H:%M}" if step_s >= 60 and not at.second else write_clock(at)
