"""Rules and findings written down in one line."""

from pathlib import Path
from typing import Any

import yaml

from consumers.analytics.finding import Category, Change, Finding, Phase
from consumers.analytics.reactions.rule import Rule
from consumers.analytics.reactions.rules_file import read_rules

FRAME_US = 33_333


def make_rule(
    directory: Path, when: str, *, name: str = "told", webhook: str = "http://127.0.0.1:1/", **more: Any
) -> Rule:
    """A rule as a file of rules gives it; `more` are keys of the rule or of its `then`."""
    then = {"webhook": webhook}
    for key in ("secret_variable", "expires"):
        if key in more:
            then[key] = more.pop(key)
    rule_as_written = {"name": name, "when": when, **more, "then": then}
    file = directory / f"{name}.yaml"
    file.write_text(yaml.safe_dump({"rules": [rule_as_written]}))
    return read_rules(file)[0]


def change(
    phase: Phase, kind: str, started_us: int, last_us: int, *, category: Category = Category.MOVEMENT, **more: Any
) -> Change:
    """What a recogniser would say; records are taken at 30 a second from 0."""
    return Change(
        phase,
        Finding(
            category=category,
            kind=kind,
            started_us=started_us,
            last_us=last_us,
            first_offset=started_us // FRAME_US,
            last_offset=last_us // FRAME_US,
            **{"subject": "body", "confidence": 0.8, "observed": 0.9, **more},
        ),
    )
