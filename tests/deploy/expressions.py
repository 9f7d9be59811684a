"""Every expression that Prometheus is asked by a dashboard or an alert, and what it is made of."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from deploy.grafana.build_dashboards import DASHBOARDS
from deploy.grafana.dashboard import write_dashboard

REPOSITORY: Final = Path(__file__).resolve().parents[2]
PROMETHEUS: Final = REPOSITORY / "deploy" / "prometheus"
RULE_FILES: Final = sorted((PROMETHEUS / "rules").glob("*.yml"))
TEST_FILES: Final = sorted((PROMETHEUS / "tests").glob("*.yml"))

_STRING: Final = re.compile(r"\"[^\"]*\"")
_NO_SELECTOR: Final = re.compile(
    r"\b(?:by|on|ignoring|without|group_left|group_right)\s*\([^)]*\)|\[[^\]]*\]|\boffset\s+\w+"
)
_SELECTOR: Final = re.compile(r"(?<![\w:.$])([a-zA-Z_:][\w:]*+)(\{[^}]*\})?+(?!\s*\()")
_WORDS: Final = frozenset({"and", "or", "unless", "bool", "by", "on", "offset"})


def read_rules() -> list[dict[str, Any]]:
    """All rules, recording and alerting, with the group they are of."""
    return [
        rule
        for path in RULE_FILES
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
    ]


def read_alerts() -> list[dict[str, Any]]:
    return [rule for rule in read_rules() if "alert" in rule]


def find_panels() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each panel that asks something, with its dashboard's uid."""
    for dashboard in DASHBOARDS:
        for panel in write_dashboard(dashboard)["panels"]:
            if panel["type"] != "row":
                yield dashboard.uid, panel


def find_questions(interval: str) -> dict[str, str]:
    """`dashboard / panel / query` → what is asked, with rates over `interval`."""
    return {
        f"{uid} / {panel['title']} / {target['refId']}": target["expr"].replace("$__rate_interval", interval)
        for uid, panel in find_panels()
        for target in panel["targets"]
    }


def find_selectors(expr: str) -> set[str]:
    """The series an expression looks at: `name{labels}`."""
    texts: list[str] = []

    def put_away(found: re.Match[str]) -> str:
        texts.append(found[0])
        return f'"{len(texts) - 1}"'

    plain = _NO_SELECTOR.sub(" ", _STRING.sub(put_away, expr))
    return {
        name + re.sub(r"\"(\d+)\"", lambda number: texts[int(number[1])], labels or "")
        for name, labels in _SELECTOR.findall(plain)
        if name not in _WORDS and not name.isdigit()
    }


def find_metric_names(expr: str) -> set[str]:
    return {selector.partition("{")[0] for selector in find_selectors(expr)}
