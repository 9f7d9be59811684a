"""The behaviour suite's brokers: each test that asks for `broker` runs on both."""

from __future__ import annotations

import pytest

from tests.connect_runtime.harness import Broker, OnKafka, OnMemory


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.servers)])
def broker(request: pytest.FixtureRequest) -> Broker:
    """The broker in memory, then a real one."""
    if request.param == "memory":
        return OnMemory()
    return OnKafka(request.getfixturevalue("kafka_settings"), request.getfixturevalue("make_topic"))
