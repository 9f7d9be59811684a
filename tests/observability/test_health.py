"""What probes and Prometheus are answered."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from keypoints.errors import Terminal
from observability import metrics as defs
from observability.health import HealthServer, Readiness, serve_health
from observability.metrics import RUNTIME_METRICS, Metrics


class State:
    """A service's readiness, to be changed by a test."""

    def __init__(self) -> None:
        self.now = Readiness(True)
        self.metrics = Metrics()


@pytest.fixture
def state() -> State:
    return State()


@pytest.fixture
def server(state: State) -> Iterator[HealthServer]:
    with serve_health(0, lambda: state.now, state.metrics.registry) as server:
        yield server


def get(server: HealthServer, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_a_service_that_cannot_work_is_alive_but_not_ready_and_says_why(server: HealthServer, state: State) -> None:
    assert get(server, "/readyz")[0] == 200
    state.now = Readiness(False, ("task 0 is FAILED",), {"tasks": [1]})
    status, body = get(server, "/readyz/?verbose")
    assert (status, json.loads(body)) == (503, {"ready": False, "reasons": ["task 0 is FAILED"], "tasks": [1]})
    assert get(server, "/livez")[0] == 200
    assert get(server, "/elsewhere")[0] == 404


def test_metrics_are_served_as_prometheus_text(server: HealthServer, state: State) -> None:
    state.metrics.counter(defs.RECORDS_READ, connector="archive", task="0").inc(3)
    status, body = get(server, "/metrics")
    assert status == 200
    assert 'kafka_connect_sink_task_sink_record_read_total{connector="archive",task="0"} 3.0' in body.splitlines()


def test_a_taken_port_is_said(server: HealthServer, state: State) -> None:
    with pytest.raises(Terminal, match=str(server.port)):
        serve_health(server.port, lambda: state.now, state.metrics.registry)


def test_every_metric_has_a_name_of_its_own_and_no_label_without_bound() -> None:
    assert len({definition.name for definition in RUNTIME_METRICS}) == len(RUNTIME_METRICS)
    assert {label for definition in RUNTIME_METRICS for label in definition.labels} == {"connector", "task", "state"}
    defined = {
        value
        for name, value in vars(defs).items()
        if isinstance(value, defs.CounterDef | defs.GaugeDef | defs.HistogramDef)
    }
    assert defined == set(RUNTIME_METRICS), "a metric is missing from the list"


def test_one_name_is_one_kind_of_metric() -> None:
    metrics = Metrics()
    metrics.counter(defs.RECORDS_READ, connector="a", task="0")
    with pytest.raises(TypeError):
        metrics.gauge(defs.GaugeDef(defs.RECORDS_READ.name, "x", ("connector", "task")), connector="a", task="0")
