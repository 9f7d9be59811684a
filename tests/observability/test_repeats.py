"""What is said again and again, as whoever reads the log at night gets it."""

import io
import logging
from collections.abc import Callable, Iterator

import pytest

from observability.repeats import REPEATS_S, RepeatingHandler


class Log:
    """A log with a clock of the test's."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._told = io.StringIO()
        self.handler = RepeatingHandler(self._told, lambda: self.now_s)
        self.logger = logging.getLogger(f"room-{id(self)}")
        self.logger.setLevel(logging.DEBUG)
        self.logger.propagate = False
        self.logger.addHandler(self.handler)

    def lines(self) -> list[str]:
        return self._told.getvalue().splitlines()


@pytest.fixture
def log() -> Iterator[Log]:
    made = Log()
    yield made
    made.handler.close()


def test_a_broker_that_is_away_for_an_hour_is_said_once_a_minute_with_the_number(log: Log) -> None:
    for second in range(3600):
        log.now_s = float(second)
        log.logger.error("Connection failed: %s", "ECONNREFUSED")
    told = log.lines()
    assert told[0] == "Connection failed: ECONNREFUSED"
    assert set(told[2:]) == {"Connection failed: ECONNREFUSED (said 60 more times)"}
    assert len(told) == 60


def test_a_line_is_shown_at_once_and_so_is_the_next_that_says_something_else(log: Log) -> None:
    log.logger.warning("polling failed and is tried again in 0.1 s: away")
    log.logger.warning("polling failed and is tried again in 1.9 s: away")
    log.logger.warning("polling failed and is tried again in 1.9 s: refused")
    assert [line.rpartition(": ")[2] for line in log.lines()] == ["away", "refused"]


def test_another_record_is_another_line_and_another_attempt_is_not(log: Log) -> None:
    for offset in (3, 3, 4):
        for attempt in (1, 2):
            log.logger.warning("not taken", extra={"offset": offset, "attempt": attempt})
    assert log.lines() == ["not taken", "not taken"]


def test_the_number_is_said_when_something_else_happens_after_the_minute(log: Log) -> None:
    log.logger.error("away")
    log.logger.error("away")
    log.now_s = REPEATS_S
    log.logger.info("back")
    assert log.lines() == ["away", "away (said once more)", "back"]


def test_the_number_is_said_at_the_end(log: Log) -> None:
    for _ in range(4):
        log.logger.error("away")
    log.handler.close()
    assert log.lines() == ["away", "away (said 3 more times)"]


def test_after_a_quiet_minute_a_line_is_news_again(log: Log) -> None:
    log.logger.error("away")
    log.now_s = REPEATS_S
    log.logger.error("away")
    assert log.lines() == ["away", "away"]


def say_it_is_done(log: Log) -> None:
    log.logger.info("done")


def fail_with_a_trace(log: Log) -> None:
    try:
        raise ValueError("odd")
    except ValueError:
        log.logger.exception("failed")


@pytest.mark.parametrize("say", [say_it_is_done, fail_with_a_trace])
def test_what_is_no_warning_and_what_has_a_trace_is_always_shown(log: Log, say: Callable[[Log], None]) -> None:
    say(log)
    once = len(log.lines())
    say(log)
    assert len(log.lines()) == 2 * once
