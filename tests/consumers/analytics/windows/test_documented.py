"""The table of numbers that people read, against the rows there are."""

import re
from dataclasses import fields
from pathlib import Path

from consumers.analytics.windows.window_row import WindowRow

WHICH_WINDOW = {"start_us", "length_us", "kind", "stretch", "provisional"}


def test_the_table_names_each_number_of_a_window_once() -> None:
    text = (Path(__file__).parents[4] / "docs" / "windows.md").read_text(encoding="utf-8")
    numbers = text[text.index("| number |") :]
    rows = [line.split("|")[1] for line in numbers.splitlines() if line.startswith("| `")]
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(named) == sorted({column.name for column in fields(WindowRow)} - WHICH_WINDOW)
