"""The containers' health check against the real health server."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from deploy.container.healthcheck import check
from observability.health import Readiness, serve_health


def test_a_ready_service_is_healthy() -> None:
    with serve_health(0, lambda: Readiness(ready=True), CollectorRegistry()) as server:
        assert check(server.port) is None


def test_a_service_that_is_not_ready_says_why() -> None:
    def wait_for_postgres() -> Readiness:
        return Readiness(ready=False, reasons=("postgres does not answer",))

    with serve_health(0, wait_for_postgres, CollectorRegistry()) as server:
        problem = check(server.port)
    assert problem is not None
    assert problem.startswith("503")
    assert "postgres does not answer" in problem


def test_a_service_that_is_gone_is_unhealthy() -> None:
    with serve_health(0, lambda: Readiness(ready=True), CollectorRegistry()) as server:
        port = server.port
    assert check(port) is not None
