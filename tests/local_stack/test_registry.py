"""The optional schema registry: added to a stack that is up, and as lasting as the rest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from kafka_io.schema_registry import RegistryRefused, fetch_schema, register_schema
from keypoints.schemas import FRAME_SCHEMA
from local_stack import start_stack, stop_stack
from local_stack.layout import Layout
from local_stack.report import report_stack
from local_stack.status import read_status

pytestmark = [pytest.mark.servers, pytest.mark.timeout(400)]


def read_compatibility(url: str, subject: str) -> object:
    return httpx.get(f"{url}/config/{subject}").json()["compatibilityLevel"]


def test_a_registry_joins_a_running_stack_and_keeps_its_schemas_over_a_restart(
    make_data_dir: Callable[[str], Path],
) -> None:
    data_dir = make_data_dir("with-registry")
    before = start_stack(data_dir)
    assert before.schema_registry_url is None
    running = read_status(Layout(data_dir))
    assert running is not None

    joined = start_stack(data_dir, schema_registry=True)
    assert joined.schema_registry_url is not None
    assert joined.kafka_bootstrap_servers == before.kafka_bootstrap_servers
    now = read_status(Layout(data_dir))
    assert now is not None
    assert now.part("kafka") == running.part("kafka")
    number = register_schema(joined.schema_registry_url, "frames-value", FRAME_SCHEMA)
    assert read_compatibility(joined.schema_registry_url, "frames-value") == "FULL"
    with pytest.raises(RegistryRefused):
        fetch_schema(joined.schema_registry_url, number + 1000)

    stop_stack(data_dir)
    # Once wanted, it comes with the stack.
    assert start_stack(data_dir) == joined
    assert {part.name for part in report_stack(data_dir).parts} == {"postgres", "kafka", "registry"}
    assert report_stack(data_dir).ready
    fetched = fetch_schema(joined.schema_registry_url, number)
    assert (fetched["name"], fetched["fields"][0]["name"]) == (FRAME_SCHEMA["name"], "stream_id")
