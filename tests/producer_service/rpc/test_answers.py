"""Outcomes on their way to a client: none lost, none twice, and a client that reads none is held."""

import threading
from collections.abc import Iterable
from concurrent.futures import Future

import pytest

from producer_service.live.outcome import Dropped, PictureOutcome
from producer_service.live.picture import EncodedPicture
from producer_service.live.studio import StudioClosed
from producer_service.rpc.answers import Answers, NumberedOutcome
from producer_service.rpc.room import PictureRoom


def expect(answers: Answers, numbers: Iterable[int]) -> "list[Future[PictureOutcome]]":
    futures: list[Future[PictureOutcome]] = []
    for number in numbers:
        futures.append(Future())
        answers.expect(number, futures[-1])
    return futures


def settle(future: "Future[PictureOutcome]") -> None:
    future.set_result(Dropped("overtaken", "a newer one came"))


def numbers(outcomes: Iterable[NumberedOutcome]) -> list[int]:
    return [outcome.number for outcome in outcomes]


@pytest.mark.parametrize(("in_order", "expected"), [(True, [0, 1, 2, 3]), (False, [2, 0, 3, 1])])
def test_outcomes_come_in_the_order_that_was_asked_for(in_order: bool, expected: list[int]) -> None:
    answers = Answers(9, in_order=in_order)
    futures = expect(answers, range(4))
    for index in (2, 0, 3, 1):
        settle(futures[index])
    answers.end()
    assert numbers(answers) == expected


def test_an_outcome_that_is_known_at_once_keeps_its_place() -> None:
    answers = Answers(9, in_order=True)
    (first,) = expect(answers, [0])
    known: Future[PictureOutcome] = Future()
    settle(known)
    answers.expect(1, known)
    settle(first)
    answers.end()
    assert numbers(answers) == [0, 1]


def test_the_end_comes_after_every_outcome_and_says_why() -> None:
    answers = Answers(9, in_order=False)
    futures = expect(answers, range(2))
    answers.end(StudioClosed("the service is stopping"))
    for future in futures:
        settle(future)
    told: list[NumberedOutcome] = []
    with pytest.raises(StudioClosed):
        told.extend(answers)
    assert not answers.wait_for_room()


def test_nobody_is_told_anything_after_the_client_went() -> None:
    answers = Answers(9, in_order=True)
    settle(expect(answers, range(2))[0])
    answers.abandon()
    assert numbers(answers) == []
    assert not answers.wait_for_room()


def is_held(thread: threading.Thread) -> bool:
    thread.join(0.05)
    return thread.is_alive()


def test_a_client_that_reads_nothing_is_not_read_either_until_it_does() -> None:
    answers = Answers(2, in_order=True)
    for future in expect(answers, range(2)):
        settle(future)
    reader = threading.Thread(target=answers.wait_for_room, daemon=True)
    reader.start()
    assert is_held(reader)
    reading = iter(answers)
    assert next(reading).number == 0
    assert is_held(reader)
    # Asking for the next says that the first has been sent.
    assert next(reading).number == 1
    reader.join(10)
    assert not reader.is_alive()


def test_pictures_of_all_streams_wait_for_room_and_the_largest_has_it_alone() -> None:
    room = PictureRoom(100)
    outcomes: list[Future[PictureOutcome]] = [Future(), Future()]
    for outcome in outcomes:
        size = room.wait_for(EncodedPicture(bytes(50), 0), lambda: False)
        assert size is not None
        room.free_after(outcome, size)
    large = threading.Thread(target=room.wait_for, args=[EncodedPicture(bytes(1000), 0), lambda: False], daemon=True)
    large.start()
    settle(outcomes[0])
    assert is_held(large)
    settle(outcomes[1])
    large.join(10)
    assert not large.is_alive()


def test_a_picture_whose_call_has_ended_waits_for_no_room() -> None:
    room, answers = PictureRoom(100), Answers(4, in_order=True)
    assert room.wait_for(EncodedPicture(bytes(100), 0), answers.is_over) == 100
    answers.abandon()
    assert room.wait_for(EncodedPicture(bytes(100), 0), answers.is_over) is None
