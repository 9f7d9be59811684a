"""The ledger on a real cluster: who is in it, who can tell, and how soon others know."""

import time
import uuid

import pytest

from connect_runtime.forgetting.ledger import LedgerFollower, note_receipt, read_forgotten, write_forgotten
from connect_runtime.forgetting.receipt import ReceiptFalse, check_receipt, seal
from connect_runtime.forgetting.streams import ForgottenStreams
from kafka_io.settings import KafkaSettings
from kafka_io.whole_topic import read_whole_topic
from keypoints.topics import FORGOTTEN_TOPIC
from tests.connect_runtime.harness import wait_until

pytestmark = pytest.mark.servers


@pytest.fixture
def name() -> str:
    return f"Ada Lovelace {uuid.uuid4().hex}"


def test_a_stream_is_known_again_and_its_name_is_not_in_the_topic(kafka_settings: KafkaSettings, name: str) -> None:
    write_forgotten(kafka_settings, name, 5_000, 4_000)
    known = read_forgotten(kafka_settings)
    assert known.holds(name, 4_999, 10)
    assert known.holds(name, 5_001, 4)
    assert not known.holds(name, 5_000, 5)
    assert not known.holds(f"{name}?", 0, 0)
    for record in read_whole_topic(kafka_settings, FORGOTTEN_TOPIC):
        assert b"Lovelace" not in (record.key or b"") + (record.value or b"")


def test_an_entry_is_never_weakened(kafka_settings: KafkaSettings, name: str) -> None:
    write_forgotten(kafka_settings, name, 5_000, 4_000)
    write_forgotten(kafka_settings, name, 3_000, 4_500)
    assert read_forgotten(kafka_settings).holds(name, 4_999, 10)
    write_forgotten(kafka_settings, name, None, 4_600)
    write_forgotten(kafka_settings, name, 6_000, 4_700)
    assert read_forgotten(kafka_settings).holds(name, 2**61, 2**50)
    assert len(read_forgotten(kafka_settings).salts) == 1


def test_a_receipt_given_late_undoes_nothing_of_what_was_asked_meanwhile(
    kafka_settings: KafkaSettings, name: str
) -> None:
    first = write_forgotten(kafka_settings, name, 5_000, 4_000)
    second = write_forgotten(kafka_settings, name, None, 4_500)
    note_receipt(kafka_settings, second, "second")
    note_receipt(kafka_settings, first, "first")
    entry = read_forgotten(kafka_settings).find(name)
    assert entry is not None
    assert entry.until_us is None
    assert entry.receipts == ("second", "first")


def test_who_follows_knows_within_seconds(kafka_settings: KafkaSettings, name: str) -> None:
    follower = LedgerFollower(kafka_settings)
    try:
        follower.catch_up()
        assert follower.forgotten.find(name) is None
        write_forgotten(kafka_settings, name, 5_000, 4_000)
        wait_until("the follower knows", lambda: follower.look() and follower.forgotten.find(name) is not None, 10)
        assert not follower.look()
    finally:
        follower.close()
    late = LedgerFollower(kafka_settings)
    try:
        late.catch_up()
        assert late.forgotten.find(name) is not None
    finally:
        late.close()


def test_who_takes_partitions_over_does_not_wait_for_an_entry_that_does_not_come(kafka_settings: KafkaSettings) -> None:
    follower = LedgerFollower(kafka_settings)
    took_s = []
    try:
        follower.catch_up()
        for _ in range(3):
            time.sleep(1.1)
            follower.look()  # leaves a fetch with the broker
            began_s = time.monotonic()
            follower.catch_up()
            took_s.append(time.monotonic() - began_s)
    finally:
        follower.close()
    assert max(took_s) < 2.5, took_s


def test_a_receipt_that_was_changed_or_never_given_is_told(kafka_settings: KafkaSettings, name: str) -> None:
    entry = write_forgotten(kafka_settings, name, 5_000, 4_000)
    receipt = seal({"stream": {"salt": entry.salt, "digest": entry.digest}, "removed": 7})
    with pytest.raises(ReceiptFalse, match="knows of no such"):
        check_receipt(receipt, name, read_forgotten(kafka_settings))
    note_receipt(kafka_settings, entry, receipt["sha256"])
    check_receipt(receipt, name, read_forgotten(kafka_settings))
    with pytest.raises(ReceiptFalse, match="changed"):
        check_receipt({**receipt, "removed": 8}, name, read_forgotten(kafka_settings))
    with pytest.raises(ReceiptFalse, match="another stream"):
        check_receipt(receipt, "somebody else", read_forgotten(kafka_settings))
    with pytest.raises(ReceiptFalse):
        check_receipt(receipt, name, ForgottenStreams())
