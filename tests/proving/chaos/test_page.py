"""The page tells of the faults there are, in their own words."""

import re
from pathlib import Path

from proving.chaos.faults import list_faults

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "chaos.md").read_text(encoding="utf-8")


def test_the_table_is_of_a_whole_run_of_todays_faults() -> None:
    table = PAGE.partition("<!-- chaos: begin -->")[2].partition("<!-- chaos: end -->")[0]
    rows = dict(re.findall(r"^\| ([a-z-]+) \| ([^|]+) \| [0-9.]+ s \|", table, flags=re.MULTILINE))
    assert rows == {fault.name: fault.must for fault in list_faults(mounted=True)}


def test_every_fault_is_explained() -> None:
    explained = PAGE.partition("## The faults")[2]
    assert [fault.name for fault in list_faults(mounted=True) if f"`{fault.name}`" not in explained] == []
