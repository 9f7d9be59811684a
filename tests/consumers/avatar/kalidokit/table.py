"""What was compared, row by row, and the page of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

Figures = Sequence[float]

RAW: Final = "Kalidokit"
EASED: Final = "Kalidokit, eased"


@dataclass(frozen=True)
class Row:
    """One thing measured of both, as one or more figures; of Kalidokit eased too, where it is shown over time.

    `waived` is the column ours is not held to be better than, for a reason that the page gives.
    """

    what: str
    ours: Figures
    raw: Figures
    eased: Figures | None = None
    more_is_better: bool = False
    waived: str | None = None

    def lost_to(self) -> list[str]:
        """The columns ours is not better than, waived or not: in any figure."""
        columns = {RAW: self.raw, EASED: self.eased}
        return [name for name, theirs in columns.items() if theirs is not None and not self._is_better(theirs)]

    def check(self) -> None:
        """Raises AssertionError when ours is not better in every figure."""
        lost = [name for name in self.lost_to() if name != self.waived]
        assert not lost, f"{self.what}: {self.ours} is not better than {self.raw}, eased {self.eased}"

    def _is_better(self, theirs: Figures) -> bool:
        pairs = zip(self.ours, theirs, strict=True)
        return all(mine > other if self.more_is_better else mine < other for mine, other in pairs)


@dataclass
class Section:
    """A table of the page: rows in the same unit."""

    title: str
    explained: str
    decimals: int = 1
    rows: list[Row] = field(default_factory=list)

    def add(self, row: Row) -> None:
        """Checks the row, and keeps it whatever comes of it."""
        self.rows.append(row)
        row.check()

    def write(self) -> str:
        """The section in Markdown, with the column of the eased where any row has it."""
        eased = any(row.eased is not None for row in self.rows)
        columns = ["", "ours", RAW, *([EASED] if eased else [])]
        lines = [f"## {self.title}", "", self.explained, ""]
        lines += ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
        for row in self.rows:
            cells = [self._cell(row, row.ours, ""), self._cell(row, row.raw, RAW)]
            if eased:
                cells.append(self._cell(row, row.eased, EASED))
            lines.append(f"| {row.what} | " + " | ".join(cells) + " |")
        return "\n".join(lines).replace("|  |", "| |") + "\n"

    def _cell(self, row: Row, figures: Figures | None, column: str) -> str:
        if figures is None:
            return "–"
        text = " / ".join(f"{figure:.{self.decimals}f}" for figure in figures)
        return f"{text} \\*" if column in row.lost_to() else text
