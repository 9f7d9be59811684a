"""Whatever bandit finds in the source stands explained there, or here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from tests.conftest import REPOSITORY

pytestmark = pytest.mark.long

ROOMS = (
    "keypoints", "kafka_io", "observability", "performers", "connect_runtime", "consumers", "producer_service",
    "local_stack", "demo", "holistic_cli", "deploy",
)  # fmt: skip
NOT_ASKED_ABOUT = {
    "B404": "subprocess is imported where programs are started",
    "B603": "programs are started with lists of arguments, never through a shell",
    "B607": "programs are found on PATH, which is their user's",
}
"""As the linter's settings have it."""
EXPLAINED_HERE = {
    ("B105", "kafka_io/oauth.py"): "an empty text until there is a token",
    ("B310", "demo/services.py"): "an address of this machine, written in the line itself",
    ("B311", "consumers/analytics/learning/track_variants.py"): "numpy's generator of that name varies examples",
    ("B606", "deploy/container/entrypoint.py"): "the entrypoint becomes the service, without a shell",
    ("B608", "consumers/archive/postgres/frame_writer.py"): "names of our own tables",
    ("B608", "consumers/archive/postgres/roles.py"): "names of our own roles",
    ("B608", "demo/report.py"): "a statement of our own, shown to people",
    ("B608", "deploy/security/postgres_roles.py"): "names of our own roles",
}


def is_explained(path: Path, lines: range, rule: str) -> bool:
    """Whether a comment at the finding names the linter's rule of the same number: ruff's S608 is bandit's B608."""
    there = path.read_text(encoding="utf-8").splitlines()[lines.start - 1 : lines.stop + 5]
    return any("noqa" in line and f"S{rule[1:]}" in line for line in there)


def test_every_finding_is_explained_where_it_is() -> None:
    command = [sys.executable, "-m", "bandit", "--quiet", "--recursive", "--format", "json", "--exit-zero", *ROOMS]
    done = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, timeout=150)
    report = orjson.loads(done.stdout)
    assert report["errors"] == []
    assert report["metrics"]["_totals"]["loc"] > 50_000
    found = {(one["test_id"], one["filename"].removeprefix("./")): one for one in report["results"]}
    unexplained = [
        f"{one['test_id']} {one['filename']}:{one['line_number']} {one['issue_text']}"
        for one in report["results"]
        if one["test_id"] not in NOT_ASKED_ABOUT
        and (one["test_id"], one["filename"].removeprefix("./")) not in EXPLAINED_HERE
        and not is_explained(
            REPOSITORY / one["filename"], range(min(one["line_range"]), max(one["line_range"])), one["test_id"]
        )
    ]
    assert unexplained == []
    assert [one for one in report["results"] if one["issue_severity"] == "HIGH"] == []
    assert EXPLAINED_HERE.keys() - found.keys() == set(), "an explanation outlived its finding"
