"""Labelled rows from a CSV file, whose layout its first line tells."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import numpy as np

from consumers.analytics.learning.motion import Motion
from consumers.analytics.learning.plane import Floats
from consumers.analytics.shapes.hand_shape import HandShape
from keypoints.errors import Terminal


class Layout(StrEnum):
    HANDS = "hands"
    """A label, then x, y of 21 landmarks from the wrist, in one unit."""
    MOTION = "motion"
    """A label, then x, y of a fingertip in 16 frames from the first, in fractions of the image."""
    SQUATS = "squats"
    """A header; a label, then x, y, z, v of landmarks the header names."""


_GREATEST: Final = 1e6
_NUMBERS: Final = {Layout.HANDS: 42, Layout.MOTION: 32}
_LABEL_OF_NUMBER: Final[dict[Layout, Sequence[str]]] = {
    Layout.HANDS: (HandShape.OPEN, HandShape.CLOSED, HandShape.POINTING, HandShape.OK),
    Layout.MOTION: tuple(Motion),
}
_LAYOUTS_HINT: Final = (
    "Hands have 43 columns (label, 21 landmarks' x, y), motions 33 (label, 16 points' x, y), and squats a header that "
    "begins with label and names landmarks (nose_x, nose_y, nose_z, nose_v …)."
)


@dataclass(frozen=True, slots=True)
class LabelledRows:
    """N ≥ 1 rows of hands or motions."""

    path: Path
    layout: Layout
    labels: tuple[str, ...]
    """Names; the numbers 0, 1 … that stand for some are replaced by them."""
    lines: tuple[int, ...]
    """Where in the file each row ends, from 1."""
    values: Floats
    """(N, 42) or (N, 32), finite."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels there are: those numbers stand for in their order, then the others by name."""
        there = set(self.labels)
        known = [str(name) for name in _LABEL_OF_NUMBER[self.layout] if name in there]
        return (*known, *sorted(there.difference(known)))


def tell_layout(path: Path) -> Layout:
    """The layout of a file. Raises Terminal when it is none of them, empty, or no text."""
    for line, row in _read_lines(path):
        if row[0].lower() == "label" and any(name.lower().endswith("_v") for name in row):
            return Layout.SQUATS
        for layout, numbers in _NUMBERS.items():
            if len(row) == numbers + 1:
                return layout
        raise Terminal(
            f"{path}, line {line}: {len(row)} columns are no layout of labelled rows",
            hint=_LAYOUTS_HINT,
            path=str(path),
            line=line,
        )
    raise _tell_empty(path)


def read_rows(path: Path) -> LabelledRows:
    """Read hands or motions. Raises Terminal naming the line and what is wrong with it."""
    layout = tell_layout(path)
    if layout is Layout.SQUATS:
        raise Terminal(f"{path} has squats, not hands or motions", hint=_LAYOUTS_HINT, path=str(path))
    labels, lines, values = [], [], []
    for place, (line, row) in enumerate(_read_lines(path)):
        if place == 0 and row[0].lower() == "label":
            continue
        try:
            labels.append(name_label(row[0], layout))
            lines.append(line)
            values.append(_read_numbers(row[1:], layout))
        except ValueError as error:
            raise Terminal(f"{path}, line {line}: {error}", hint=_LAYOUTS_HINT, path=str(path), line=line) from None
    if not labels:
        raise _tell_empty(path)
    return LabelledRows(path, layout, tuple(labels), tuple(lines), np.array(values))


def _read_lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line numbers, from 1, and cells; blank lines are passed over."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            for row in reader:
                cells = [cell.strip() for cell in row]
                if any(cells):
                    yield reader.line_num, cells
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Terminal(
            f"{path} cannot be read: {error}", hint="Give a CSV file in UTF-8 that may be read.", path=str(path)
        ) from error


def name_label(cell: str, layout: Layout) -> str:
    """The label a cell names, itself or by its number. Raises ValueError for none, and for a motion there is not."""
    names = _LABEL_OF_NUMBER[layout]
    label = str(names[int(cell)]) if cell in map(str, range(len(names))) else cell
    if not label:
        raise ValueError("the label is missing")
    if layout is Layout.MOTION and label not in names:
        raise ValueError(f"{cell!r} is no motion: 0 … {len(names) - 1}, or {', '.join(names)}")
    return label


def _read_numbers(cells: Sequence[str], layout: Layout) -> list[float]:
    if len(cells) != _NUMBERS[layout]:
        raise ValueError(f"{len(cells) + 1} columns, where {layout} have {_NUMBERS[layout] + 1}")
    numbers = []
    for column, cell in enumerate(cells, start=2):
        try:
            number = float(cell)
        except ValueError:
            raise ValueError(f"column {column} is {cell!r}, not a number") from None
        # No image has as many pixels.
        if not abs(number) <= _GREATEST:
            raise ValueError(f"column {column} is {cell}, no coordinate")
        numbers.append(number)
    return numbers


def _tell_empty(path: Path) -> Terminal:
    return Terminal(f"{path} has no rows", hint=_LAYOUTS_HINT, path=str(path))
