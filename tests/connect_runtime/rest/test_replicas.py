"""Two processes on a real broker: whichever is asked, both do it, and neither forgets it."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from kafka_io.settings import KafkaSettings
from tests.connect_runtime.harness import wait_until
from tests.connect_runtime.rest.replicas import Api
from tests.connect_runtime.test_behaviour import new_group
from tests.connect_runtime.test_faults import PARTITIONS, Launcher, Replica, all_of, launch, publish, stored

__all__ = ["launch"]
pytestmark = [pytest.mark.servers, pytest.mark.timeout(150)]


def test_a_pause_asked_of_one_pauses_both_and_holds_after_both_restart(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str], launch: Launcher, tmp_path: Path
) -> None:
    topic, group, path = make_topic(partitions=PARTITIONS), new_group(), tmp_path / "rows.db"
    first, second = Api(launch(group, topic, path), group), Api(launch(group, topic, path), group)
    first.wait_for("RUNNING", "RUNNING")
    assert [task["id"] for task in second.status()["tasks"]] == [0, 1]
    assert len({task["worker_id"] for task in second.status()["tasks"]}) == 2
    publish(kafka_settings, topic, 10)
    wait_until("stored", lambda: stored(path) == all_of(10))

    assert first.ask("PUT", "/pause").status_code == 202
    second.wait_for("PAUSED", "PAUSED")
    assert first.replica.partitions() + second.replica.partitions() >= PARTITIONS, "paused tasks stay in the group"
    publish(kafka_settings, topic, 10, first=10)
    for api in (first, second):
        assert api.replica.end(signal.SIGTERM) == 0
    third, fourth = Api(launch(group, topic, path), group), Api(launch(group, topic, path), group)
    third.wait_for("PAUSED", "PAUSED")
    threading.Event().wait(2.0)
    assert stored(path) == all_of(10)

    assert fourth.ask("PUT", "/resume").status_code == 202
    third.wait_for("RUNNING", "RUNNING")
    wait_until("all stored", lambda: stored(path) == all_of(20))


def test_after_kill_9_of_one_the_other_has_all_partitions_and_says_whose_task_is_gone(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str], launch: Launcher, tmp_path: Path
) -> None:
    topic, group, path = make_topic(partitions=PARTITIONS), new_group(), tmp_path / "rows.db"
    first, second = Api(launch(group, topic, path), group), Api(launch(group, topic, path), group)
    second.wait_for("RUNNING", "RUNNING")
    gone = next(task for task in second.status()["tasks"] if task["worker_id"].endswith(f":{first.replica.port}"))
    publish(kafka_settings, topic, 10)
    first.replica.end(signal.SIGKILL)
    killed_at = time.monotonic()
    # One more than the topic's: the connector's own retry topic has one.
    wait_until("taken over", lambda: second.replica.partitions() == PARTITIONS + 1, 15)
    assert time.monotonic() - killed_at < 15
    wait_until("all stored", lambda: stored(path) == all_of(10))
    wait_until("known to be gone", lambda: sorted(second.states()) == ["RUNNING", "UNASSIGNED"], 20)
    assert second.ask("GET", f"/tasks/{gone['id']}/status").json()["state"] == "UNASSIGNED"
    third = Api(launch(group, topic, path), group)
    third.wait_for("RUNNING", "RUNNING")
    assert [task["id"] for task in third.status()["tasks"]] == [0, 1], "the id of the dead is free again"


def test_stopped_by_one_and_reconfigured_by_the_other(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str], launch: Launcher, tmp_path: Path
) -> None:
    topic, group, path = make_topic(partitions=PARTITIONS), new_group(), tmp_path / "rows.db"
    first, second = Api(launch(group, topic, path), group), Api(launch(group, topic, path), group)
    first.wait_for("RUNNING", "RUNNING")
    assert first.ask("PUT", "/stop").status_code == 204
    second.wait_for()
    assert second.status()["connector"]["state"] == "STOPPED"
    assert second.ask("PATCH", "/config", {"tasks.max": 2}).json()["config"]["tasks.max"] == "2"
    assert second.ask("PATCH", "/offsets", {"offsets": []}).status_code == 400
    moved = {"partition": {"kafka_topic": topic, "kafka_partition": 0}, "offset": {"kafka_offset": 0}}
    assert first.ask("PATCH", "/offsets", {"offsets": [moved]}).status_code == 200
    assert first.ask("PUT", "/resume").status_code == 202
    second.wait_for(*["RUNNING"] * 4)
    assert [task["id"] for task in first.status()["tasks"]] == [0, 1, 2, 3]


def test_a_service_whose_kafka_is_away_comes_up_says_so_and_can_be_ended(tmp_path: Path) -> None:
    nowhere = KafkaSettings(bootstrap_servers="127.0.0.1:1")
    replica = Replica(nowhere, "archive", "frames", tmp_path / "rows.db")
    api = Api(replica, "archive")
    try:
        assert httpx.get(f"{api.url}/livez").status_code == 200
        ready = httpx.get(f"{api.url}/readyz")
        assert (ready.status_code, ready.json()["ready"]) == (503, False)
        wait_until("it says why", lambda: "127.0.0.1:1" in str(httpx.get(f"{api.url}/readyz").json()["reasons"]))
        assert httpx.get(f"{api.url}/health").status_code == 503
        assert httpx.get(f"{api.url}/connectors").json() == ["archive"]
        assert api.status()["connector"]["state"] == "UNASSIGNED"
        refused = api.ask("PUT", "/pause")
        assert (refused.status_code, refused.json()["error_code"]) == (503, 503)
        assert replica.end(signal.SIGTERM) == 0
    finally:
        replica.close()
