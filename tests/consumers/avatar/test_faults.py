"""The service as a process of its own that is killed, stopped, frozen and fed badly: avatars neither jump nor lie."""

import signal
import time
import uuid
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from kafka_io.admin import group_lag, group_offsets, topic_end_offsets
from keypoints import HolisticFrame
from performers.acts import ActKind
from tests.consumers.avatar.live import (
    House,
    Performing,
    Receiving,
    Service,
    make_dance,
    now_us,
    publish,
    wait_until,
)
from tests.consumers.avatar.told import largest_step_deg

pytestmark = [pytest.mark.servers, pytest.mark.alone, pytest.mark.timeout(120)]

LARGEST_STEP_DEG = 25.0
STALE_US = 2_000_000
DANCE = make_dance()
STILL = make_dance(ActKind.IDLE)
NAMED = "consumer.override.group.instance.id=avatar-1"


def check_nothing_stale(service: Service, puts_held_up: int = 0) -> None:
    """No frame was sent that was processed too long before, but of puts held up while the process stood still."""
    sent = service.sent()
    assert sent
    assert max(line["received_at_us"] - line["processed_at_us"] for line in sent) <= STALE_US
    overtaken = {line["received_at_us"] for line in sent if line["sent_at_us"] - line["processed_at_us"] > STALE_US}
    assert len(overtaken) <= puts_held_up


@pytest.mark.parametrize("dance", [DANCE, STILL], ids=["waving", "standing still"])
def test_killed_and_started_again_it_goes_on_within_seconds_without_a_jump(
    make_house: Callable[..., House], dance: list[HolisticFrame]
) -> None:
    house = make_house()
    with Receiving() as receiver, Performing(house.kafka, house.topic, {"ada": 0}, dance):
        environment = {"HOLISTIC_VMC_TARGETS": receiver.target}
        service = house.start(NAMED, environment=environment)
        receiver.wait_for(200)
        service.process.kill()
        service.process.wait()
        killed_at_s = time.time()
        again = house.start(NAMED, environment=environment)
        alive_at_s = again.wait_alive()
        receiver.wait_for(150)
        resumed_at_s = receiver.first_after(killed_at_s + 0.05)
        ended_at_s = time.time()
        assert resumed_at_s is not None
        step, bone = largest_step_deg(receiver.bones(killed_at_s - 1.0, ended_at_s))
        print(
            f"\n  up {alive_at_s - again.started_at_s:.2f} s after start, states {resumed_at_s - alive_at_s:+.2f} s "
            f"after that; largest step {step:.1f} deg of {bone}"
        )
        assert resumed_at_s - alive_at_s < 3.0
        assert step < LARGEST_STEP_DEG, bone
        check_nothing_stale(again)
        assert again.stop() == 0
        last = again.sent()[-1]
        assert group_offsets(house.kafka, house.group, house.topic)[0] > last["offset"], "what was shown is committed"


@pytest.mark.long
def test_what_was_frozen_past_its_session_shows_nothing_stale(make_house: Callable[..., House]) -> None:
    house = make_house()
    with Receiving() as receiver, Performing(house.kafka, house.topic, {"ada": 0}, DANCE):
        service = house.start(
            "consumer.override.session.timeout.ms=6000", environment={"HOLISTIC_VMC_TARGETS": receiver.target}
        )
        receiver.wait_for(100)
        service.process.send_signal(signal.SIGSTOP)
        wait_until(lambda: receiver.silence_s() > 8.0, "its session is over")
        service.process.send_signal(signal.SIGCONT)
        continued_at_s = time.time()
        wait_until(
            lambda: service.sent()[-1]["captured_at_us"] > continued_at_s * 1e6, "frames of now are shown again", 10.0
        )
        print(f"\n  frames of now are shown {time.time() - continued_at_s:.2f} s after it was continued")
        check_nothing_stale(service, puts_held_up=1)
        told = service.passed_over()
        assert told.get("stale", 0) + told.get("superseded", 0) > 100, "what was sent meanwhile is passed over"
        assert service.stop() == 0


@pytest.mark.long
def test_of_two_replicas_the_one_left_takes_over_all_performers_and_their_receivers(
    make_house: Callable[..., House],
) -> None:
    house, streams = make_house(2), {f"{name}-{uuid.uuid4().hex[:8]}": part for part, name in enumerate(("ada", "bob"))}
    ada, bob = streams
    with Receiving() as x, Receiving() as y, Performing(house.kafka, house.topic, streams, DANCE):
        session = "consumer.override.session.timeout.ms=6000"
        one, two = house.start(session, name="one"), house.start(session, name="two")
        one.wait_ready()
        two.wait_ready()
        one.wait_for_roles()
        for stream, receiver in ((ada, x), (bob, y)):
            answer = one.ask("PUT", f"/avatar/roles/{stream}", json={"targets": [receiver.target]})
            assert answer.status_code == 200

        def on_stage(service: Service) -> list[str]:
            return sorted(one["stream"] for one in service.ask("GET", "/avatar/performers").json())

        wait_until(lambda: len(on_stage(one)) == len(on_stage(two)) == 1, "each replica has one performer")
        x.wait_for(60)
        y.wait_for(60)
        settled_at_s = time.time()
        x.wait_for(60)
        y.wait_for(60)
        assert len(x.sources(settled_at_s)) == len(y.sources(settled_at_s)) == 1
        fed_x = x.sources(0.0)
        has_x, other = (one, two) if on_stage(one) == [ada] else (two, one)
        has_x.process.kill()
        has_x.process.wait()
        killed_at_s = time.time()
        wait_until(lambda: len(x.sources(killed_at_s) - fed_x) > 0, "the other replica shows both", 9.0)
        print(f"\n  taken over {time.time() - killed_at_s:.2f} s after the kill, with a session of 6 s")
        y.wait_for(60)
        assert on_stage(other) == sorted(streams)
        assert len(x.sources(killed_at_s) - fed_x) == 1
        check_nothing_stale(other)
        for stream in streams:
            other.ask("DELETE", f"/avatar/roles/{stream}")


@pytest.mark.long
def test_a_backlog_is_passed_over_and_the_newest_shown_within_seconds(make_house: Callable[..., House]) -> None:
    house, long_ago_us = make_house(), now_us() - 60_000_000
    stills = make_dance(count=100)
    backlog = [
        replace(
            stills[number % 100], stream_id=f"stream-{number % 10}",
            captured_at_us=long_ago_us + number * 1000, processed_at_us=long_ago_us + number * 1000,
        )
        for number in range(20_000)
    ]  # fmt: skip
    publish(house.kafka, house.topic, backlog)
    with Receiving() as receiver, Performing(house.kafka, house.topic, {"ada": 0}, DANCE):
        service = house.start(
            "consumer.override.auto.offset.reset=earliest", environment={"HOLISTIC_VMC_TARGETS": receiver.target}
        )
        alive_at_s = service.wait_alive()
        receiver.wait_for(1)
        caught_up_s = time.time() - alive_at_s
        print(f"\n  20,000 frames behind, the newest is shown {caught_up_s:.2f} s after it was up")
        assert caught_up_s < 5.0
        wait_until(lambda: len(service.sent()) > 0, "what was sent is noted")  # which is after it left
        assert {line["stream_id"] for line in service.sent()} == {"ada"}
        check_nothing_stale(service)
        assert service.passed_over()["stale"] >= 20_000
        wait_until(lambda: sum(group_lag(house.kafka, house.group, house.topic).values()) < 60, "it is committed")


def test_a_recording_is_played_four_times_as_fast_and_can_be_stopped_at_once(make_house: Callable[..., House]) -> None:
    house, days_ago_us = make_house(), now_us() - 86_400_000_000
    # A slow webcam's: four times its rate is what a slow computer can send.
    apart_us = round(1e6 / 15)
    recorded = [
        replace(seen, stream_id="ada", captured_at_us=days_ago_us + at * apart_us, processed_at_us=days_ago_us)
        for at, seen in enumerate(DANCE[:240])
    ]
    publish(house.kafka, house.topic, recorded)
    with Receiving() as receiver:
        arguments = ("--from", "earliest", "--speed", "4")
        service = house.start(*arguments, environment={"HOLISTIC_VMC_TARGETS": receiver.target})
        wait_until(lambda: service.sent()[-1:] != [] and service.sent()[-1]["offset"] == 239, "all of it is shown")
        offsets = [line["offset"] for line in service.sent()]
        # The first may go to nobody: its receiver is still being opened.
        assert offsets == list(range(240))[-len(offsets) :]
        assert len(offsets) >= 239
        from_10 = [line["sent_at_us"] for line in service.sent() if line["offset"] >= 10]
        sent_s = np.array(from_10) / 1e6
        wait_until(lambda: group_offsets(house.kafka, house.group, house.topic) == {0: 240}, "it is committed")
        took_s = float(sent_s[-1] - sent_s[0])
        print(f"\n  229 intervals of 1/15 s, four times as fast: {took_s:.2f} s for {229 / 15 / 4:.2f}")
        assert took_s == pytest.approx(229 / 15 / 4, abs=0.3)
        assert service.stop() == 0
        house.group += "-slow"
        slow = house.start("--from", "earliest", "--speed", "1", environment={"HOLISTIC_VMC_TARGETS": receiver.target})
        receiver.wait_for(30)
        asked_at_s = time.time()
        assert slow.stop() == 0
        took_s = time.time() - asked_at_s
        print(f"  stopped within {took_s:.2f} s")
        assert took_s < 4.0
        committed = group_offsets(house.kafka, house.group, house.topic).get(0, 0)
        assert 0 <= committed <= slow.sent()[-1]["offset"] + 1, "what was not shown is not committed"


def test_recorded_frames_are_shown_elsewhere_beside_the_live_service(make_house: Callable[..., House]) -> None:
    house = make_house()
    recorded = [
        replace(seen, stream_id="ada", captured_at_us=now_us() + at * 33_333, processed_at_us=now_us())
        for at, seen in enumerate(DANCE[:60])
    ]
    publish(house.kafka, house.topic, recorded)
    with Receiving() as live, Receiving() as again:
        service = house.start(environment={"HOLISTIC_VMC_TARGETS": live.target})
        service.wait_ready()
        with Performing(house.kafka, house.topic, {"bob": 0}, DANCE):
            live.wait_for(60)
            answer = house.run(
                "replay", "avatar", "--from", "earliest", "--bounded", "--execute", "--json",
                environment={"HOLISTIC_VMC_TARGETS": again.target, "HOLISTIC_AVATAR_SPEED": "2"},
            )  # fmt: skip
            assert answer["records"] >= 60
            assert again.count() > 100
            live.wait_for(60)
        assert {line["stream_id"] for line in service.sent()} == {"bob"}
        assert service.stop() == 0
        assert group_offsets(house.kafka, house.group, house.topic)[0] <= topic_end_offsets(house.kafka, house.topic)[0]
