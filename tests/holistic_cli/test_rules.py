"""`holistic rules`: what a user is told of a file of rules, and of a receiver."""

from pathlib import Path

import orjson
import pytest

from tests.consumers.analytics.reactions.receiver import SECRET, Receiver
from tests.holistic_cli.test_main import run_holistic

GOOD = """
rules:
  - name: stop
    when: thumbs_up of left or_else for 1 s
    then:
      webhook: https://example.org/hook
"""
WHOLE = """
rules:
  - name: stop
    when: thumbs_up of left for 1.5 s
    streams: gym-*
    then:
      webhook: https://example.org/hook
  - name: well_done
    when: squat or my_own_bow 10 times within 2 min
    severity: warning
    cooldown: 250 ms
    then:
      webhook: https://example.org/well
      expires: 1 h
"""


def test_a_good_file_is_told_in_words(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(WHOLE)
    done = run_holistic("rules", "check", str(file), COLUMNS="300")
    assert done.returncode == 0, done.stderr
    for said in (
        "2 rules in",
        "thumbs_up of left, once it has gone on for 1500 ms",
        "gym-*",
        "https://example.org/hook",
        "squat or my_own_bow, once it has begun 10 times within 2 min",
        "; severity warning or worse; then not for 250 ms; not told when older than 1 h",
        "well_done: my_own_bow is not built in",
    ):
        assert said in done.stdout
    told = orjson.loads(run_holistic("rules", "check", str(file), "--json").stdout)
    not_built_in = {rule["name"]: rule["not_built_in"] for rule in told["rules"]}
    assert not_built_in == {"stop": [], "well_done": ["my_own_bow"]}
    assert told["rules"][1]["condition"]["within_us"] == 120_000_000


def test_a_mistake_is_named_and_ends_1(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(GOOD)
    done = run_holistic("rules", "check", str(file))
    assert done.returncode == 1
    assert "rule stop: when: 'thumbs_up of left or_else for 1 s' is no condition" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("answer", "code", "said"), [(204, 0, "answered 204"), (500, 1, "answered 500")])
def test_a_receiver_is_tried_with_one_signed_message(answer: int, code: int, said: str) -> None:
    with Receiver(answers=[answer]).listening() as receiver:
        done = run_holistic("rules", "test", receiver.address, "--secret-variable", "MINE", MINE=SECRET)
    assert done.returncode == code, done.stderr
    assert said in done.stdout + done.stderr
    [message] = receiver.messages
    assert message.is_signed_with(SECRET)
    assert orjson.loads(message.body)["rule"] == "sample"
    assert SECRET not in done.stdout + done.stderr


def test_a_secret_that_is_not_set_is_named_before_anything_is_sent() -> None:
    with Receiver().listening() as receiver:
        done = run_holistic("rules", "test", receiver.address, "--secret-variable", "NOT_SET")
    assert done.returncode == 1
    assert "NOT_SET is not set" in done.stderr
    assert receiver.ids == []
