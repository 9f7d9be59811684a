"""What clients say to a running service: bodies, queries, messages, datagrams."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import orjson
from starlette.datastructures import QueryParams

from connect_runtime.config import read_config
from connect_runtime.offsets.forms import read_offsets, read_place, read_wish
from consumers.analytics.feed.positions import read_positions, write_positions
from consumers.analytics.reactions.rule import read_condition, read_duration
from consumers.analytics.settings import SINK_KEYS
from consumers.avatar.cast.role import make_role
from consumers.avatar.monitor.ifacialmocap import NotIfacialmocap, read_face
from consumers.avatar.monitor.osc import Malformed, read_packet
from consumers.avatar.outputs.target import parse_target, parse_targets
from consumers.avatar.viewer.orders import read_order
from consumers.avatar.viewer.wish import read_wish as read_viewer_wish
from keypoints.errors import HolisticError
from tests.security.fuzz.target import Target, of_text

_TOPICS = ("frames", "frames-retry")


def read_offset_body(data: bytes, _: Path) -> None:
    """As the REST API reads the body of PATCH …/offsets."""
    body = orjson.loads(data)
    if read_wish(body, 5, _TOPICS) is None:
        for at, offset in read_offsets(body).items():
            assert 0 <= at.partition < 2**31
            assert offset is None or 0 <= offset < 2**63


def read_place_of_text(text: str) -> None:
    for topics in (_TOPICS, _TOPICS[:1]):
        try:
            read_place(text, 5, topics)
        except HolisticError:
            continue


def read_settings(data: bytes, _: Path) -> None:
    """As the REST API reads the body of PUT …/config."""
    body = orjson.loads(data)
    if isinstance(body, dict):
        read_config(body, SINK_KEYS)


def read_ids(text: str) -> None:
    positions = read_positions(text)
    assert read_positions(write_positions(positions)) == positions


def read_words(text: str) -> None:
    for read in (read_condition, read_duration):
        with suppress(ValueError):
            read(text)


def read_role_body(data: bytes, _: Path) -> None:
    body = orjson.loads(data)
    if isinstance(body, dict):
        make_role({**body, "stream": "ada"}, parse_target)


_NO_JSON = (orjson.JSONDecodeError,)
_MESSAGE = b"/a\x00\x00,sib\x00\x00\x00\x00ab\x00\x00\x00\x00\x00\x07\x00\x00\x00\x01z\x00\x00\x00"
_OSC = b"#bundle\x00" + bytes(7) + b"\x01" + len(_MESSAGE).to_bytes(4, "big") + _MESSAGE
_OFFSETS = b'{"offsets":[{"partition":{"kafka_topic":"frames","kafka_partition":"0"},"offset":{"kafka_offset":"12"}}]}'

TARGETS = (
    Target(
        "offsets",
        read_offset_body,
        lambda: [
            _OFFSETS,
            b'{"to":"1h30m"}',
            b'{"timestamp_ms":1790000000000}',
            b'{"shift_by":-100}',
            b'{"to":"earliest"}',
        ],
        _NO_JSON,
    ),
    Target(
        "places",
        of_text(read_place_of_text),
        lambda: [b"2h", b"1h30m", b"2026-03-01T12:00:00+01:00", b'{"0": 1200}', b'{"frames": {"0": 4}}', _OFFSETS],
    ),
    Target(
        "connector-settings",
        read_settings,
        lambda: [
            b'{"name":"a","topics":"b","tasks.max":"2","errors.tolerance":"none","consumer.override.max.poll.records":"5"}',
            b'{"name":"a","topics.regex":"b.*","errors.halt.ratio":"0.5","offset.flush.interval.ms":"1000","buffer.memory":"9"}',
        ],
        _NO_JSON,
    ),
    Target(
        "role-bodies",
        read_role_body,
        lambda: [b'{"targets":["vmc://127.0.0.1:1?profile=vrm1"],"mirror":true}'],
        _NO_JSON,
    ),
    Target(
        "targets",
        of_text(parse_targets),
        lambda: [
            b"127.0.0.1:39539, vmc://[::1]:1?profile=vseeface&parts=hands,head",
            b"ifm://127.0.0.1?version=2",
            b"ifm-phone://127.0.0.1?answer=5;vmc-performer://127.0.0.1:1",
        ],
    ),
    Target(
        "viewer-orders",
        of_text(read_order),
        lambda: [b'{"type":"replay","from_ms":5,"to_ms":9,"streams":["ada"],"speed":2}', b'{"type":"seek","at_ms":5}'],
    ),
    Target(
        "viewer-queries",
        of_text(lambda text: read_viewer_wish(QueryParams(text))),
        lambda: [b"streams=ada,bob&rate=30&format=json"],
    ),
    Target("event-ids", of_text(read_ids), lambda: [b"0:17,1:4"]),
    Target(
        "rule-words", of_text(read_words), lambda: [b"clap 3 times within 2 s", b"open of left for 1.5 s", b"5 min"]
    ),
    Target("osc", lambda data, _: read_packet(data), lambda: [_OSC, _MESSAGE], (Malformed,)),
    Target(
        "ifacialmocap",
        lambda data, _: read_face(data),
        lambda: [b"jawOpen-50|eyeBlink_L&7|=head#1,2,3,4,5,6|rightEye#1,2,3|"],
        (NotIfacialmocap,),
    ),
)
