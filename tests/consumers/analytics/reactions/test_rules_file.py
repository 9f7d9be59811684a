"""What a user may write into a file of rules, and what is said of what cannot be understood."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from consumers.analytics.finding import Severity
from consumers.analytics.reactions.rule import Condition, InvalidRule, Rule, read_condition, read_duration
from consumers.analytics.reactions.rules_file import read_rules

GOOD: dict[str, Any] = {"name": "stop", "when": "thumbs_up for 1 s", "then": {"webhook": "https://example.org/hook"}}


def write(tmp_path: Path, *rules: object) -> Path:
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"rules": list(rules)}))
    return file


def test_a_rule_says_all_there_is_to_say(tmp_path: Path) -> None:
    whole = {
        **GOOD,
        "when": "squat or jump 10 times within 2 min",
        "streams": "gym-*",
        "severity": "warning",
        "cooldown": "30 s",
        "then": {"webhook": "http://[::1]:8080/x?y=1", "secret_variable": "GYM_SECRET", "expires": "1 h"},
    }
    [rule] = read_rules(write(tmp_path, whole))
    assert rule == Rule(
        name="stop",
        version=rule.version,
        condition=Condition(("squat", "jump"), times=10, within_us=120_000_000),
        webhook="http://[::1]:8080/x?y=1",
        secret_variable="GYM_SECRET",
        streams="gym-*",
        at_least=Severity.WARNING,
        cooldown_us=30_000_000,
        expires_us=3_600_000_000,
    )


def test_a_rule_needs_little(tmp_path: Path) -> None:
    [rule] = read_rules(write(tmp_path, GOOD))
    assert (rule.streams, rule.at_least, rule.cooldown_us, rule.expires_us) == ("*", None, 0, 0)
    assert rule.secret_variable == "HOLISTIC_WEBHOOK_SECRET"


def test_another_wording_is_another_version_and_another_address_is_not(tmp_path: Path) -> None:
    [rule] = read_rules(write(tmp_path, GOOD))
    assert rule.version.startswith("rule-")
    [moved] = read_rules(write(tmp_path, {**GOOD, "then": {"webhook": "https://example.net", "expires": "1 h"}}))
    assert moved.version == rule.version
    for change in ({"when": "thumbs_up for 2 s"}, {"name": "halt"}, {"streams": "a*"}, {"cooldown": "1 s"}):
        [other] = read_rules(write(tmp_path, {**GOOD, **change}))
        assert other.version != rule.version


@pytest.mark.parametrize(
    ("wrong", "key", "said"),
    [
        ({"name": "Stop!"}, "name", "lower-case letters"),
        ({"name": 3}, "name", "no text"),
        ({"when": "thumbs_up during 1 s"}, "when", "no condition"),
        ({"when": "thumbs_up for 0 s"}, "when", "too short"),
        ({"when": "squat 0 times within 1 s"}, "when", "cannot be counted"),
        ({"when": "squat 1001 times within 1 s"}, "when", "cannot be counted"),
        ({"when": "squat 2 times"}, "when", "no condition"),
        ({"when": "wave or"}, "when", "no condition"),
        ({"when": ["wave"]}, "when", "no text"),
        ({"when": "fall of leg"}, "when", "nothing is found of leg"),
        ({"streams": ""}, "streams", "at least 1"),
        ({"severity": "terrible"}, "severity", "critical"),
        ({"cooldown": "soon"}, "cooldown", "no duration"),
        ({"cooldown": "9000 h"}, "cooldown", "too long"),
        ({"cooldown": 10}, "cooldown", "no text"),
        ({"whenever": "wave"}, "whenever", "no such key"),
        ({"then": None}, "then", "dictionary"),
        ({"then": {}}, "then.webhook", "missing"),
        ({"then": {"webhook": "ftp://example.org"}}, "then.webhook", "http or https"),
        ({"then": {"webhook": "https:///x"}}, "then.webhook", "http or https"),
        ({"then": {"webhook": "https://me:hunter2@example.org"}}, "then.webhook", "no password"),
        ({"then": {"webhook": "https://example.org:99999"}}, "then.webhook", "address"),
        ({"then": {"webhook": "https://example.org/a b"}}, "then.webhook", "address"),
        ({"then": {"webhook": "https://example.org/\nx"}}, "then.webhook", "address"),
        ({"then": {**GOOD["then"], "secret_variable": "my secret"}}, "then.secret_variable", "pattern"),
        ({"then": {**GOOD["then"], "expires": "-1 s"}}, "then.expires", "no duration"),
    ],
)
def test_a_key_that_is_wrong_is_named_with_its_rule(tmp_path: Path, wrong: dict[str, Any], key: str, said: str) -> None:
    fine = {**GOOD, "name": "fine"}
    with pytest.raises(InvalidRule) as caught:
        read_rules(write(tmp_path, fine, {**GOOD, **wrong}))
    named = str(wrong.get("name", "stop"))
    assert f"rule {named}: {key}: " in caught.value.message
    assert said in caught.value.message
    assert (caught.value.fields["rule"], caught.value.fields["key"]) == (named, key)
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize("missing", ["name", "when", "then"])
def test_a_key_that_is_missing_is_named_with_its_rule(tmp_path: Path, missing: str) -> None:
    with pytest.raises(InvalidRule, match=rf"rule (stop|1): {missing}: this key is missing"):
        read_rules(write(tmp_path, {key: value for key, value in GOOD.items() if key != missing}))


@pytest.mark.parametrize("text", ["", "rules: [", "- wave", "rules: wave", "{}", "rules:\n- wave", "\x00"])
def test_a_file_that_is_none_is_said_to_be_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(text)
    with pytest.raises(InvalidRule, match=r"rules\.yaml"):
        read_rules(file)


def test_a_key_given_twice_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(
        "rules:\n  - name: stop\n    when: wave\n    when: nod\n    then: {webhook: 'https://example.org'}\n"
    )
    with pytest.raises(InvalidRule, match="line 4: the key when is given twice"):
        read_rules(file)


def test_a_file_that_is_not_there_and_names_given_twice_are_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidRule, match="cannot be read"):
        read_rules(tmp_path / "none.yaml")
    with pytest.raises(InvalidRule, match="two rules are named stop"):
        read_rules(write(tmp_path, GOOD, GOOD))


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("wave", Condition(("wave",))),
        ("  wave of left ", Condition(("wave",), "left")),
        ("fall or immobility or fall", Condition(("fall", "immobility"))),
        ("My_Sign for 250ms", Condition(("My_Sign",), held_us=250_000)),
        ("orbit or thumbs_up of right for 1.5 min", Condition(("orbit", "thumbs_up"), "right", held_us=90_000_000)),
        ("clap 3 times within 2 s", Condition(("clap",), times=3, within_us=2_000_000)),
    ],
)
def test_conditions_say_what_they_seem_to_say(text: str, condition: Condition) -> None:
    assert read_condition(text) == condition


@pytest.mark.parametrize("text", ["1", "1 d", "1e3 s", "9999999999 s", "s", "1 s 2 s", "١ s x"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        read_duration(text)
