"""Headers of a dead letter: what was wrong with a record, by Kafka Connect's own names."""

import traceback
from dataclasses import dataclass
from typing import Final

from keypoints.topics import Headers

PREFIX: Final = "__connect.errors."
FAILED_AT_HEADER: Final = "holistic-dead-letter-at-ms"
"""When it failed, milliseconds since 1970: the letter's own timestamp is the record's."""
# What a dead letter may be larger than its record is mostly these two.
_MESSAGE_BYTES: Final = 4 * 1024
_TRACE_BYTES: Final = 24 * 1024


@dataclass(frozen=True, slots=True)
class Failure:
    """That a record could not be used: where it is, who found that (a connector's task; `found_by` is a class) at which
    stage of Connect's, and why."""

    topic: str
    partition: int
    offset: int
    connector: str
    task_id: int
    stage: str
    found_by: str
    error: BaseException


def failure_headers(failure: Failure, now_ms: int) -> Headers:
    """All ten headers of Connect's, and when it was."""
    error = failure.error
    said = {
        "topic": failure.topic,
        "partition": str(failure.partition),
        "offset": str(failure.offset),
        "connector.name": failure.connector,
        "task.id": str(failure.task_id),
        "stage": failure.stage,
        "class.name": failure.found_by,
        "exception.class.name": name_class(type(error)),
        "exception.message": _cut(str(error), _MESSAGE_BYTES),
        "exception.stacktrace": _cut("".join(traceback.format_exception(error)), _TRACE_BYTES),
    }
    added = tuple((PREFIX + name, text.encode("utf-8", "replace")) for name, text in said.items())
    return (*added, (FAILED_AT_HEADER, str(now_ms).encode()))


def name_class(kind: type) -> str:
    """A class, with where it is defined."""
    return f"{kind.__module__}.{kind.__qualname__}"


def _cut(text: str, limit: int) -> str:
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= limit:
        return text
    # Both ends tell most: where it was called from, and what was raised.
    half = limit // 2
    return f"{encoded[:half].decode('utf-8', 'ignore')}\n… cut …\n{encoded[-half:].decode('utf-8', 'ignore')}"
