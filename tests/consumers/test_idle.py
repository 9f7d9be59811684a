"""What the services cost while nothing happens."""

import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from demo.services import Service, ServiceProcesses
from local_stack import Endpoints

# Among the soak tests, for it measures: what else the machine does makes each wake-up dearer.
pytestmark = [pytest.mark.servers, pytest.mark.soak, pytest.mark.timeout(120)]

NAMES = ("archive", "analytics", "avatar")
SETTLE_S = 8.0
MEASURED_S = 15.0
MOST_PERCENT = 2.0


def test_an_idle_service_takes_less_than_2_percent_of_a_core(
    stack: Endpoints, make_topic: Callable[..., str], make_database: Callable[[], str], tmp_path: Path
) -> None:
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": stack.kafka_bootstrap_servers,
        "DATABASE_URL": make_database(),
        "HOLISTIC_ARCHIVE_DIR": str(tmp_path / "archive"),
        "HOLISTIC_TOPIC": make_topic(partitions=6),
        "HOLISTIC_VMC_TARGETS": "127.0.0.1:9",
    }
    services = [Service(f"consumers.{name}", environment) for name in NAMES]
    with ServiceProcesses(services, tmp_path / "logs") as running:
        threading.Event().wait(SETTLE_S)
        before = {name: cpu_s(running.pid(name)) for name in NAMES}
        threading.Event().wait(MEASURED_S)
        percent = {name: 100 * (cpu_s(running.pid(name)) - before[name]) / MEASURED_S for name in NAMES}
    assert max(percent.values()) < MOST_PERCENT, percent


def cpu_s(pid: int) -> float:
    """Seconds of one core a process has had."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system
