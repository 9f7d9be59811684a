"""A forgotten stream has no role any more, and everybody else keeps theirs."""

import time
from collections.abc import Callable
from contextlib import closing

import pytest

from connect_runtime.compacted_log import CompactedLog
from connect_runtime.forgetting.places import Subject
from connect_runtime.retry import Surroundings
from consumers.avatar.cast.book import RoleBook
from consumers.avatar.cast.forgetting import AvatarRoles
from consumers.avatar.cast.role import Role
from kafka_io.settings import KafkaSettings
from keypoints.topics import AVATAR_ROLES_SPEC

pytestmark = pytest.mark.servers

WAIT_S = 30.0


def wait_until(true: Callable[[], bool], what: str) -> None:
    deadline_s = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < deadline_s, f"waited {WAIT_S} s until {what}"
        time.sleep(0.02)


def open_book(kafka: KafkaSettings) -> RoleBook:
    book = RoleBook(CompactedLog(kafka, Surroundings(), (AVATAR_ROLES_SPEC,), "avatar roles"))
    wait_until(lambda: book.problem() is None, "the roles are read")
    return book


def test_a_role_given_on_one_replica_holds_on_another_until_it_is_forgotten(kafka_settings: KafkaSettings) -> None:
    with closing(open_book(kafka_settings)) as here, closing(open_book(kafka_settings)) as there:
        here.give(Role(stream="forget-me", neutral_face={"lids": 9.5}))
        here.give(Role(stream="keep-me", mirror=True))
        wait_until(lambda: {"forget-me", "keep-me"} <= set(there.all()), "the other replica knows the roles")
        with closing(open_book(kafka_settings)) as later:
            assert later.role_of("forget-me").neutral_face == {"lids": 9.5}
        places, subject = AvatarRoles(kafka_settings), Subject("forget-me", 2**60)
        assert places.find(subject).records == places.erase(subject).records == 1
        assert places.find(subject).records == places.erase(subject).records == 0
        wait_until(lambda: "forget-me" not in there.all(), "the other replica has let go of the role")
        assert there.role_of("keep-me").mirror is True
        here.take_away("keep-me")


def test_a_role_given_after_the_moment_stays(kafka_settings: KafkaSettings) -> None:
    with closing(open_book(kafka_settings)) as book:
        book.give(Role(stream="again", mirror=True))
        assert AvatarRoles(kafka_settings).find(Subject("again", 1)).records == 0
        book.take_away("again")
