"""How well labels were told: what was said of each row against what it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Rows counted by what they are and by what was said of them."""

    classes: tuple[str, ...]
    """Every label that a row has or that was said of one, in the order of the tables."""
    confusion: tuple[tuple[int, ...], ...]
    """[label][what was said]: rows."""
    extra: Mapping[str, float | int | str] = field(default_factory=dict)
    """Further figures of the layout, by name: {"repetitions": 70}."""

    @property
    def rows(self) -> int:
        return sum(map(sum, self.confusion))

    @property
    def accuracy(self) -> float:
        """0 … 1: rows of which their label was said."""
        return sum(row[place] for place, row in enumerate(self.confusion)) / self.rows

    @property
    def recall(self) -> dict[str, float | None]:
        """0 … 1 for each class: of its rows, those told; None of a class that no row has."""
        return {
            name: row[place] / sum(row) if any(row) else None
            for place, (name, row) in enumerate(zip(self.classes, self.confusion, strict=True))
        }

    @property
    def precision(self) -> dict[str, float | None]:
        """0 … 1 for each class: of the rows it was said of, those that have it; None where it was said of none."""
        columns = zip(*self.confusion, strict=True)
        return {
            name: column[place] / sum(column) if any(column) else None
            for place, (name, column) in enumerate(zip(self.classes, columns, strict=True))
        }


def compare_labels(
    labels: Sequence[str],
    said: Sequence[str],
    classes: Sequence[str],
    extra: Mapping[str, float | int | str] | None = None,
) -> Evaluation:
    """Count N ≥ 1 rows' labels against what was said of them; `classes` come first, others after them by name."""
    others = sorted({*labels, *said}.difference(classes))
    shown = (*classes, *others)
    place = {name: number for number, name in enumerate(shown)}
    confusion = [[0] * len(shown) for _ in shown]
    for label, word in zip(labels, said, strict=True):
        confusion[place[label]][place[word]] += 1
    return Evaluation(classes=shown, confusion=tuple(map(tuple, confusion)), extra=extra or {})
