"""What a receiver gets, whatever happens on the way."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from connect_runtime.forgetting.places import Subject
from connect_runtime.retry import Backoff
from consumers.analytics.finding import Category, Phase
from consumers.analytics.forgetting import AnalyticsTables
from consumers.analytics.reactions.metrics import DELIVERED, FAILED, PENDING, RETRIED
from consumers.analytics.reactions.signing import find_routes
from consumers.analytics.results import announce
from tests.consumers.analytics.reactions.conftest import MADE_US, Office, await_true, fire
from tests.consumers.analytics.reactions.made_rules import make_rule
from tests.consumers.analytics.reactions.receiver import SECRET, Message, Receiver

pytestmark = pytest.mark.servers

_DAY_S = 86_400.0


def test_a_message_says_what_happened_and_is_signed_as_the_standard_has_it(office: Office, tmp_path: Path) -> None:
    with Receiver().listening() as receiver:
        rule = make_rule(tmp_path, "thumbs_up for 1 s", name="stop", webhook=receiver.address)
        event = fire(rule)
        assert office.post(event) == 1
        began_s = int(time.time())
        office.send_out(rule)
        office.await_states(delivered=1)
    [message] = receiver.messages
    assert message.message_id == str(event.event_id)
    assert began_s <= message.timestamp_s <= time.time()
    assert message.is_signed_with(SECRET)
    assert message.content_type == "application/json"
    told = orjson.loads(message.body)
    assert (told["type"], told["rule"], told["timestamp"]) == ("rule.fired", "stop", "2023-11-14T22:13:20.000000Z")
    assert told.items() >= orjson.loads(event.encode_json()).items()
    assert office.query("SELECT attempts, last_error, rule, stream_id FROM webhook_deliveries") == [
        (1, None, "stop", "ada")
    ]
    await_true(lambda: office.count(DELIVERED, "stop") == 1)


def test_both_secrets_sign_while_one_takes_the_place_of_another(office: Office, tmp_path: Path) -> None:
    other = "whsec_" + "QUJD" * 10
    with Receiver().listening() as receiver:
        rule = make_rule(tmp_path, "wave", webhook=receiver.address, secret_variable="MINE")
        office.post(fire(rule))
        office.send_out(rule, environment={"MINE": f"{other} {SECRET}"})
        office.await_states(delivered=1)
    [message] = receiver.messages
    assert message.is_signed_with(SECRET)
    assert message.is_signed_with(other)
    assert not message.is_signed_with("whsec_" + "QUJE" * 10)


def test_a_receiver_that_fails_is_asked_again_with_the_same_message_and_a_new_time(
    office: Office, tmp_path: Path
) -> None:
    passed_s = [0.0]
    with Receiver(answers=[500, 429, 302, 404]).listening() as receiver:
        rule = make_rule(tmp_path, "wave", webhook=receiver.address)
        office.post(fire(rule))
        courier = office.send_out(
            rule, wall_clock=lambda: time.time() + passed_s[0], retry_timeout_s=None, backoff=Backoff(30.0, 30.0)
        )
        for tries in range(1, 5):
            await_true(lambda tries=tries: office.count(RETRIED, "told") == tries)  # type: ignore[misc]
            # Never while a message is under way, whose time would be up.
            passed_s[0] += 60.0
            courier.wake()
        office.await_states(delivered=1)
    assert len(receiver.messages) == 5
    assert len({(message.message_id, message.body) for message in receiver.messages}) == 1
    times = [message.timestamp_s for message in receiver.messages]
    assert times == sorted(set(times))
    assert all(message.is_signed_with(SECRET) for message in receiver.messages)
    assert office.query("SELECT attempts, last_error FROM webhook_deliveries") == [(5, "answered 404")]


def test_a_receiver_that_is_down_gets_everything_once_it_is_up(office: Office, tmp_path: Path) -> None:
    receiver = Receiver()
    with receiver.listening():
        rule = make_rule(tmp_path, "wave", webhook=receiver.address)
    events = [fire(rule, number) for number in range(6)]
    office.post(*events)
    office.send_out(rule)
    await_true(lambda: office.query("SELECT min(attempts) >= 1 FROM webhook_deliveries") == [(True,)])
    assert office.states() == {"pending": 6}
    with receiver.listening():
        office.await_states(delivered=6)
    assert sorted(receiver.ids) == sorted(str(event.event_id) for event in events)


def test_a_message_whose_courier_was_killed_before_it_noted_the_answer_is_sent_again(
    office: Office, tmp_path: Path
) -> None:
    killed: list[int] = []

    def kill(_: Message) -> None:
        if not killed:
            killed.append(process.pid)
            os.kill(process.pid, signal.SIGKILL)

    with Receiver(on_message=kill).listening() as receiver:
        rule = make_rule(tmp_path, "wave", webhook=receiver.address)
        office.post(fire(rule))
        module = "tests.consumers.analytics.reactions.lonely_courier"
        process = subprocess.Popen([sys.executable, "-m", module, office.database_url, str(tmp_path / "told.yaml")])
        assert process.wait(30) == -signal.SIGKILL
        assert office.states() == {"pending": 1}
        # Another one takes it on when the time is up that the first one had for it.
        office.send_out(rule, wall_clock=lambda: time.time() + 300.0)
        office.await_states(delivered=1)
    assert len(receiver.ids) == 2
    assert len(set(receiver.ids)) == 1


def test_couriers_that_share_the_messages_send_each_once(office: Office, tmp_path: Path) -> None:
    with Receiver().listening() as receiver:
        rules = [make_rule(tmp_path, "wave", name=f"rule_{number}", webhook=receiver.address) for number in range(3)]
        events = [fire(rule, number) for number in range(20) for rule in rules]
        couriers = [office.send_out(*rules, look_s=0.01) for _ in range(3)]
        for event in events:
            office.post(event)
            for courier in couriers:
                courier.wake()
        office.await_states(delivered=len(events))
    assert sorted(receiver.ids) == sorted(str(event.event_id) for event in events)


def test_a_receiver_that_is_slow_holds_up_no_other(office: Office, tmp_path: Path) -> None:
    answers = threading.Event()
    with (
        Receiver(on_message=lambda _: assert_set(answers)).listening() as slow,
        Receiver().listening() as quick,
    ):
        rules = [
            make_rule(tmp_path, "wave", name="slow", webhook=slow.address),
            make_rule(tmp_path, "wave", name="quick", webhook=quick.address),
        ]
        office.post(*(fire(rules[0], number) for number in range(30)))
        office.send_out(*rules, answer_s=60.0)
        await_true(lambda: len(slow.ids) == 4)
        try:
            office.post(*(fire(rules[1], number) for number in range(30)))
            office.await_states(delivered=30, pending=30)
            assert len(slow.ids) == 4
        finally:
            answers.set()
        office.await_states(delivered=60)


def assert_set(event: threading.Event) -> None:
    assert event.wait(30)


def test_a_receiver_that_never_answers_is_left_and_asked_again(office: Office, tmp_path: Path) -> None:
    held = threading.Event()

    def hold_the_first(_: Message) -> None:
        if len(receiver.messages) == 1:
            held.wait(30)

    with Receiver(on_message=hold_the_first).listening() as receiver:
        rule = make_rule(tmp_path, "wave", webhook=receiver.address)
        office.post(fire(rule))
        office.send_out(rule, answer_s=3.0)
        office.await_states(delivered=1)
        held.set()
    assert office.query("SELECT attempts, last_error FROM webhook_deliveries") == [(2, "no answer within 3 s")]


def test_who_is_told_to_stop_gives_back_what_is_under_way(office: Office, tmp_path: Path) -> None:
    held = threading.Event()
    with Receiver(on_message=lambda _: assert_set(held)).listening() as receiver:
        rule = make_rule(tmp_path, "wave", webhook=receiver.address)
        office.post(fire(rule))
        courier = office.send_out(rule, answer_s=60.0)
        await_true(lambda: len(receiver.ids) == 1)
        assert courier.stop(30.0)
        held.set()
        office.send_out(rule)
        office.await_states(delivered=1)
    assert len(receiver.ids) == 2


def test_who_is_gone_is_not_asked_again(office: Office, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with Receiver(answers=[410]).listening() as receiver:
        rule = make_rule(tmp_path, "wave", webhook=receiver.address)
        office.post(fire(rule))
        courier = office.send_out(rule)
        office.await_states(failed=1)
        # Then it has also counted it, and said so.
        assert courier.stop()
    assert office.query("SELECT attempts, last_error FROM webhook_deliveries") == [(1, "answered 410")]
    assert office.count(FAILED, "told") == 1
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "rule told is given up: answered 410" in record.getMessage()


def test_a_message_nobody_takes_is_given_up_after_its_time(office: Office, tmp_path: Path) -> None:
    passed_s = [0.0]
    with Receiver(answers=[503] * 100).listening() as receiver:
        rule = make_rule(tmp_path, "wave", webhook=receiver.address)
        office.post(fire(rule))
        courier = office.send_out(rule, wall_clock=lambda: time.time() + passed_s[0], backoff=Backoff(3_600.0, 3_600.0))
        for tries in range(1, 5):
            await_true(lambda tries=tries: office.count(RETRIED, "told") == tries)  # type: ignore[misc]
            passed_s[0] += 6 * 3_600.0
            courier.wake()
        office.await_states(failed=1)
    assert len(receiver.ids) == 5


def test_a_receiver_that_says_when_to_come_again_is_believed(office: Office, tmp_path: Path) -> None:
    with Receiver(answers=[(503, {"retry-after": "120"})]).listening() as receiver:
        rule = make_rule(tmp_path, "wave", webhook=receiver.address)
        office.post(fire(rule))
        office.send_out(rule)
        await_true(lambda: office.query("SELECT last_error FROM webhook_deliveries") == [("answered 503",)])
        [(wait_s,)] = office.query(
            "SELECT extract(epoch FROM next_attempt_at - first_tried_at)::float FROM analytics.webhooks"
        )
        assert 120.0 <= wait_s < 130.0
        office.couriers[0].wake()
    assert len(receiver.ids) == 1


def test_what_is_too_old_for_its_rule_is_not_sent(office: Office, tmp_path: Path) -> None:
    now_us = int(time.time() * 1e6)
    with Receiver().listening() as receiver:
        rule = make_rule(tmp_path, "wave", webhook=receiver.address, expires="1 h")
        patient = make_rule(tmp_path, "wave", name="patient", webhook=receiver.address)
        fresh = fire(rule, at_us=now_us)
        office.post(fire(rule), fresh, fire(patient))
        office.send_out(rule, patient)
        office.await_states(delivered=2, expired=1)
    assert str(fresh.event_id) in receiver.ids
    assert office.query("SELECT attempts, rule FROM webhook_deliveries WHERE state = 'expired'") == [(0, "told")]


def test_neither_secret_nor_address_is_in_any_log_or_table(
    office: Office, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    receiver = Receiver(answers=[500, 410])
    with receiver.listening():
        rule = make_rule(tmp_path, "wave", webhook=receiver.address)
        office.post(fire(rule), fire(rule, 1), fire(rule, 2))
        office.send_out(rule)
        office.await_states(delivered=2, failed=1)
    office.post(fire(rule, 3))
    unreachable = "SELECT count(*) FROM webhook_deliveries WHERE last_error LIKE 'no answer%'"
    await_true(lambda: office.query(unreachable) == [(1,)])
    assert len(caplog.records) >= 2
    rows = office.query("SELECT webhooks::text, convert_from(body, 'UTF8') FROM analytics.webhooks")
    assert len(rows) == 4
    shown = [record.getMessage() + str(vars(record)) for record in caplog.records]
    for text in (*shown, *map(str, rows), repr(find_routes([rule], {"HOLISTIC_WEBHOOK_SECRET": SECRET}))):
        assert SECRET not in text
        assert SECRET.removeprefix("whsec_") not in text
    for text in (*shown, *map(str, rows)):
        assert "T0PSECRETPATH" not in text


def test_what_is_worked_out_again_says_nothing_twice(office: Office, tmp_path: Path) -> None:
    with Receiver().listening() as receiver:
        rule = make_rule(tmp_path, "wave", webhook=receiver.address)
        assert office.post(fire(rule), fire(rule), fire(rule, 1)) == 2
        assert office.post(fire(rule, 1)) == 0
        courier = office.send_out(rule)
        office.await_states(delivered=2)
        assert office.post(fire(rule), fire(rule, 1), fire(rule, 2)) == 1
        courier.wake()
        office.await_states(delivered=3)
    assert len(receiver.ids) == 3


def test_only_what_rules_say_is_told(office: Office, tmp_path: Path) -> None:
    fired = fire(make_rule(tmp_path, "wave")).result
    wave = announce(fired.performance, Phase.OCCURRED, replace(fired.finding, category=Category.MOVEMENT, kind="wave"))
    assert office.post(wave) == 0


def test_messages_of_a_rule_that_is_gone_wait_for_who_knows_it_and_are_then_given_up(
    office: Office, tmp_path: Path
) -> None:
    rule, other = make_rule(tmp_path, "wave"), make_rule(tmp_path, "wave", name="other")
    office.post(fire(rule))
    courier = office.send_out(other)
    await_true(lambda: office.metrics.registry.get_sample_value(PENDING.name) == 1.0)
    assert courier.stop()
    assert office.states() == {"pending": 1}
    office.send_out(other, wall_clock=lambda: time.time() + _DAY_S + 1.0)
    office.await_states(failed=1)
    assert office.query("SELECT last_error FROM webhook_deliveries") == [("its rule is gone",)]


def test_what_was_settled_long_ago_is_dropped_and_what_is_pending_is_not(office: Office, tmp_path: Path) -> None:
    with Receiver().listening() as receiver:
        rule = make_rule(tmp_path, "wave", webhook=receiver.address)
        office.post(fire(rule))
        assert_stops(office, office.send_out(rule), delivered=1)
        assert_stops(office, office.send_out(rule, wall_clock=lambda: time.time() + 29 * _DAY_S), delivered=1)
        other = make_rule(tmp_path, "wave", name="other")
        office.post(fire(other))
        office.send_out(rule, wall_clock=lambda: time.time() + 31 * _DAY_S, retry_timeout_s=None)
        office.await_states(pending=1)


def assert_stops(office: Office, courier: object, **states: int) -> None:
    office.await_states(**states)
    assert office.couriers[-1] is courier
    assert office.couriers[-1].stop()


def test_a_stream_that_is_forgotten_leaves_no_message(office: Office, tmp_path: Path) -> None:
    rule = make_rule(tmp_path, "wave")
    office.post(fire(rule), fire(rule, 5_000_000), fire(rule, stream_id="bob"))
    AnalyticsTables(office.database_url).erase(Subject("ada", MADE_US + 1_000_000))
    assert office.query("SELECT stream_id, count(*) FROM webhook_deliveries GROUP BY 1 ORDER BY 1") == [
        ("ada", 1),
        ("bob", 1),
    ]
    AnalyticsTables(office.database_url).erase(Subject("ada", None))
    assert office.query("SELECT stream_id FROM webhook_deliveries") == [("bob",)]


def test_a_courier_whose_connection_is_cut_goes_on(office: Office, tmp_path: Path) -> None:
    with Receiver().listening() as receiver:
        rule = make_rule(tmp_path, "wave", webhook=receiver.address)
        office.post(fire(rule))
        office.send_out(rule)
        office.await_states(delivered=1)
        office.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        office.post(fire(rule, 1))
        office.await_states(delivered=2)


def test_a_courier_that_was_never_sent_out_can_be_told_to_stop(office: Office, tmp_path: Path) -> None:
    courier = office.send_out(make_rule(tmp_path, "wave"))
    courier.wake()
    assert courier.stop()
    courier.wake()
    assert courier.stop()
    assert office.states() == {}
