"""How well squats are counted and their stages told, measured on labelled landmarks of films."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise, product
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.analytics.exercises.cycle import Cycle, Drops, Stage
from consumers.analytics.exercises.squats import SQUAT_DROPS, SquatCounter, squat_level
from consumers.analytics.facts import BodyFacts
from consumers.analytics.finding import Change, Moment
from consumers.analytics.frame_facts import read_facts
from consumers.analytics.learning.evaluation import Evaluation, compare_labels
from keypoints.errors import Terminal
from keypoints.frame import allocate_batch
from keypoints.landmarks import PoseLandmark

IMAGE_WIDTH, IMAGE_HEIGHT = 1920, 1080
"""Pixels; rows do not say what shape their film has, and most have this one."""
FRAME_US: Final = 33_333
"""Rows do not say how much time is between them either."""
JOIN: Final = 0.3
"""A landmark that leaps further between two rows, in fractions of the image, is in another film."""

_NEEDED: Final = [f"{side}_{joint}" for joint in ("shoulder", "hip", "knee", "ankle") for side in ("left", "right")]
_UNTOLD: Final = "unknown"
_UPS: Final = [step / 100 for step in range(9, 32, 2)]
_DOWNS: Final = [step / 100 for step in range(26, 61, 2)]
_AS_GOOD: Final = 0.001
"""Borders that are wrong on so small a share of rows more than the best are as good, for other people at least."""
_HINT: Final = (
    "Squats have a header: label, then left_hip_x, left_hip_y, left_hip_z, left_hip_v and so on; labels up, down."
)


@dataclass(frozen=True, slots=True)
class LabelledClip:
    """One film's frames in their order."""

    labels: Sequence[str]
    bodies: Sequence[BodyFacts | None]

    @property
    def repetitions(self) -> int:
        """Times it is down between two times it is up; one that began before the film or goes on after it is none."""
        return _count_downs([stage for stage, _ in groupby(self.labels)][1:-1])


def evaluate_squats(path: Path, train: Path | None = None) -> Evaluation:
    """Count the squats of a file's clips and tell every row's stage, as a stream's recogniser does.

    With `train` the two borders of the stage are learned from its rows first. Raises Terminal for files that are no
    labelled squats.
    """
    drops = SQUAT_DROPS if train is None else learn_borders(read_clips(train))
    clips = read_clips(path)
    labels: list[str] = []
    told: list[str] = []
    counts: list[int] = []
    downs_told = 0
    for clip in clips:
        stages, repetitions = _watch(clip, drops)
        labels += clip.labels
        told += stages
        counts.append(repetitions)
        downs_told += _count_downs(stages)
    wanted = [clip.repetitions for clip in clips]
    return compare_labels(
        labels,
        told,
        classes=(Stage.UP.value, Stage.DOWN.value),
        extra={
            "repetitions_counted": sum(counts),
            "repetitions_labelled": sum(wanted),
            "clips": len(clips),
            "clips_counted_exactly": sum(map(int.__eq__, counts, wanted)),
            "downs_told": downs_told,
            "downs_labelled": sum(_count_downs(clip.labels) for clip in clips),
            "down_border": drops.down,
            "up_border": drops.up,
        },
    )


def learn_borders(clips: Sequence[LabelledClip]) -> Drops:
    """The borders between up and down that suit the clips; of those as good as the best, the nearest to our own."""
    levels = [[None if body is None else squat_level(body) for body in clip.bodies] for clip in clips]
    rows = sum(len(clip.labels) for clip in clips)
    wrong: dict[Drops, int] = {}
    for up, down in product(_UPS, _DOWNS):
        if up < down:
            drops = SQUAT_DROPS._replace(up=up, half=0.5 * (up + down), down=down)
            wrong[drops] = sum(_count_wrong(clip, its, drops) for clip, its in zip(clips, levels, strict=True))
    enough = min(wrong.values()) + _AS_GOOD * rows
    as_good = [drops for drops in (SQUAT_DROPS, *wrong) if wrong.get(drops, rows) <= enough]
    return min(as_good, key=lambda drops: abs(drops.up - SQUAT_DROPS.up) + abs(drops.down - SQUAT_DROPS.down))


def read_clips(path: Path) -> list[LabelledClip]:
    """The clips of a file, cut where landmarks leap. Raises Terminal naming the line and what is wrong with it."""
    labels, landmarks, points = _read_rows(path)
    batch = allocate_batch("labelled", len(labels))
    batch.pose[:, :, 3] = 0.0
    batch.pose[:, landmarks] = points
    batch.pose_present[:] = True
    batch.stream_id[:] = path.stem
    batch.sequence[:] = batch.offset[:] = np.arange(len(labels))
    batch.captured_at_us[:] = 1 + FRAME_US * np.arange(len(labels))
    batch.width[:], batch.height[:] = IMAGE_WIDTH, IMAGE_HEIGHT
    bodies = [facts.body for facts in read_facts(batch)]
    leaps = np.abs(np.diff(points[:, :, :2], axis=0)).max(axis=(1, 2)) > JOIN
    cuts = [0, *(np.flatnonzero(leaps) + 1).tolist(), len(labels)]
    return [LabelledClip(labels[first:end], bodies[first:end]) for first, end in pairwise(cuts)]


def _read_rows(path: Path) -> tuple[list[str], list[int], NDArray[np.float32]]:
    """Labels (N,), which landmarks the file has (P,), and their x, y, z, visibility (N, P, 4)."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = reader.fieldnames or []
            names = [column[:-2].upper() for column in columns if column.endswith("_v")]
            missing = [name for name in _NEEDED if name.upper() not in names]
            if "label" not in columns or missing:
                raise _refuse(path, 1, f"there is no column of {', '.join(missing) or 'labels'}")
            unknown = [name for name in names if name not in PoseLandmark.__members__]
            if unknown:
                raise _refuse(path, 1, f"there is no landmark {', '.join(unknown).lower()}")
            rows = [_read_row(path, reader.line_num, row, names) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Terminal(f"{path} cannot be read: {error}", hint=_HINT, path=str(path)) from error
    if not rows:
        raise _refuse(path, 1, "there are no rows")
    landmarks = [int(PoseLandmark[name]) for name in names]
    return [label for label, _ in rows], landmarks, np.array([point for _, point in rows], dtype=np.float32)


def _read_row(path: Path, line: int, row: dict[str, str], names: Sequence[str]) -> tuple[str, list[list[float]]]:
    label = row["label"].strip().lower()
    if label not in (Stage.UP, Stage.DOWN):
        raise _refuse(path, line, f"the label is {row['label']!r}, not up or down")
    try:
        return label, [[float(row[f"{name.lower()}_{axis}"]) for axis in "xyzv"] for name in names]
    except (KeyError, TypeError, ValueError) as error:
        raise _refuse(path, line, f"not four numbers for every landmark ({error})") from None


def _refuse(path: Path, line: int, why: str) -> Terminal:
    return Terminal(f"{path}, line {line}: {why}", hint=_HINT, path=str(path), line=line)


def _play(clip: LabelledClip) -> Iterator[tuple[Moment, BodyFacts | None]]:
    for number, body in enumerate(clip.bodies, start=1):
        yield Moment(number * FRAME_US, number), body


def _watch(clip: LabelledClip, drops: Drops) -> tuple[list[str], int]:
    """The stage of each frame, and how many repetitions were counted."""
    counter, stages = SquatCounter(), []
    changes: list[Change] = []
    for moment, body in _play(clip):
        changes += counter.advance(moment, body, drops)
        stages.append(str(counter.cycle.stage or _UNTOLD))
    changes += counter.end()
    return stages, sum(change.finding.evidence["counted"] is True for change in changes)


def _count_downs(stages: Sequence[str]) -> int:
    """Runs of down, those cut off by the film's beginning or end included."""
    return sum(stage == Stage.DOWN for stage, _ in groupby(stages))


def _count_wrong(clip: LabelledClip, levels: Sequence[float | None], drops: Drops) -> int:
    cycle, wrong = Cycle(), 0
    for (moment, _), label, level in zip(_play(clip), clip.labels, levels, strict=True):
        if level is not None and level == level:
            cycle.advance(moment, level, drops)
        wrong += cycle.stage != label
    return wrong
