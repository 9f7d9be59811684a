"""Log lines as people and machines get them."""

import io
import json
import logging

import pytest

from keypoints.errors import Terminal
from observability.logs import HumanFormatter, JsonFormatter, configure_logging, error_fields


def record(**extra: object) -> logging.LogRecord:
    line = logging.getLogger("room").makeRecord(
        "room", logging.WARNING, "file.py", 1, "record %s", ("skipped",), None, extra=extra
    )
    line.created = 1_700_000_000.25
    return line


def test_a_line_about_a_record_says_where_it_is() -> None:
    line = HumanFormatter().format(record(topic="frames", partition=3, offset=17, reason="cut off"))
    assert line == ('22:13:20.250 WARNING room: record skipped  topic=frames partition=3 offset=17 reason="cut off"')


def test_a_name_of_a_stranger_s_making_neither_begins_a_line_nor_speaks_to_the_terminal() -> None:
    line = HumanFormatter().format(record(stream="ada\n22:13:20.250 ERROR \x1b[31mred \u202eZoë 😀"))
    assert line.endswith(r'stream="ada\n22:13:20.250 ERROR \x1b[31mred \u202eZoë 😀"')


def test_json_lines_have_the_fields_as_values() -> None:
    line = json.loads(JsonFormatter().format(record(topic="frames", partition=3, offset=17)))
    assert line == {
        "time": "2023-11-14T22:13:20.250+00:00", "level": "WARNING", "logger": "room", "message": "record skipped",
        "topic": "frames", "partition": 3, "offset": 17,
    }  # fmt: skip


def test_a_trace_follows_the_line() -> None:
    try:
        raise Terminal("broken", key="value")
    except Terminal as error:
        line = record(**error_fields(error))
        line.exc_info = (type(error), error, error.__traceback__)
    assert "Traceback" in HumanFormatter().format(line)
    told = json.loads(JsonFormatter().format(line))
    assert (told["error_class"], told["key"]) == ("Terminal", "value")
    assert "Traceback" in told["trace"]


def test_a_field_that_would_break_logging_is_left_out() -> None:
    assert error_fields(Terminal("broken", args=1, name="x", topic="t")) == {"error_class": "Terminal", "topic": "t"}


@pytest.fixture
def root_logger() -> object:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield root
    root.handlers[:] = before
    root.setLevel(level)


@pytest.mark.usefixtures("root_logger")
def test_configured_lines_go_to_the_stream_and_the_client_s_chatter_does_not() -> None:
    stream = io.StringIO()
    configure_logging("json", "INFO", stream)
    logging.getLogger("room").info("hello", extra={"topic": "frames"})
    logging.getLogger("kafka.conn").warning("reconnecting")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["message"], line["topic"]) for line in lines] == [("hello", "frames")]
