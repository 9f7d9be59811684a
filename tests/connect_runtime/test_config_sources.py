"""Settings from files and elsewhere, and which of them wins."""

from pathlib import Path

import pytest

from connect_runtime.config import InvalidConfig
from connect_runtime.config_sources import (
    ConfigFileUnusable,
    merge_config,
    parse_properties,
    read_config_file,
    read_config_files,
)

PROPERTIES = r"""
# what the archive does
! and this is a comment too
name=archive-parquet
topics = one,\
         two
flush.size: 500
path.of.files   C:\\frames
greeting=gr\u00fc\u00dfe\tall
formula=a=b
empty=
"""


def test_properties_are_read_as_java_reads_them() -> None:
    assert parse_properties(PROPERTIES) == {
        "name": "archive-parquet", "topics": "one,two", "flush.size": "500", "path.of.files": "C:\\frames",
        "greeting": "grüße\tall", "formula": "a=b", "empty": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        '{"name": "archive", "tasks.max": 2, "check": true, "gone": null}',
        '{"name": "archive", "config": {"tasks.max": "2", "check": "true"}}',
    ],
)
def test_json_is_read_flat_or_as_connect_s_rest_api_takes_it(tmp_path: Path, content: str) -> None:
    file = tmp_path / "archive.json"
    file.write_text(content, encoding="utf-8")
    assert read_config_file(file) == {"name": "archive", "tasks.max": "2", "check": "true"}


@pytest.mark.parametrize("content", ["[1]", "{oops", '{"tasks.max": {"a": 1}}'])
def test_a_file_that_holds_no_settings_is_named(tmp_path: Path, content: str) -> None:
    file = tmp_path / "archive.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigFileUnusable, match=r"archive\.json is no JSON object of settings"):
        read_config_file(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigFileUnusable, match=r"none\.properties cannot be read: No such file"):
        read_config_file(tmp_path / "none.properties")


def test_files_are_told_apart_by_the_connector_they_name(tmp_path: Path) -> None:
    first, second = tmp_path / "one.properties", tmp_path / "two.json"
    first.write_text("name=archive-parquet\nflush.size=5\n", encoding="utf-8")
    second.write_text('{"name": "archive-postgres", "batch.size": 7}', encoding="utf-8")
    assert read_config_files([first, second], ["archive-postgres", "archive-parquet"]) == {
        "archive-parquet": {"flush.size": "5"}, "archive-postgres": {"batch.size": "7"},
    }  # fmt: skip
    with pytest.raises(InvalidConfig, match="is for a connector archive-parquet"):
        read_config_files([first], ["analytics"])


def test_a_file_without_a_name_is_for_the_only_connector(tmp_path: Path) -> None:
    file = tmp_path / "it.properties"
    file.write_text("tasks.max=2", encoding="utf-8")
    assert read_config_files([file], ["analytics"]) == {"analytics": {"tasks.max": "2"}}
    with pytest.raises(InvalidConfig, match="it has no name"):
        read_config_files([file], ["archive-postgres", "archive-parquet"])


def test_what_is_set_over_rest_wins_over_environment_and_file() -> None:
    file, environment, stored = {"a": "file", "b": "file", "c": "file"}, {"b": "env", "c": "env"}, {"c": "rest"}
    assert merge_config(file, environment, stored) == {"a": "file", "b": "env", "c": "rest"}
    assert merge_config(file, {"a": None}) == {"b": "file", "c": "file"}


def test_topics_named_one_way_take_back_the_other() -> None:
    assert merge_config({"topics": "one"}, {"topics.regex": "o.*"}) == {"topics.regex": "o.*"}
    assert merge_config({"topics.regex": "o.*"}, {"topics": "one"}) == {"topics": "one"}
