"""Streams that are open: every picture handed in is answered once, and what the answer says is on the topic."""

import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import Future

import numpy as np
import pytest

from keypoints import HolisticFrame
from producer_service.capture.captured import Captured, DropPolicy, RgbImage
from producer_service.landmarks.landmarker import NoLandmarkerFree
from producer_service.live.outcome import Acknowledged, Dropped, PictureOutcome, Rejected
from producer_service.live.picture import EncodedPicture
from producer_service.live.stills import StillsBusy
from producer_service.live.studio import StreamTaken, StudioClosed
from producer_service.pipeline import wall_clock_us
from tests.producer_service.conftest import Position
from tests.producer_service.finders import DIES, FAILS, HANGS
from tests.producer_service.live.conftest import OpenedStudio
from tests.producer_service.made_media import encode_picture
from tests.producer_service.waiting import wait_until

pytestmark = pytest.mark.servers

ReadTopic = Callable[[str], dict[Position, HolisticFrame]]
PERSON, NOBODY = (200, 10, 10), (10, 10, 10)


def paint(colour: tuple[int, int, int]) -> RgbImage:
    return np.full((48, 64, 3), colour, np.uint8)


def picture(colour: tuple[int, int, int] = PERSON, index: int = 0) -> Captured:
    return Captured(paint(colour), wall_clock_us(), index)


def encoded(colour: tuple[int, int, int] = PERSON) -> EncodedPicture:
    return EncodedPicture(encode_picture(paint(colour)), wall_clock_us())


def results(futures: "Sequence[Future[PictureOutcome]]") -> list[PictureOutcome]:
    return [future.result(30) for future in futures]


def acknowledged(outcomes: Sequence[PictureOutcome]) -> list[Acknowledged]:
    return [outcome for outcome in outcomes if isinstance(outcome, Acknowledged)]


def test_a_streams_pictures_are_on_the_topic_where_their_answers_say(
    open_a_studio: OpenedStudio, read_topic: ReadTopic
) -> None:
    opened, topic = open_a_studio()
    line = opened.studio.open_stream("ada", DropPolicy.WAIT)
    outcomes = results([line.submit(picture(NOBODY if index == 2 else PERSON, index)) for index in range(5)])
    opened.studio.close_stream(line)
    frames = read_topic(topic)
    assert len(acknowledged(outcomes)) == len(frames) == 5
    for outcome in acknowledged(outcomes):
        assert frames[outcome.delivered.partition, outcome.delivered.offset].equals(outcome.frame)
        assert outcome.spent.total_ms > 0
    assert [outcome.frame.sequence for outcome in acknowledged(outcomes)] == [0, 1, 2, 3, 4]
    assert [outcome.frame.has_person for outcome in acknowledged(outcomes)] == [True, True, False, True, True]
    assert opened.ledger.counts().adds_up
    report = line.counts.report()
    assert (report.acknowledged, report.with_person, report.dropped, report.rejected) == (5, 4, {}, {})


def test_a_live_stream_drops_the_oldest_and_counts_it(open_a_studio: OpenedStudio) -> None:
    opened, _ = open_a_studio()
    line = opened.studio.open_stream("ada")
    outcomes = results([line.submit(picture(index=index)) for index in range(200)])
    dropped = [outcome for outcome in outcomes if isinstance(outcome, Dropped)]
    assert dropped
    assert {outcome.reason for outcome in dropped} == {"overtaken"}
    assert isinstance(outcomes[-1], Acknowledged)
    assert len(acknowledged(outcomes)) + len(dropped) == 200
    counts = opened.ledger.counts()
    assert counts.adds_up
    assert counts.dropped == {"overtaken": len(dropped)}


def test_a_worker_killed_in_the_middle_costs_an_epoch_and_the_ledger_adds_up(
    open_a_studio: OpenedStudio, read_topic: ReadTopic
) -> None:
    opened, topic = open_a_studio(standby=1)
    line = opened.studio.open_stream("ada", DropPolicy.WAIT)
    results([line.submit(picture(index=index)) for index in range(3)])
    os.kill(opened.pool.report()[0].pid, signal.SIGKILL)
    wait_until(lambda: opened.pool.replaced == 1)
    outcomes = results([line.submit(picture(index=index)) for index in range(3, 6)])
    assert len(acknowledged(outcomes)) == 3
    frames = list(read_topic(topic).values())
    assert [frame.sequence for frame in frames] == [0, 1, 2, 0, 1, 2]
    assert frames[0].epoch < frames[3].epoch
    # The finder counts what it has seen: nothing of the first epoch is known in the second.
    assert [int(frame.right_hand[0, 0]) for frame in frames if frame.right_hand is not None] == [1, 2, 3, 1, 2, 3]
    assert opened.ledger.counts().adds_up


def test_a_picture_that_hangs_or_kills_its_worker_is_rejected_and_the_other_stream_loses_nothing(
    open_a_studio: OpenedStudio,
) -> None:
    opened, _ = open_a_studio(hang_s=3.0)
    ada = opened.studio.open_stream("ada", DropPolicy.WAIT)
    bob = opened.studio.open_stream("bob", DropPolicy.WAIT)
    for harm in (HANGS, DIES):
        harmed = ada.submit(picture(harm))
        beside = [bob.submit(picture(index=index)) for index in range(3)]
        outcome = harmed.result(30)
        assert isinstance(outcome, Rejected)
        assert outcome.reason == "inference_failed"
        assert len(acknowledged(results(beside))) == 3
        assert isinstance(ada.submit(picture()).result(30), Acknowledged)
    assert opened.ledger.counts().rejected == {"inference_failed": 2}
    assert opened.ledger.counts().adds_up


def test_a_source_that_was_interrupted_begins_a_new_epoch(open_a_studio: OpenedStudio) -> None:
    opened, _ = open_a_studio()
    line = opened.studio.open_stream("ada", DropPolicy.WAIT)
    before = results([line.submit(picture()) for _ in range(2)])
    line.interrupt()
    after = results([line.submit(picture()) for _ in range(2)])
    epochs = [outcome.frame.epoch for outcome in acknowledged(before + after)]
    assert epochs[0] == epochs[1] < epochs[2] == epochs[3]


def test_damaged_pictures_of_a_stream_are_rejected_one_by_one(open_a_studio: OpenedStudio) -> None:
    opened, _ = open_a_studio()
    line = opened.studio.open_stream("ada", DropPolicy.WAIT)
    good = encoded()
    pictures = [good, EncodedPicture(good.data[:60], wall_clock_us()), EncodedPicture(b"text", wall_clock_us()), good]
    outcomes = results([line.submit(each) for each in pictures])
    assert [getattr(outcome, "reason", None) for outcome in outcomes] == [None, "damaged_image", "not_an_image", None]
    assert [outcome.frame.sequence for outcome in acknowledged(outcomes)] == [0, 1]
    assert opened.ledger.counts().adds_up


def test_single_pictures_stand_alone_and_need_a_person(open_a_studio: OpenedStudio, read_topic: ReadTopic) -> None:
    opened, topic = open_a_studio()
    outcomes = results([opened.studio.submit_still(encoded(), "door") for _ in range(6)])
    frames = read_topic(topic)
    assert len({outcome.frame.epoch for outcome in acknowledged(outcomes)}) == 6
    assert all(frame.sequence == 0 for frame in frames.values())
    nobody = opened.studio.submit_still(encoded(NOBODY), "door").result(30)
    assert isinstance(nobody, Rejected)
    assert nobody.reason == "no_person"
    assert len(read_topic(topic)) == 6
    assert opened.ledger.counts().adds_up


def test_more_single_pictures_than_may_wait_are_refused_at_once(open_a_studio: OpenedStudio) -> None:
    opened, _ = open_a_studio(hang_s=2.0)
    futures = [opened.studio.submit_still(encoded(HANGS), "door")]

    def submit_many() -> None:
        futures.extend(opened.studio.submit_still(encoded(), "door") for _ in range(100))

    with pytest.raises(StillsBusy, match="wait already"):
        submit_many()
    assert all(isinstance(outcome, Acknowledged | Rejected) for outcome in results(futures))
    assert opened.ledger.counts().adds_up


def test_single_pictures_that_kill_their_workers_take_none_of_those_beside_them_along(
    open_a_studio: OpenedStudio,
) -> None:
    opened, _ = open_a_studio()
    colours = [DIES, PERSON, DIES, DIES, PERSON, DIES, DIES, PERSON]
    outcomes = results([opened.studio.submit_still(encoded(colour), "door") for colour in colours])
    assert [isinstance(outcome, Acknowledged) for outcome in outcomes] == [colour == PERSON for colour in colours]
    assert opened.ledger.counts().rejected == {"inference_failed": 5}
    assert opened.ledger.counts().adds_up


def test_a_stream_is_open_once_and_as_many_as_there_is_room_for(open_a_studio: OpenedStudio) -> None:
    opened, _ = open_a_studio(streams_a_worker=2)
    ada = opened.studio.open_stream("ada")
    with pytest.raises(StreamTaken, match="ada"):
        opened.studio.open_stream("ada")
    opened.studio.open_stream("bob")
    with pytest.raises(NoLandmarkerFree):
        opened.studio.open_stream("eve")
    opened.studio.close_stream(ada)
    late = ada.submit(picture()).result(5)
    assert isinstance(late, Dropped)
    assert late.reason == "stream_closed"
    assert opened.studio.open_stream("ada") is not ada
    assert opened.ledger.counts().adds_up


def test_a_studio_that_closes_publishes_what_files_handed_in_and_books_the_rest(
    open_a_studio: OpenedStudio, read_topic: ReadTopic
) -> None:
    opened, topic = open_a_studio()
    file, camera = opened.studio.open_stream("file", DropPolicy.WAIT), opened.studio.open_stream("camera")
    futures = [line.submit(picture(index=index)) for index in range(4) for line in (file, camera)]
    opened.studio.close()
    outcomes = results(futures)
    assert all(isinstance(outcome, Acknowledged) for outcome in outcomes[::2])
    assert {getattr(outcome, "reason", "stream_closed") for outcome in outcomes[1::2]} <= {"stream_closed", "overtaken"}
    assert len(read_topic(topic)) == len(acknowledged(outcomes))
    assert opened.ledger.counts().adds_up
    with pytest.raises(StudioClosed):
        opened.studio.open_stream("eve")
    assert opened.readiness().ready


@pytest.mark.parametrize("harm", [FAILS, DIES, HANGS])
def test_a_picture_that_breaks_the_landmarker_is_lost_alone_though_the_next_was_handed_over_already(
    open_a_studio: OpenedStudio, harm: tuple[int, int, int]
) -> None:
    opened, _ = open_a_studio(hang_s=3.0)
    line = opened.studio.open_stream("ada", DropPolicy.WAIT)
    colours = [PERSON, PERSON, harm, PERSON, PERSON, harm, harm, PERSON]
    outcomes = results([line.submit(picture(colour, index)) for index, colour in enumerate(colours)])
    assert [isinstance(outcome, Rejected) for outcome in outcomes] == [colour == harm for colour in colours]
    frames = [outcome.frame for outcome in acknowledged(outcomes)]
    assert [frame.sequence for frame in frames] == [0, 1, 0, 1, 0]
    assert len({frame.epoch for frame in frames}) == 3
    assert [int(frame.right_hand[0, 0]) for frame in frames if frame.right_hand is not None] == [1, 2, 1, 2, 1]
    assert opened.ledger.counts().adds_up


def test_an_interruption_is_kept_between_pictures_that_are_under_way(open_a_studio: OpenedStudio) -> None:
    opened, _ = open_a_studio()
    line = opened.studio.open_stream("ada", DropPolicy.WAIT)
    futures = []
    for index in range(9):
        if index % 3 == 0:
            line.interrupt()
        futures.append(line.submit(encoded() if index % 2 else picture(index=index)))
    frames = [outcome.frame for outcome in acknowledged(results(futures))]
    assert [frame.sequence for frame in frames] == [0, 1, 2] * 3
    assert [int(frame.right_hand[0, 0]) for frame in frames if frame.right_hand is not None] == [1, 2, 3] * 3
