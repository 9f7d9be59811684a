"""`python -m kafka_io.topics`, the one-shot that makes the suite's topics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kafka_io.admin import topic_end_offsets
from kafka_io.topics import main
from keypoints.topics import SUITE_TOPICS

if TYPE_CHECKING:
    from kafka_io.settings import KafkaSettings


@pytest.mark.servers
def test_every_topic_is_there_afterwards_and_a_second_run_says_so(
    kafka_settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", kafka_settings.bootstrap_servers)
    assert main([]) == 0
    capsys.readouterr()
    assert main([]) == 0
    assert capsys.readouterr().out.splitlines() == [f"{spec.name}: was there" for spec in SUITE_TOPICS]
    for spec in SUITE_TOPICS:
        assert len(topic_end_offsets(kafka_settings, spec.name)) == spec.partitions
