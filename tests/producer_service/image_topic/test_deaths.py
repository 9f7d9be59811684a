"""Members of the group that die, come and go: no image is lost, and none gives two frames."""

from __future__ import annotations

import signal
import subprocess

import pytest

from kafka_io.group_offsets import group_members
from tests.producer_service.image_topic.conftest import ImageTopic
from tests.producer_service.image_topic.processes import member
from tests.producer_service.waiting import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.long]

STREAMS: list[str | None] = [f"performer-{number}" for number in range(12)]


def stop_in_order(process: subprocess.Popen[str]) -> None:
    """SIGTERM, and it ends well."""
    process.terminate()
    assert process.wait(30) == 0


def test_a_member_killed_amid_its_work_leaves_no_image_without_a_frame_and_none_with_two(images: ImageTopic) -> None:
    images.send(STREAMS * 60)
    # Commits are rare, so that much is published and not committed when it dies.
    with member(images, commit_every_s=2.0, slow_picture_s=0.02) as first:
        wait_until(lambda: len(images.frames()) > 150, 40)
        first.send_signal(signal.SIGKILL)
        first.wait()
    published = len(images.frames())
    assert sum(images.committed().values()) < published < len(images.sent)
    with member(images, "--to-end") as second:
        assert second.wait(60) == 0
    images.check_each_once()
    assert images.all_committed()


def test_members_that_come_and_go_lose_and_double_nothing(images: ImageTopic) -> None:
    images.send(STREAMS * 40)
    with member(images) as first:
        wait_until(lambda: len(images.frames()) > 50, 40)
        with member(images) as second:
            wait_until(lambda: len(group_members(images.kafka, images.group)) == 2, 30)
            images.send(STREAMS * 20)
            wait_until(lambda: len(images.frames()) > 400, 40)
            stop_in_order(second)
        images.send(STREAMS * 5)
        wait_until(lambda: len(images.frames()) >= len(images.sent), 60)
        stop_in_order(first)
    images.check_each_once()
    assert images.all_committed()


def test_a_member_that_stood_still_past_its_session_publishes_no_image_again(images: ImageTopic) -> None:
    images.send(STREAMS * 60)
    with member(images) as frozen:
        wait_until(lambda: len(images.frames()) > 50, 40)
        frozen.send_signal(signal.SIGSTOP)
        with member(images, "--to-end") as other:
            assert other.wait(60) == 0
        frozen.send_signal(signal.SIGCONT)
        images.send(STREAMS)
        wait_until(images.all_committed, 30)
        stop_in_order(frozen)
    frames = images.frames()
    doubled = len(frames) - len({one.origin for one in frames})
    assert {one.origin for one in frames} == images.sent.keys()
    # What its lines had in hand as it froze: a few pictures of each stream.
    assert doubled <= 4 * len(STREAMS)
