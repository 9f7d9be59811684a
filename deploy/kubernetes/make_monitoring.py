#!/usr/bin/env python3
"""Prints what the Prometheus operator and Grafana's sidecar read, made of deploy/prometheus/rules and deploy/grafana.

deploy/kubernetes/make_monitoring.py | kubectl apply -f -
"""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

DEPLOY: Final = Path(__file__).resolve().parents[1]
_NO_NAME: Final = re.compile(r"[^a-z0-9]+")


def make_rules(folder: Path, namespace: str) -> Iterator[dict[str, Any]]:
    """A PrometheusRule for each file of rule groups; none where there is no such folder."""
    for path in sorted([*folder.glob("*.yml"), *folder.glob("*.yaml")]):
        groups = yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        yield {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": _describe(path, namespace, {}),
            "spec": {"groups": groups},
        }


def make_dashboards(folder: Path, namespace: str) -> Iterator[dict[str, Any]]:
    """A ConfigMap with the label grafana_dashboard for each dashboard; none where there is no such folder."""
    for path in sorted(folder.rglob("*.json")):
        yield {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": _describe(path, namespace, {"grafana_dashboard": "1"}),
            "data": {path.name: path.read_text(encoding="utf-8")},
        }


def _describe(path: Path, namespace: str, labels: dict[str, str]) -> dict[str, Any]:
    name = _NO_NAME.sub("-", path.stem.lower()).strip("-").removeprefix("holistic-")
    return {
        "name": f"holistic-{name}",
        "namespace": namespace,
        "labels": {"app.kubernetes.io/part-of": "holistic-stream", **labels},
    }


def main() -> int:
    """Print the objects. 1: there are none."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--namespace", default="holistic-stream")
    asked = parser.parse_args()
    objects = [
        *make_rules(DEPLOY / "prometheus" / "rules", asked.namespace),
        *make_dashboards(DEPLOY / "grafana", asked.namespace),
    ]
    yaml.safe_dump_all(objects, sys.stdout, sort_keys=False)
    return 0 if objects else 1


if __name__ == "__main__":
    sys.exit(main())
