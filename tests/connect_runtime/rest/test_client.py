"""A client of Kafka Connect's that nobody here wrote drives a service."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from kafka_connect import KafkaConnect

from kafka_io.settings import KafkaSettings
from tests.connect_runtime.harness import wait_until
from tests.connect_runtime.rest.replicas import Api
from tests.connect_runtime.test_behaviour import new_group
from tests.connect_runtime.test_faults import PARTITIONS, Launcher, all_of, launch, publish, stored

__all__ = ["launch"]
pytestmark = [pytest.mark.servers, pytest.mark.timeout(150)]
PLUGIN = "holistic.SinkConnector"


def test_kafka_connect_py_lists_pauses_resumes_stops_restarts_and_validates(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str], launch: Launcher, tmp_path: Path
) -> None:
    topic, group, path = make_topic(partitions=PARTITIONS), new_group(), tmp_path / "rows.db"
    api = Api(launch(group, topic, path), group)
    api.wait_for("RUNNING")
    client = KafkaConnect(api.url)

    assert client.get_cluster_info()["kafka_cluster_id"]
    assert client.list_connectors() == [group]
    assert client.list_connectors(pattern=group, state="RUNNING") == [group]
    assert client.list_connectors(expand="status")[group]["status"]["tasks"][0]["state"] == "RUNNING"
    assert client.get_connector(group)["type"] == "sink"
    assert client.get_connector_config(group)["topics"] == topic
    assert client.list_connector_topics(group) == {group: {"topics": [topic]}}
    assert client.list_connector_tasks(group)[0]["id"] == {"connector": group, "task": 0}
    assert client.get_connector_task_status(group, 0)["state"] == "RUNNING"

    client.pause_connector(group)
    api.wait_for("PAUSED")
    assert client.list_connectors(state="PAUSED") == [group]
    publish(kafka_settings, topic, 5)
    client.resume_all_connectors()
    api.wait_for("RUNNING")
    wait_until("stored", lambda: stored(path) == all_of(5))
    client.restart_connector(group, include_tasks=True)
    api.wait_for("RUNNING")
    client.restart_connector_task(group, 0)
    api.wait_for("RUNNING")
    # The client has no call for it; Kafka Connect has since 3.5.
    assert requests.put(f"{api.url}/connectors/{group}/stop", timeout=10).status_code == 204
    api.wait_for()
    assert client.get_connector_status(group)["connector"]["state"] == "STOPPED"

    assert [plugin["class"] for plugin in client.list_connector_plugins()] == [PLUGIN]
    config = {"connector.class": PLUGIN, "name": "v", "topics": topic, "tasks.max": "1"}
    assert client.validate_connector_config("SinkConnector", config)["error_count"] == 0
    wrong = client.validate_connector_config("SinkConnector", {**config, "tasks.max": "zero"})
    assert wrong["error_count"] > 0
    assert client.update_connector(group, {**client.get_connector_config(group), "tasks.max": "2"})["name"] == group
    assert client.get_connector_config(group)["tasks.max"] == "2"
    with pytest.raises(requests.HTTPError, match="409"):
        client.create_connector({"name": group, "config": config})
