"""Inputs that were once not refused as they should be: a number no calendar has, a list too short, a name twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.security.fuzz.all_targets import ALL

_ENTRY = (
    b'{"format":1,"partition":{"topic":"t","topic_id":"i","partition":0},"number":1,"kind":"files","files":[],'
    b'"writer":{"group":"g","generation":1,"member_id":"m"},"written_at_us":1,"next_offset":1,"forgets_offset":false,'
    b'"erased":[{"identity":{"topic":"t","topic_id":"i","partition":0},"offsets":[[]]}]}'
)
FOUND: dict[str, tuple[str, bytes]] = {
    "a duration longer than a float holds": ("places", b"9" * 400 + b"h"),
    "a day before the calendar's first, in local time": ("places", b"0001-01-01"),
    "a pattern that repeats beyond all bounds": (
        "connector-settings",
        b'{"name":"a","topics.regex":"b{99999999999999999999}"}',
    ),
    "a pattern of brackets within brackets": (
        "connector-settings",
        b'{"name":"a","topics.regex":"' + b"(" * 5000 + b")" * 5000 + b'"}',
    ),
    "a number of milliseconds that is no float": (
        "connector-settings",
        b'{"name":"a","topics":"b","offset.flush.interval.ms":"' + b"9" * 400 + b'"}',
    ),
    "a run of offsets without offsets": (
        "manifest",
        _ENTRY,
    ),
    "a format that is a list": ("manifest", b'{"format":[1]}'),
    "a topic that is a number": ("manifest", b'{"format":1,"partition":{"topic":1,"topic_id":"i","partition":0}}'),
    "a footer that is no JSON": ("footers", ALL["footers"].seeds()[0].replace(b"[[1,2]]", b"[[1,2]}")),
    "an attempt of thousands of digits": ("dead-letters", b"v\nholistic-attempt:" + b"9" * 5000),
    "a partition of thousands of digits": ("dead-letters", b"v\n__connect.errors.partition:" + b"9" * 5000),
    "a length of thousands of digits": ("rtsp", b"RTSP/1.0 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n"),
    "a status of thousands of digits": ("rtsp", b"RTSP/1.0 " + b"9" * 5000 + b" OK\r\n\r\n"),
    "a line's end before a packet": ("rtsp", b"RTSP/1.0 200 OK\r\n\r\n\n$\x00\x00\x04RTSP/\r\n\r\n"),
    "a registry's schema without a type": (
        "writers-schemas",
        b'{"type":"record","name":"HolisticFrame","fields":[{"name":"x"}]}\n\nbody',
    ),
    "a schema under our fingerprint that means other numbers": (
        "schema-topic",
        ALL["schema-topic"].seeds()[0].replace(b"timestamp-micros", b"timestamp-millis"),
    ),
    "a registry's answer that is a list": ("registry", b"[]"),
}


@pytest.mark.parametrize("what", FOUND)
def test_what_was_once_found_stays_mended(what: str, tmp_path: Path) -> None:
    name, data = FOUND[what]
    ALL[name].try_out(data, tmp_path)
