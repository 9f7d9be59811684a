"""`holistic streams`: who is in the archive, the same from both stores."""

import json
from dataclasses import replace

import numpy as np
import pytest

from consumers.archive.streams import StreamSummary, list_parquet_streams, list_postgres_streams
from keypoints.frame import FrameBatch
from keypoints.landmarks import Part
from tests.consumers.archive.archived import Archived
from tests.consumers.archive.made_frames import FRAME_US, NOON_US, make_batch, without_irises

pytestmark = pytest.mark.servers

HOUR_US = 3_600_000_000


def of_stream(batch: FrameBatch, stream_id: str, epoch: int = 1) -> FrameBatch:
    return replace(
        batch,
        stream_id=np.full(len(batch), stream_id, dtype=np.object_),
        epoch=np.full(len(batch), epoch, dtype=np.int64),
    )


def make_streams(topic: str) -> FrameBatch:
    """ada in two sessions an hour apart, half of the second without a left hand; bob in one frame without anything."""
    later_us = NOON_US + HOUR_US
    unseen = (Part.LEFT_HAND, Part.FACE)
    return FrameBatch.concat(
        [
            of_stream(without_irises(make_batch(40, topic=topic), np.arange(40) < 20), "ada"),
            of_stream(make_batch(20, topic=topic, first_offset=40, starts_at_us=later_us), "ada", epoch=2),
            of_stream(
                make_batch(20, topic=topic, first_offset=60, starts_at_us=later_us, absent=unseen), "ada", epoch=2
            ),
            of_stream(make_batch(1, topic=topic, first_offset=80, absent=tuple(Part)), 'bob "[b]"/ö'),
        ]
    )


def test_both_stores_say_who_was_seen_when_and_how_much(archived: Archived) -> None:
    archived.keep(make_streams(archived.topic))
    from_files = list_parquet_streams(archived.root)
    assert list_postgres_streams(archived.database_url) == from_files
    ada, bob = from_files
    assert ada == StreamSummary(
        stream_id="ada",
        first_captured_at_us=NOON_US,
        last_captured_at_us=NOON_US + HOUR_US + 79 * FRAME_US,
        frames=80,
        sessions=2,
        seconds=(39 + 39) * FRAME_US / 1e6,
        seen={"pose": 1.0, "pose_world": 1.0, "face": 0.75, "left_hand": 0.75, "right_hand": 1.0},
    )
    assert ada.rate == pytest.approx(30.0, rel=1e-3)
    assert bob.rate is None
    assert set(bob.seen.values()) == {0.0}


def test_nobody_is_in_an_empty_archive(archived: Archived) -> None:
    assert list_postgres_streams(archived.database_url) == list_parquet_streams(archived.root) == []


@pytest.mark.parametrize("store", ["postgres", "parquet"])
def test_a_table_for_people_and_json_for_machines(archived: Archived, store: str) -> None:
    archived.keep(make_streams(archived.topic))
    table = archived.run("streams", "--on", store)
    assert 'bob "[b]"/ö' in table
    assert "75%" in table
    assert "2 streams, 81 frames" in table
    ada, bob = json.loads(archived.run("streams", "--on", store, "--json"))["streams"]
    assert ada["first_captured_at"] == "2026-09-21T14:13:20.000000Z"
    assert ada["seen"]["left_hand"] == 0.75
    assert bob["rate"] is None
