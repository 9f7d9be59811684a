"""Some quick faults for real: servers of its own, all consumers, a load."""

import tempfile
from pathlib import Path

import pytest

from proving.chaos.run import ChaosPlan, run_chaos

pytestmark = [pytest.mark.servers, pytest.mark.long, pytest.mark.alone, pytest.mark.timeout(400)]


def test_sigterm_bad_records_and_a_restarted_postgres_lose_and_double_nothing() -> None:
    plan = ChaosPlan(
        seed=1, rate=100.0, streams=10, only=("sigterm-archive", "garbage", "postgres-restarted"), analytics=False
    )
    with tempfile.TemporaryDirectory(prefix="holistic-chaos-") as folder:
        report = run_chaos(plan, Path(folder), print, print)
    assert [(row.name, row.lost, row.doubled, row.problems) for row in report.rows] == [
        (row.name, 0, 0, []) for row in report.rows
    ]
    assert [finding.problems for finding in report.findings] == [[]] * len(report.findings)
    # How soon is measured by `holistic bench chaos`, where nobody else wants the processors.
    assert all(row.recovered_s is not None for row in report.rows)
