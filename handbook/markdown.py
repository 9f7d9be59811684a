"""The few forms of Markdown that generated pages are made of."""

from collections.abc import Iterable, Sequence
from typing import Final

GENERATED: Final = "<!-- Written by `python -m handbook write` from the code: change the code. -->"


def write_page(title: str, about: str, parts: Iterable[str]) -> str:
    """A whole page."""
    return "\n\n".join([GENERATED, f"# {title}", about, *parts]) + "\n"


def write_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; what is in its cells may have any character but must be one line when read as Markdown."""
    lines = [_row(heads), _row(["---"] * len(heads)), *(_row([_cell(text) for text in row]) for row in rows)]
    return "\n".join(lines)


def write_code(text: str) -> str:
    """Code in a line; nothing for an empty text."""
    if not text:
        return ""
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
