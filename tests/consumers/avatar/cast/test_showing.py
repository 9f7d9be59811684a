"""Each receiver shows one performer at a time, and roles that change are followed at once."""

import threading
from dataclasses import dataclass, field

import pytest

from connect_runtime.compacted_log import MemoryCompactedLog
from consumers.avatar.cast.book import RoleBook
from consumers.avatar.cast.role import EVERYBODY, Role
from consumers.avatar.cast.showing import DefaultTargets, Showing
from consumers.avatar.outputs.output import Shown
from keypoints.errors import Terminal
from tests.connect_runtime.harness import wait_until


@dataclass
class Receiver:
    """An output that remembers that it was closed."""

    target: str
    refused: int = 0
    closed: bool = False

    def show(self, shown: Shown) -> int:
        return 1

    def close(self) -> None:
        self.closed = True


@dataclass
class House:
    """A showing, its roles, and every output it ever made."""

    defaults: DefaultTargets = field(default_factory=DefaultTargets)
    book: RoleBook = field(default_factory=lambda: RoleBook(MemoryCompactedLog()))
    made: list[Receiver] = field(default_factory=list)
    patience_s: float = 15.0
    names_are_known: threading.Event = field(default_factory=threading.Event)
    unknown: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.showing = Showing(self.book, self.defaults, self._make, self.patience_s)

    def _make(self, target: str) -> Receiver:
        if target.startswith("slow"):
            assert self.names_are_known.wait(15.0)
        if "bad" in target or target in self.unknown:
            raise Terminal("no such receiver")
        self.made.append(Receiver(target))
        return self.made[-1]

    def targets(self, stream: str) -> list[str]:
        return [output.target for output in self.showing.of(stream).outputs if isinstance(output, Receiver)]


def test_the_first_performer_has_the_default_receivers_until_it_leaves() -> None:
    house = House(DefaultTargets(("a", "b")))
    assert house.targets("ada") == ["a", "b"]
    assert house.targets("bob") == []
    house.showing.release(["ada"])
    assert all(receiver.closed for receiver in house.made)
    assert house.targets("bob") == ["a", "b"]


def test_default_receivers_kept_for_one_stream_are_nobody_elses() -> None:
    house = House(DefaultTargets(("a",), stream="bob"))
    assert house.targets("ada") == []
    assert house.targets("bob") == ["a"]


def test_everybody_has_the_receivers_of_its_role_all_at_once() -> None:
    house = House(DefaultTargets(("a",)))
    house.book.give(Role(stream="ada", targets=("x", "y", "x")))
    house.book.give(Role(stream="bob", targets=("z",)))
    house.book.give(Role(stream="eve", targets=()))
    assert house.targets("ada") == ["x", "y"]
    assert house.targets("bob") == ["z"]
    assert house.targets("eve") == []
    assert house.targets("someone") == ["a"]


def test_a_changed_role_opens_and_closes_what_it_must_and_nothing_else() -> None:
    house = House()
    house.book.give(Role(stream="ada", targets=("x", "y")))
    kept, dropped = house.showing.of("ada").outputs
    house.book.give(Role(stream="ada", targets=("x", "z")))
    assert house.targets("ada") == ["x", "z"]
    assert house.showing.of("ada").outputs[0] is kept
    assert isinstance(dropped, Receiver)
    assert dropped.closed


def test_a_receiver_given_to_another_stream_moves_there() -> None:
    house = House()
    house.book.give(Role(stream="ada", targets=("x",)))
    assert house.targets("ada") == ["x"]
    house.book.give(Role(stream="ada", targets=()))
    house.book.give(Role(stream="bob", targets=("x",)))
    assert house.targets("bob") == ["x"]
    assert house.targets("ada") == []


def test_an_unusable_receiver_costs_itself_alone_and_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    house = House()
    house.book.give(Role(stream=EVERYBODY, targets=("bad", "x")))
    assert house.targets("ada") == ["x"]
    house.targets("bob")
    house.showing.release(["bob"])
    assert house.targets("ada") == ["x"]
    assert caplog.text.count("no such receiver") == 1


def test_a_receiver_whose_name_takes_long_holds_up_nobody_and_is_shown_somebody_then() -> None:
    house = House(DefaultTargets(("slow", "a")), patience_s=0.0)
    wait_until("the address is opened", lambda: house.targets("ada") == ["a"])
    house.names_are_known.set()
    wait_until("the name is opened too", lambda: house.targets("ada") == ["slow", "a"])
    assert [receiver.target for receiver in house.made] == ["a", "slow"]


def test_a_receiver_found_unusable_late_is_said_once_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    house = House(DefaultTargets(("slow bad", "a")), patience_s=0.0)
    wait_until("the address is opened", lambda: house.targets("ada") == ["a"])
    house.names_are_known.set()
    wait_until("it is said", lambda: house.targets("ada") == ["a"] and "no such receiver" in caplog.text)
    house.targets("bob")
    house.showing.release(["bob"])
    assert house.targets("ada") == ["a"]
    assert caplog.text.count("no such receiver") == 1


def test_a_receiver_that_nobody_wants_once_it_is_opened_is_closed_when_roles_change() -> None:
    house = House(patience_s=0.0)
    house.book.give(Role(stream="ada", targets=("slow",)))
    assert house.targets("ada") == []
    house.book.give(Role(stream="ada", targets=()))
    assert house.targets("ada") == []
    house.names_are_known.set()
    wait_until("it is opened", lambda: len(house.made) == 1)

    def is_closed() -> bool:
        house.book.give(Role(stream="ada", targets=()))
        return house.targets("ada") == [] and house.made[0].closed

    wait_until("it is closed", is_closed)


def test_however_many_names_nobody_answers_for_few_are_asked_for_at_once() -> None:
    house, before = House(patience_s=0.0), threading.active_count()
    house.book.give(Role(stream="ada", targets=tuple(f"slow {number}" for number in range(16))))
    assert house.targets("ada") == []
    assert threading.active_count() <= before + 8
    house.names_are_known.set()
    wait_until("all are opened", lambda: len(house.targets("ada")) == 16)


def test_a_name_nobody_knew_for_a_while_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    house = House(DefaultTargets(("studio",)), unknown={"studio"})
    assert house.targets("ada") == []
    house.showing.try_again()
    assert house.targets("ada") == []
    assert caplog.text.count("no such receiver") == 1, "it is said once"
    house.unknown.clear()
    assert house.targets("ada") == [], "not at each state"
    house.showing.try_again()
    assert house.targets("ada") == ["studio"]
