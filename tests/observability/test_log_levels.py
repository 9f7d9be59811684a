"""Levels of loggers, changed while they are used."""

from __future__ import annotations

import logging

import pytest

from observability.log_levels import LogLevels, UnknownLevel, UnknownLogger


@pytest.fixture
def manager() -> logging.Manager:
    """A tree of loggers of its own: kafka (ERROR), kafka.conn, runtime.task."""
    made = logging.Manager(logging.RootLogger(logging.INFO))
    for name in ("kafka.conn", "runtime.task"):
        made.getLogger(name)
    made.getLogger("kafka").setLevel(logging.ERROR)
    return made


@pytest.fixture
def levels(manager: logging.Manager) -> LogLevels:
    return LogLevels(manager, lambda: 1_700_000_000_000)


def test_loggers_are_listed_with_the_level_that_holds_for_them(levels: LogLevels) -> None:
    assert levels.list_levels() == {
        "root": {"level": "INFO", "last_modified": None},
        "kafka": {"level": "ERROR", "last_modified": None},
        "kafka.conn": {"level": "ERROR", "last_modified": None},
        "runtime.task": {"level": "INFO", "last_modified": None},
    }


def test_a_level_set_holds_at_once_for_all_below(levels: LogLevels, manager: logging.Manager) -> None:
    assert levels.set_level("kafka", "debug") == ["kafka", "kafka.conn"]
    assert manager.getLogger("kafka.conn").isEnabledFor(logging.DEBUG)
    assert not manager.getLogger("runtime.task").isEnabledFor(logging.DEBUG)
    assert levels.get_level("kafka.conn") == {"level": "DEBUG", "last_modified": 1_700_000_000_000}
    assert levels.get_level("root")["last_modified"] is None


def test_the_root_s_level_is_everybody_s(levels: LogLevels, manager: logging.Manager) -> None:
    assert levels.set_level("root", "WARN") == ["kafka", "kafka.conn", "root", "runtime.task"]
    assert {state["level"] for state in levels.list_levels().values()} == {"WARN"}
    levels.set_level("root", "OFF")
    assert not manager.getLogger("kafka").isEnabledFor(logging.CRITICAL)
    levels.set_level("root", "TRACE")
    assert levels.get_level("kafka")["level"] == "TRACE"


def test_a_logger_nobody_made_yet_can_be_given_a_level(levels: LogLevels, manager: logging.Manager) -> None:
    with pytest.raises(UnknownLogger, match=r"^Logger sink\.store not found\.$"):
        levels.get_level("sink.store")
    assert levels.set_level("sink.store", "DEBUG") == ["sink.store"]
    assert manager.getLogger("sink.store").level == logging.DEBUG


def test_a_level_there_is_not_changes_nothing(levels: LogLevels) -> None:
    with pytest.raises(UnknownLevel, match=r"^invalid log level 'LOUD'\.$"):
        levels.set_level("root", "LOUD")
    assert levels.get_level("root") == {"level": "INFO", "last_modified": None}


def test_without_more_the_process_s_own_loggers_are_meant() -> None:
    logging.getLogger("tests.quiet")
    assert "tests.quiet" in LogLevels().list_levels()
