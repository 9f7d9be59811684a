"""Roles are what the topic says: each stream's own over everybody's, and a spoiled one hurts no other."""

import pytest

from connect_runtime.compacted_log import MemoryCompactedLog
from consumers.avatar.cast.book import RoleBook
from consumers.avatar.cast.errors import BadRole, NoSuchRole, RolesUnknown
from consumers.avatar.cast.role import EVERYBODY, Role, make_role


def test_a_stream_without_a_role_has_an_empty_one() -> None:
    role = RoleBook(MemoryCompactedLog()).role_of("ada")
    assert role == Role(stream="ada")
    assert role.targets is None


def test_a_role_that_is_given_holds_for_every_replica_and_after_a_restart() -> None:
    log = MemoryCompactedLog()
    here, there = RoleBook(log), RoleBook(log)
    before = there.version
    here.give(Role(stream="ada", targets=("vmc://127.0.0.1:39539",), mirror=True))
    assert there.role_of("ada").mirror is True
    assert there.version > before
    assert RoleBook(log).role_of("ada").targets == ("vmc://127.0.0.1:39539",)


def test_what_a_role_leaves_open_is_everybodys() -> None:
    book = RoleBook(MemoryCompactedLog())
    book.give(Role(stream=EVERYBODY, targets=("host:1",), ground_contact=True))
    book.give(Role(stream="ada", ground_contact=False, neutral_face={"jaw": 0.1}))
    assert book.role_of("ada") == Role(
        stream="ada", targets=("host:1",), ground_contact=False, neutral_face={"jaw": 0.1}
    )
    assert book.role_of("bob") == Role(stream="bob", targets=("host:1",), ground_contact=True)
    book.give(Role(stream="ada", targets=()))
    assert book.role_of("ada").targets == ()


def test_a_role_taken_away_is_gone() -> None:
    book = RoleBook(MemoryCompactedLog())
    book.give(Role(stream="ada", mirror=True))
    book.take_away("ada")
    assert book.role_of("ada").mirror is None
    with pytest.raises(NoSuchRole, match="ada"):
        book.take_away("ada")


def test_a_spoiled_role_on_the_topic_is_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    book = RoleBook(MemoryCompactedLog(("bad", b"{"), ("worse", b'{"speed": 3}'), ("ada", b'{"mirror": true}')))
    assert set(book.all()) == {"ada"}
    assert caplog.text.count("a role cannot be read") == 2


def test_while_kafka_is_away_a_role_is_refused_and_the_old_one_holds() -> None:
    log = MemoryCompactedLog(("ada", b'{"mirror": true}'))
    book = RoleBook(log)
    log.refuses = True
    with pytest.raises(RolesUnknown, match="could not be written"):
        book.give(Role(stream="ada", mirror=False))
    assert book.role_of("ada").mirror is True


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"stream": "ada", "mirrored": True}, "mirrored"),
        ({"stream": "", "mirror": True}, "stream"),
        ({"stream": "a\x00", "mirror": True}, "U\\+0000"),
        ({"stream": "ada", "targets": ["x"] * 17}, "targets"),
        ({"stream": "ada", "neutral_face": {"jaw": "wide"}}, "neutral_face.jaw"),
        ({"stream": "ada", "neutral_face": {"jaw": float("nan")}}, "neutral_face.jaw"),
        ({"stream": "ada", "neutral_face": {str(number): 0.0 for number in range(1000)}}, "neutral_face"),
    ],
)
def test_a_role_that_cannot_be_says_which_field_is_wrong(fields: dict[str, object], said: str) -> None:
    with pytest.raises(BadRole, match=said):
        make_role(fields)


def test_a_calibration_is_due_until_it_is_answered() -> None:
    assert not Role(stream="ada").is_calibration_due
    assert Role(stream="ada", calibrate_at_ms=5).is_calibration_due
    assert Role(stream="ada", calibrate_at_ms=5, calibrated_at_ms=4).is_calibration_due
    assert not Role(stream="ada", calibrate_at_ms=5, calibrated_at_ms=5).is_calibration_due
