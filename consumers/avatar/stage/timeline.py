"""Which frame of a performer is the newest, and which come too late: by the frames' own time, not by their order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from keypoints.frame import FrameBatch


class Moment(NamedTuple):
    """When and where a frame stands: tracking epoch, capture time, and position in the topic."""

    epoch: int
    captured_at_us: int
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Newest:
    """The row to show, its moment, and whether its clock is another one than that of the frame shown before."""

    row: int
    moment: Moment
    restarted: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """The newest frame (None when all came too late), and how many were passed over, by reason."""

    newest: Newest | None
    superseded: int
    late: int
    duplicate: int


def read_moments(frames: FrameBatch) -> list[Moment]:
    """The moment of every row."""
    columns = (frames.epoch.tolist(), frames.captured_at_us.tolist(), frames.partition.tolist(), frames.offset.tolist())
    return list(map(Moment, *columns))


def choose_newest(moments: Sequence[Moment], rows: Sequence[int], last: Moment | None) -> Choice:
    """Choose among one performer's rows, in offset order, given the moment shown last.

    Time runs within an epoch; a later epoch starts it anew, since tracking was reset (a file opened again, a worker
    started again).
    """
    newest: Newest | None = None
    restarted = False
    superseded = late = duplicate = 0
    for row in rows:
        moment = moments[row]
        if last is not None and not _is_newer(moment, last):
            repeated = _is_redelivered(moment, last) or moment.captured_at_us == last.captured_at_us
            duplicate, late = duplicate + repeated, late + (not repeated)
            continue
        superseded += newest is not None
        restarted = restarted or (last is not None and moment.epoch != last.epoch)
        newest, last = Newest(row, moment, restarted), moment
    return Choice(newest, superseded, late, duplicate)


def _is_newer(moment: Moment, last: Moment) -> bool:
    if _is_redelivered(moment, last):
        return False
    return moment.epoch > last.epoch or moment.captured_at_us > last.captured_at_us


def _is_redelivered(moment: Moment, last: Moment) -> bool:
    return moment.partition == last.partition and moment.offset <= last.offset
