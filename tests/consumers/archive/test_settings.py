"""Which source of a connector's settings wins."""

from __future__ import annotations

from pathlib import Path

import pytest

from consumers.archive.connectors import Store, make_connector
from consumers.archive.settings import PARQUET_CONNECTOR, ArchiveSettings, read_archive_settings
from kafka_io.consumer import gather
from kafka_io.settings import KafkaSettings
from keypoints.errors import Terminal


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ArchiveSettings.model_fields:
        monkeypatch.delenv(f"HOLISTIC_{name.upper()}", raising=False)
    return monkeypatch


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "parquet.properties"
    path.write_text(f"name={PARQUET_CONNECTOR}\ntopics=from-file\nflush.size=7\ntasks.max=2\n", encoding="utf-8")
    return path


def test_a_file_wins_over_defaults_and_the_environment_over_the_file(
    environment: pytest.MonkeyPatch, file: Path
) -> None:
    environment.setenv("HOLISTIC_CONFIG_FILES", str(file))
    assert read_archive_settings().connector_config(PARQUET_CONNECTOR) == {
        **gather(256, wait_ms=100), "topics": "from-file", "flush.size": "7", "tasks.max": "2",
    }  # fmt: skip
    environment.setenv("HOLISTIC_TOPIC", "from-environment")
    environment.setenv("HOLISTIC_ARCHIVE_PARQUET_CONFIG", '{"tasks.max": 3}')
    assert read_archive_settings().connector_config(PARQUET_CONNECTOR) == {
        **gather(256, wait_ms=100), "topics": "from-environment", "flush.size": "7", "tasks.max": 3,
    }  # fmt: skip


def test_what_is_in_the_file_reaches_the_connector(environment: pytest.MonkeyPatch, file: Path) -> None:
    settings = read_archive_settings(config_files=str(file))
    spec = make_connector(Store.PARQUET, settings, KafkaSettings())
    assert (spec.config["flush.size"], spec.config["topics"]) == ("7", "from-file")
    assert spec.plugin.goes_by("ParquetSinkConnector")


def test_a_file_for_another_service_is_refused(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "avatar.properties"
    path.write_text("name=avatar\n", encoding="utf-8")
    with pytest.raises(Terminal, match="is for a connector avatar"):
        read_archive_settings(config_files=str(path)).connector_config(PARQUET_CONNECTOR)
