"""Which faults are injected in which order, and the page that a run leaves."""

import random
from pathlib import Path

import pytest

from proving.chaos.audit import Finding
from proving.chaos.fault import Row
from proving.chaos.faults import list_faults
from proving.chaos.report import ChaosReport, write_markdown
from proving.chaos.run import UnknownFault, order_faults


def names(seed: int, *only: str) -> list[str]:
    return [fault.name for fault in order_faults(list_faults(True), only, random.Random(seed))]


def test_a_seed_gives_the_same_order_again_and_another_seed_another_one() -> None:
    assert names(1) == names(1)
    assert names(1) != names(2)
    assert sorted(names(1)) == sorted(names(2))


def test_what_takes_away_what_others_are_judged_by_comes_last() -> None:
    assert {names(seed)[-1] for seed in range(20)} == {"retention-passed"}


def test_every_fault_has_a_name_of_its_own() -> None:
    assert len(set(names(1))) == len(names(1))


def test_a_fault_that_there_is_not_is_named_with_those_there_are() -> None:
    assert names(1, "garbage") == ["garbage"]
    with pytest.raises(UnknownFault, match="no fault earthquake") as caught:
        names(1, "earthquake")
    assert "garbage" in str(caught.value.hint)


def made_report(*rows: Row, problems: tuple[str, ...] = ()) -> ChaosReport:
    machine = {"processors": 2, "processor": "some", "memory_gb": 8.0}
    return ChaosReport(machine, 7, 200.0, 20, 500.0, list(rows), [Finding("all", "1 frame", list(problems))])


def test_a_page_keeps_its_prose_and_gets_the_tables_of_the_newest_run(tmp_path: Path) -> None:
    page = tmp_path / "chaos.md"
    page.write_text("Before.\n\n<!-- chaos: begin -->\nold\n<!-- chaos: end -->\n\nAfter.\n")
    row = Row("garbage", "dead | letters", 0.0, 1.5, 2.0, "avatar", 3.25, "analytics", note="23 records")
    for _ in range(2):
        write_markdown(made_report(row), page)
    text = page.read_text()
    assert text.startswith("Before.\n")
    assert text.endswith("After.\n")
    assert "old" not in text
    assert text.count("| garbage | dead \\| letters | 1.5 s | 2.0 s (avatar) | 3.2 s (analytics) | 0 | 0 | yes |") == 1


def test_one_red_row_or_one_problem_in_the_end_makes_a_run_red() -> None:
    green = Row("a", "", 0.0, 1.0, recovered_s=1.0)
    assert made_report(green).ok
    assert not made_report(green, Row("b", "", 0.0, 1.0, recovered_s=16.0)).ok
    assert not made_report(green, problems=("lost",)).ok
    assert made_report(green).as_dict()["rows"][0]["ok"] is True
