"""Streams over gRPC: every picture is answered once, and what the answer says is on the topic."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import numpy as np
import pytest

from keypoints import HolisticFrame
from keypoints.landmarks import Part
from producer_service.capture.captured import RgbImage
from producer_service.landmarks.pool.options import PoolOptions
from tests.producer_service.conftest import Position
from tests.producer_service.finders import DIES, HANGS, TROUBLESOME
from tests.producer_service.made_media import draw_noise, draw_quarters, encode_picture
from tests.producer_service.rpc.client import DROP_OLDEST, WAIT, encoded, open_and_send, raw, read_parts
from tests.producer_service.rpc.conftest import ServeStudio
from tests.producer_service.waiting import wait_until

pytestmark = pytest.mark.servers

ReadTopic = Callable[[str], dict[Position, HolisticFrame]]
PERSON, NOBODY = (200, 10, 10), (10, 10, 10)


def paint(colour: tuple[int, int, int]) -> RgbImage:
    return np.full((48, 64, 3), colour, np.uint8)


def kinds(outcomes: list[Any]) -> list[str]:
    return [outcome.WhichOneof("outcome") for outcome in outcomes]


def test_a_streams_pictures_are_answered_in_order_and_are_where_the_answers_say(
    serve_studio: ServeStudio, read_topic: ReadTopic
) -> None:
    service = serve_studio()
    pictures = [
        raw(paint(PERSON), 100, captured_at_us=1_700_000_000_000_000),
        encoded(encode_picture(paint(NOBODY)), 101),
        encoded(b"no picture", 102),
        *(encoded(encode_picture(paint(PERSON), "JPEG"), number) for number in range(103, 110)),
    ]
    outcomes = service.connect().track_all("ada", pictures)
    frames = read_topic(service.topic)
    assert [outcome.number for outcome in outcomes] == list(range(100, 110))
    assert kinds(outcomes) == ["acknowledged", "acknowledged", "rejected"] + ["acknowledged"] * 7
    assert outcomes[2].rejected.reason == "not_an_image"
    assert outcomes[0].acknowledged.captured_at_us == 1_700_000_000_000_000
    assert not outcomes[1].acknowledged.landmarks.ListFields()
    acknowledged = [outcome.acknowledged for outcome in outcomes if outcome.WhichOneof("outcome") == "acknowledged"]
    assert [answer.sequence for answer in acknowledged] == list(range(9))
    assert len(frames) == 9
    for outcome in outcomes:
        if outcome.WhichOneof("outcome") == "acknowledged":
            answer = outcome.acknowledged
            frame = frames[answer.partition, answer.offset]
            assert (answer.topic, answer.epoch, answer.sequence) == (service.topic, frame.epoch, frame.sequence)
            assert (answer.width, answer.height, answer.captured_at_us) == (64, 48, frame.captured_at_us)
            found = read_parts(outcome)
            assert found.keys() == ({Part.RIGHT_HAND} if frame.has_person else set())
            assert all(values.tobytes() == frame.part(part).tobytes() for part, values in found.items())  # type: ignore[union-attr]
            assert answer.spent.publishing_ms > 0
    assert service.opened.ledger.counts().adds_up
    assert not service.opened.studio.lines()


def test_raw_pixels_and_a_png_of_them_give_the_same(serve_studio: ServeStudio) -> None:
    client = serve_studio().connect()
    image = draw_noise()
    image[0, 0] = PERSON
    as_raw, as_png = (
        read_parts(client.track_all("ada", [picture])[0]) for picture in (raw(image), encoded(encode_picture(image)))
    )
    assert as_raw.keys() == as_png.keys() == {Part.RIGHT_HAND}
    assert np.array_equal(as_raw[Part.RIGHT_HAND], as_png[Part.RIGHT_HAND])


def test_a_mirrored_stream_has_its_sides_put_right(serve_studio: ServeStudio) -> None:
    (outcome,) = serve_studio().connect().track_all("ada", [raw(draw_quarters())], mirrored=True)
    assert read_parts(outcome).keys() == {Part.LEFT_HAND}
    assert outcome.acknowledged.mirrored


def test_an_interruption_begins_a_new_epoch(serve_studio: ServeStudio) -> None:
    call = serve_studio().connect().track("ada")
    call.send(raw(paint(PERSON), 0), raw(paint(PERSON), 1))
    call.interrupt()
    call.send(raw(paint(PERSON), 2))
    call.send_no_more()
    first, second, third = (outcome.acknowledged for outcome in call.outcomes)
    assert first.epoch == second.epoch < third.epoch
    assert (first.sequence, second.sequence, third.sequence) == (0, 1, 0)


def test_a_live_streams_pictures_are_answered_once_each_and_the_newest_is_not_dropped(
    serve_studio: ServeStudio,
) -> None:
    service = serve_studio()
    outcomes = service.connect().track_all("ada", (raw(paint(PERSON), number) for number in range(300)), DROP_OLDEST)
    assert sorted(outcome.number for outcome in outcomes) == list(range(300))
    dropped = [outcome for outcome in outcomes if outcome.WhichOneof("outcome") == "dropped"]
    assert {outcome.dropped.reason for outcome in dropped} == {"overtaken"}
    assert next(kinds([outcome]) for outcome in outcomes if outcome.number == 299) == ["acknowledged"]
    counts = service.opened.ledger.counts()
    assert counts.adds_up
    assert counts.dropped == {"overtaken": len(dropped)}


class EndlessPictures:
    """Pictures of 720p, counted as gRPC asks for them; the finder hangs at the first."""

    def __init__(self) -> None:
        self.asked = 0
        self._image = draw_noise(1280, 720)
        self._image[0, 0] = HANGS

    def __iter__(self) -> Iterator[Any]:
        while True:
            self.asked += 1
            yield raw(self._image, self.asked)


def test_a_stream_that_waits_holds_its_client_instead_of_taking_more_than_it_can_work_off(
    serve_studio: ServeStudio,
) -> None:
    service = serve_studio(PoolOptions(workers=1, standby=0, opener=TROUBLESOME, hang_s=2))
    pictures = EndlessPictures()
    call = service.connect().call_track(open_and_send("ada", iter(pictures), WAIT))
    first = next(call)
    assert first.rejected.reason == "inference_failed"
    # Five are in the line and being looked at, some more on the connection; nothing else moved while the finder hung.
    assert 2 <= pictures.asked < 20
    call.cancel()


def test_a_client_that_is_gone_has_its_stream_closed(serve_studio: ServeStudio) -> None:
    service = serve_studio()
    first = service.connect().track("ada").wait_until_open()
    first.send(*(raw(paint(PERSON), number) for number in range(20)))
    next(first.outcomes)
    first.cancel()
    wait_until(lambda: not service.opened.studio.lines())
    (outcome,) = service.connect().track_all("ada", [raw(paint(PERSON))])
    assert outcome.acknowledged.sequence == 0
    wait_until(lambda: service.opened.ledger.counts().adds_up)


def test_a_client_whose_time_is_up_has_its_stream_closed(serve_studio: ServeStudio) -> None:
    service = serve_studio()
    silence = threading.Event()
    call = service.connect().call_track(
        open_and_send("ada", (raw(paint(PERSON)) for _ in iter(silence.wait, False)), WAIT), timeout_s=5.0
    )
    call.initial_metadata()
    assert [line.stream_id for line in service.opened.studio.lines()] == ["ada"]
    with pytest.raises(grpc.RpcError) as caught:
        list(call)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    wait_until(lambda: not service.opened.studio.lines())
    silence.set()


def test_two_clients_are_tracked_beside_each_other(serve_studio: ServeStudio) -> None:
    service = serve_studio()
    outcomes: dict[str, list[Any]] = {}

    def run(stream_id: str, frames: int) -> None:
        outcomes[stream_id] = service.connect().track_all(
            stream_id, [raw(paint(PERSON), number) for number in range(frames)]
        )

    threads = [threading.Thread(target=run, args=given) for given in (("ada", 30), ("grace", 40))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for stream_id, frames in (("ada", 30), ("grace", 40)):
        assert [outcome.acknowledged.sequence for outcome in outcomes[stream_id]] == list(range(frames))
        # The finder counts what it saw: nothing of the other's.
        assert [read_parts(outcome)[Part.RIGHT_HAND][0, 0] for outcome in outcomes[stream_id]] == [
            seen + 1 for seen in range(frames)
        ]
        assert len({outcome.acknowledged.partition for outcome in outcomes[stream_id]}) == 1


def test_a_worker_that_dies_costs_an_epoch_and_no_answer(serve_studio: ServeStudio) -> None:
    service = serve_studio(PoolOptions(workers=1, standby=1, opener=TROUBLESOME))
    colours = [PERSON, PERSON, DIES, PERSON, PERSON]
    outcomes = service.connect().track_all("ada", [raw(paint(colour), n) for n, colour in enumerate(colours)])
    assert [outcome.number for outcome in outcomes] == [0, 1, 2, 3, 4]
    assert kinds(outcomes) == ["acknowledged", "acknowledged", "rejected", "acknowledged", "acknowledged"]
    assert outcomes[2].rejected.reason == "inference_failed"
    assert outcomes[1].acknowledged.epoch < outcomes[3].acknowledged.epoch


def test_streams_are_listed_while_they_are_open_and_can_be_closed_by_name(serve_studio: ServeStudio) -> None:
    service = serve_studio()
    client = service.connect()
    call = client.track("ada").wait_until_open()
    call.send(raw(paint(PERSON), 7), encoded(b"no picture", 8))
    assert kinds([next(call.outcomes), next(call.outcomes)]) == ["acknowledged", "rejected"]
    (state,) = client.list_streams()
    assert (state.stream_id, state.policy, state.acknowledged, state.with_person) == ("ada", 2, 1, 1)
    assert dict(state.rejected) == {"not_an_image": 1}
    assert state.HasField("epoch")
    client.close_stream("ada")
    with pytest.raises(grpc.RpcError) as caught:
        list(call.outcomes)
    assert caught.value.code() is grpc.StatusCode.ABORTED
    assert client.list_streams() == []
