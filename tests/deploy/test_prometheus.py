"""What Prometheus is told: it can read it, each alert fires on its own fault alone, and says what to do."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from handbook.metrics import find_metrics
from observability.metrics import CounterDef, HistogramDef
from tests.deploy.expressions import (
    PROMETHEUS,
    REPOSITORY,
    RULE_FILES,
    TEST_FILES,
    find_metric_names,
    find_questions,
    read_alerts,
    read_rules,
)

RUNBOOK = REPOSITORY / "docs" / "runbook.md"
COMPOSE = REPOSITORY / "docker-compose.yml"
# Prometheus' own, and those of its Python client.
NOT_OURS = re.compile(r"up|ALERTS|scrape_\w+|process_\w+|python_\w+")
ALERTS = read_alerts()


@pytest.fixture(scope="module")
def promtool(require_tool: Callable[[str], str]) -> str:
    return require_tool("promtool")


def run(promtool: str, *arguments: str | Path) -> None:
    result = subprocess.run([promtool, *map(str, arguments)], text=True, capture_output=True, check=False, timeout=120)
    assert result.returncode == 0, result.stdout + result.stderr


def read_tests() -> list[dict[str, Any]]:
    return [test for path in TEST_FILES for test in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]]


def firing_in_tests() -> set[str]:
    """Names of the alerts that some test expects to fire."""
    samples = [
        sample["labels"]
        for test in read_tests()
        for asked in test.get("promql_expr_test", ())
        for sample in asked["exp_samples"] or ()
    ]
    return {found[1] for labels in samples if (found := re.search(r'alertname="(\w+)"', labels))}


def test_prometheus_can_read_its_config_and_all_rules(promtool: str) -> None:
    run(promtool, "check", "config", PROMETHEUS / "prometheus.yml")
    run(promtool, "check", "rules", *RULE_FILES)


@pytest.mark.parametrize("path", TEST_FILES, ids=lambda path: path.stem)
def test_alerts_fire_on_their_faults_and_on_nothing_else(promtool: str, path: Path) -> None:
    run(promtool, "test", "rules", path)


def test_no_alert_is_without_a_fault_that_makes_it_fire() -> None:
    names = [rule["alert"] for rule in ALERTS]
    assert len(set(names)) == len(names)
    assert firing_in_tests() == set(names)


def test_a_healthy_suite_shows_everything_alerts_look_at() -> None:
    """Silence says something only where there was something to look at."""
    (healthy,) = [path for path in TEST_FILES if path.stem == "healthy"]
    (test,) = yaml.safe_load(healthy.read_text(encoding="utf-8"))["tests"]
    shown = {series["series"].partition("{")[0] for series in test["input_series"]}
    recorded = {rule["record"] for rule in read_rules() if "record" in rule}
    looked_at = {name for rule in ALERTS for name in find_metric_names(rule["expr"])}
    assert looked_at - shown - recorded == set()


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_is_wrong_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    assert all(rule["annotations"].values())
    place, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    # No host of anybody's: whoever has one names it in an external label.
    assert place == "{{ $externalLabels.docs }}docs/runbook.md"
    assert anchor == rule["alert"].lower()


def test_the_runbook_has_a_section_for_each_alert_and_for_no_other() -> None:
    text = RUNBOOK.read_text(encoding="utf-8")
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^#|\Z)", text, re.M | re.S))
    assert set(sections) == {rule["alert"] for rule in ALERTS}
    for name, section in sections.items():
        for part in ("**Means.**", "**Look.**", "**Do.**", "**Not.**"):
            assert part in section, f"{name} does not say {part}"


def test_nothing_is_asked_that_no_service_counts() -> None:
    known: set[str] = set()
    for definition in (one for ours in find_metrics().values() for one in ours):
        if isinstance(definition, CounterDef):
            known.add(f"{definition.name}_total")
        elif isinstance(definition, HistogramDef):
            known |= {f"{definition.name}_{end}" for end in ("bucket", "sum", "count")}
        else:
            known.add(definition.name)
    known |= {rule["record"] for rule in read_rules() if "record" in rule}
    asked = [*(rule["expr"] for rule in read_rules()), *find_questions("1m").values()]
    names = {name for expr in asked for name in find_metric_names(expr)}
    assert {name for name in names - known if not NOT_OURS.fullmatch(name)} == set()


def test_every_service_of_compose_that_has_metrics_is_read_on_its_port() -> None:
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))
    read = {
        job["job_name"]: (found["names"], found["port"])
        for job in config["scrape_configs"]
        for found in job.get("dns_sd_configs", ())
    }
    services = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    assert {name for name in read if name in services} == set(read)
    assert read == {
        name: ([name], port)
        for name, port in (
            ("archive", 8083), ("analytics", 8084), ("avatar", 8085), ("watch", 8086), ("producer", 5000),
            ("images", 5000),
        )
    }  # fmt: skip
    for name, (_, port) in read.items():
        published = str(services[name].get("ports", ""))
        assert f":{port}" in published, f"{name} does not listen on {port}"
