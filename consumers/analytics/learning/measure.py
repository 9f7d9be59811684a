"""Measure on labelled rows: what the suite's own rules say of them, or what was learned from other rows."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from consumers.analytics.learning.evaluation import Evaluation, compare_labels
from consumers.analytics.learning.motion import Motion
from consumers.analytics.learning.motion_model import MotionModel, learn_motions
from consumers.analytics.learning.rows import LabelledRows, Layout, read_rows
from consumers.analytics.learning.shape_model import ShapeModel, learn_shapes
from consumers.analytics.shapes.hand_shape import SHAPES
from consumers.analytics.shapes.scoring import score_hands
from keypoints.errors import Terminal

NO_SHAPE: Final = "none"
"""What the rules say of a hand whose best shape scores less than half."""

Say = Callable[[str], None]


def measure_rules(path: Path) -> Evaluation:
    """How well the built-in shapes are told. Raises Terminal when a label is none of them, or the rows are no hands."""
    rows = read_rows(path)
    if rows.layout is not Layout.HANDS:
        raise Terminal(f"{path}: there are no rules for single rows of {rows.layout}", path=str(path))
    _refuse_unknown(rows, SHAPES, "no built-in shape", f"They are {', '.join(SHAPES)}; or learn others with --train.")
    hands = np.zeros((len(rows.values), 21, 3), np.float32)
    hands[..., :2] = rows.values.reshape(-1, 21, 2)
    # Rows have one unit for x and y, as a square image has.
    side = np.ones(len(hands), np.int32)
    _, scores = score_hands(hands, side, side)
    best = scores.argmax(axis=1)
    said = [SHAPES[shape].value if scores[row, shape] > 0.5 else NO_SHAPE for row, shape in enumerate(best)]
    return compare_labels(rows.labels, said, rows.classes)


def measure_learned(path: Path, train: Path, say: Say) -> Evaluation:
    """How well the labels of `path` are told after learning from `train`; `say` is told each step.

    Raises Terminal when a file is malformed, the layouts differ, or a label was not in what was learned from.
    """
    say("reading")
    rows, examples = read_rows(path), read_rows(train)
    if rows.layout is not examples.layout:
        raise Terminal(
            f"{path} has {rows.layout}, {train} has {examples.layout}",
            hint="Learn from rows of the same layout.",
            path=str(path),
        )
    _refuse_unknown(rows, examples.classes, f"not in {train}", f"It has {', '.join(examples.classes)}.")
    say(f"learning from {len(examples.labels):,} rows")
    model: ShapeModel | MotionModel
    if rows.layout is Layout.HANDS:
        model = learn_shapes(examples.values, examples.labels)
    else:
        model = learn_motions(examples.values, [Motion(label) for label in examples.labels])
    say(f"judging {len(rows.labels):,} rows")
    said = [model.classes[place] for place in model.scores(rows.values).argmax(axis=1)]
    return compare_labels(rows.labels, said, examples.classes, {"learned_rows": len(examples.labels)})


def _refuse_unknown(rows: LabelledRows, known: Sequence[str], what: str, hint: str) -> None:
    for line, label in zip(rows.lines, rows.labels, strict=True):
        if label not in known:
            raise Terminal(
                f"{rows.path}, line {line}: the label {label!r} is {what}", hint=hint, path=str(rows.path), line=line
            )
