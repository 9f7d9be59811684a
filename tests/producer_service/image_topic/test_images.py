"""Images on a Kafka topic become frames, each once."""

import pytest

from kafka_io.failure_headers import PREFIX
from producer_service.capture.captured import RefusalReason
from tests.producer_service.image_topic.conftest import ImageTopic, person_jpeg, white_jpeg
from tests.producer_service.waiting import wait_until

pytestmark = pytest.mark.servers


def test_each_image_becomes_one_frame_of_its_stream_in_order(images: ImageTopic) -> None:
    images.send(["ada", "bob", "cy"] * 8)
    ledger = images.run()
    frames = images.check_each_once()
    assert images.all_committed()
    for name in ("ada", "bob", "cy"):
        of_stream = [one.frame for one in frames if one.frame.stream_id == name]
        assert len({frame.epoch for frame in of_stream}) == 1
        assert [frame.sequence for frame in of_stream] == list(range(8))
        # One landmarker saw them all, and no other's.
        assert [frame.right_hand[0, 0] for frame in of_stream if frame.right_hand is not None] == list(range(1, 9))
    counts = ledger.counts()
    assert (counts.received, counts.acknowledged, counts.adds_up) == (24, 24, True)


def test_a_frame_says_what_its_image_said(images: ImageTopic) -> None:
    images.send(["ada"], captured_at_us=b"1764115200123456", mirrored=b"true")
    images.send(["ada"], mirrored=b"false")
    images.run()
    first, second = (one.frame for one in images.check_each_once())
    assert (first.captured_at_us, first.mirrored) == (1764115200123456, True)
    assert first.left_hand is not None
    assert (second.captured_at_us % 1000, second.mirrored) == (0, False)
    assert second.right_hand is not None
    # Sides are not swapped within a track.
    assert first.epoch < second.epoch


def test_what_gives_no_frame_becomes_a_dead_letter_and_its_partition_goes_on(images: ImageTopic) -> None:
    damaged = person_jpeg()[: len(person_jpeg()) // 2]
    images.send(["ada"])
    images.sent.clear()
    for value, streams, headers in (
        (damaged, ["ada"], {}),
        (b"no picture", ["ada"], {}),
        (white_jpeg(), ["ada"], {}),
        (b"", ["ada"], {}),
        (person_jpeg(), ["ada"], {"captured_at_us": b"yesterday"}),
        (person_jpeg(), ["ada"], {"captured_at_us": b"99999999999999999"}),
        (person_jpeg(), ["ada"], {"captured_at_us": b"9" * 5_000}),
        (person_jpeg(), [None], {}),
    ):
        images.send(streams, value, **headers)  # type: ignore[arg-type]
    bad = dict(images.sent)
    images.send(["ada"])
    images.run()
    frames = images.frames()
    assert [images.sent[one.origin][0] if one.origin in images.sent else "ada" for one in frames] == ["ada", "ada"]
    letters = images.letters()
    assert len(letters) == len(bad) == 8
    said = {
        tuple(int(dict(letter.headers)[PREFIX + name]) for name in ("partition", "offset")): letter
        for letter in letters
    }
    assert said.keys() == bad.keys()
    by_message = sorted(dict(letter.headers)[PREFIX + "exception.message"].decode() for letter in letters)
    for words in ("is damaged", "not a JPEG, PNG or WebP", "white pictures", "no picture", "no time", "ahead of now"):
        assert any(words in message for message in by_message), by_message
    stages = {dict(letter.headers)[PREFIX + "stage"] for letter in letters}
    assert stages == {b"VALUE_CONVERTER", b"TASK_PUT"}
    assert {letter.value for letter in letters} >= {damaged, b"no picture", white_jpeg()}
    assert images.all_committed()


def test_streams_without_a_landmarker_wait_and_none_is_lost(images: ImageTopic) -> None:
    images.send(["ada", "bob", "cy"] * 3)
    ledger = images.run(pool={"streams_a_worker": 1})
    images.check_each_once()
    assert images.all_committed()
    assert not ledger.counts().dropped
    assert RefusalReason.INFERENCE_FAILED.value not in ledger.counts().rejected


def test_a_member_that_is_stopped_leaves_nothing_to_be_looked_for(images: ImageTopic) -> None:
    with images.running():
        images.send(["ada", "bob"] * 5)
        wait_until(lambda: len(images.frames()) == 10)
    assert images.all_committed()
    images.send(["ada"] * 2)
    images.run()
    images.check_each_once()
