"""What a person is told who starts the service with rules it cannot follow, and what the page about rules promises."""

import re
from pathlib import Path

import pytest

from consumers.analytics.anomalies.anomaly import AnomalyKind
from consumers.analytics.faults.fault import FaultKind
from consumers.analytics.reactions.rules_file import read_rules
from consumers.analytics.shapes.hand_shape import HandShape
from consumers.analytics.taught.gesture import BUILT_IN
from tests.consumers.analytics.test_settings import start

_PAGE = Path(__file__).parents[4] / "docs" / "rules.md"
_RULE = "rules: [{name: stop, when: wave, then: {webhook: 'http://127.0.0.1:1', secret_variable: MINE}}]"


@pytest.mark.parametrize(
    ("written", "environment", "named"),
    [
        (None, {}, ["rules.yaml", "cannot be read"]),
        (_RULE.replace("wave", "wave wave"), {}, ["rule stop", "when", "wave wave"]),
        (_RULE, {}, ["MINE is not set", "openssl"]),
        (_RULE, {"MINE": "hunter2"}, ["MINE", "shorter than 24 bytes"]),
    ],
)
def test_rules_that_cannot_be_followed_are_named_before_anything_starts(
    tmp_path: Path, written: str | None, environment: dict[str, str], named: list[str]
) -> None:
    file = tmp_path / "rules.yaml"
    if written is not None:
        file.write_text(written)
    nowhere = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x"}
    ended = start(f"rules.file={file}", **nowhere, **environment)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    for word in named:
        assert word in ended.stderr
    assert "hunter2" not in ended.stderr + ended.stdout


def test_the_rules_on_the_page_are_rules_about_what_is_recognised(tmp_path: Path) -> None:
    found = re.search(r"```yaml\n(.*?)```", _PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    file = tmp_path / "rules.yaml"
    file.write_text(found[1])
    rules = read_rules(file)
    assert [rule.name for rule in rules] == ["stop", "somebody_fell", "ten_squats"]
    assert {kind for rule in rules for kind in rule.condition.kinds} <= BUILT_IN


def test_every_shape_anomaly_and_fault_is_known_as_built_in() -> None:
    assert {kind.value for kinds in (HandShape, AnomalyKind, FaultKind) for kind in kinds} <= BUILT_IN
