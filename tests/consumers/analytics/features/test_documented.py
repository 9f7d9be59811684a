"""The table of features that people read, against the facts there are."""

import re
from pathlib import Path

import pytest

from consumers.analytics.facts import BodyFacts, FaceFacts, HandFacts, MotionFacts

FIELDS = {
    "Hand": HandFacts._fields,
    "Body": BodyFacts._fields,
    "Face": FaceFacts._fields,
    "Motion": MotionFacts._fields,
}


def read_tables() -> dict[str, list[list[str]]]:
    """The rows of each heading's table, as cells."""
    text = (Path(__file__).parents[4] / "docs" / "features.md").read_text(encoding="utf-8")
    sections = re.split(r"(?m)^## ", text)[1:]
    return {
        section.partition("\n")[0]: [
            [cell.strip() for cell in line.strip("|").split("|")]
            for line in section.splitlines()
            if line.startswith("| `")
        ]
        for section in sections
    }


@pytest.mark.parametrize("heading", FIELDS)
def test_the_table_names_each_feature_once_in_the_order_of_the_facts(heading: str) -> None:
    named = [name for row in read_tables()[heading] for name in re.findall(r"`(\w+)`", row[0])]
    assert named == list(FIELDS[heading])


def test_each_feature_has_a_unit_a_range_a_meaning_and_a_source() -> None:
    tables = read_tables()
    assert set(tables) == set(FIELDS)
    for rows in tables.values():
        for row in rows:
            assert len(row) == 5, row
            assert all(row), row
