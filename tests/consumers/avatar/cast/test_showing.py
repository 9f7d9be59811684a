"""Each receiver shows one performer at a time, and roles that change are followed at once."""

from dataclasses import dataclass, field

import pytest

from connect_runtime.compacted_log import MemoryCompactedLog
from consumers.avatar.cast.book import RoleBook
from consumers.avatar.cast.role import EVERYBODY, Role
from consumers.avatar.cast.showing import DefaultTargets, Showing
from consumers.avatar.outputs.output import Shown
from keypoints.errors import Terminal


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

    def __post_init__(self) -> None:
        self.showing = Showing(self.book, self.defaults, self._make)

    def _make(self, target: str) -> Receiver:
        if target == "bad":
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
