"""Which dead letters are published again, and as whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from connect_runtime.dead_letters import DeadLetter, LetterWriter, read_dead_letter
from connect_runtime.forgetting.streams import ForgottenStream, ForgottenStreams, digest_name
from connect_runtime.letter_box import KafkaLetterBox
from connect_runtime.memory_broker import MemoryRecord
from connect_runtime.redrive import Choice, Fate, Past, count_attempts, execute_redrive, make_headers, plan_redrive
from connect_runtime.rejections import Rejection, Stage
from kafka_io.admin import delete_topic
from kafka_io.failure_headers import PREFIX
from kafka_io.settings import KafkaSettings
from kafka_io.whole_topic import read_record, read_whole_topic
from keypoints.avro import Undecodable
from keypoints.topics import Headers, dead_letter_topic, retry_topic
from tests.connect_runtime.harness import OnKafka, Store, encode_empty_frame, running, spec_for, wait_until
from tests.connect_runtime.test_behaviour import new_group

NOTE: Headers = (("note", b"as it was"),)


def letter(
    offset: int, *, at: int = 0, headers: Headers = NOTE, topic: str = "frames", message: str = "no frame"
) -> DeadLetter:
    """The dead letter at `offset` of the record at offset `at`."""
    record = MemoryRecord(topic, 2, at, 1_000 + at, b"ada", b"?", headers)
    rejection = Rejection(record, Stage.VALUE_CONVERTER, Undecodable(message))
    written = LetterWriter("archive", 0).write(rejection, 5_000 + offset)
    return read_dead_letter(
        MemoryRecord("dead", 0, offset, written.timestamp_ms, written.key, written.value, written.headers)
    )


def redriven(one: DeadLetter) -> MemoryRecord:
    return MemoryRecord("archive-retry", 0, 0, one.timestamp_ms, one.key, one.value, make_headers(one))


def fates(letters: list[DeadLetter], past: Past = Past(), choice: Choice = Choice()) -> list[Fate]:  # noqa: B008 - frozen
    return [one.fate for one in plan_redrive(letters, past, choice)]


def test_two_letters_of_one_failure_are_published_once() -> None:
    assert fates([letter(0, at=7), letter(1, at=7), letter(2, at=8)]) == [Fate.REDRIVE, Fate.REDRIVEN, Fate.REDRIVE]


def test_what_the_retry_topic_holds_is_not_published_again() -> None:
    first = letter(0, at=7)
    past = Past(count_attempts([redriven(first)]))
    assert fates([first], past) == [Fate.REDRIVEN]
    again = letter(1, at=0, topic="archive-retry", headers=make_headers(first))
    again = replace(again, timestamp_ms=first.timestamp_ms)
    assert again.identity == ("frames", 2, 7)
    assert again.attempt == 1
    assert fates([first, again], past) == [Fate.REDRIVEN, Fate.REDRIVE]
    assert fates([again], past, Choice(attempts=1)) == [Fate.USED_UP]


def test_a_record_keeps_its_headers_and_says_who_it_is() -> None:
    again = make_headers(letter(0, at=7))
    assert again == (*NOTE, ("holistic-origin", b"frames/2/7"), ("holistic-attempt", b"1"))
    third = make_headers(replace(letter(1), headers=again))
    assert third == (*NOTE, ("holistic-origin", b"frames/2/7"), ("holistic-attempt", b"2"))


def test_letters_of_a_topic_made_anew_stay_where_they_are() -> None:
    known = replace(letter(0), topic_id="first-life")
    assert fates([known], Past(topic_ids={"frames": "second-life"})) == [Fate.OTHER_TOPIC]
    assert fates([known], Past(topic_ids={"frames": "first-life"})) == [Fate.REDRIVE]


def test_letters_of_a_forgotten_stream_stay_where_they_are() -> None:
    entry = ForgottenStream("00", digest_name("00", "ada"), 1_003_000, 0)
    past = Past(forgotten=ForgottenStreams([entry]))
    assert fates([letter(0, at=2), letter(1, at=3)], past) == [Fate.FORGOTTEN, Fate.REDRIVE], "the second is later"


@pytest.mark.parametrize(
    ("choice", "chosen"),
    [
        (Choice(), [0, 1, 2]),
        (Choice(error="undecodable"), [0, 1, 2]),
        (Choice(error="TRUNCATED"), [1]),
        (Choice(stage="task_put"), []),
        (Choice(stage="value_converter"), [0, 1, 2]),
        (Choice(first_offset=1), [1, 2]),
        (Choice(last_offset=1), [0, 1]),
        (Choice(since_ms=5_002), [2]),
    ],
)
def test_a_redrive_is_only_about_what_was_chosen(choice: Choice, chosen: list[int]) -> None:
    letters = [letter(0, at=1), letter(1, at=2, message="truncated"), letter(2, at=3)]
    assert [one.letter.offset for one in plan_redrive(letters, Past(), choice)] == chosen


def test_with_repaired_values_only_those_are_published() -> None:
    assert fates([letter(0, at=1), letter(1, at=2)], choice=Choice(repairs={1: b"repaired"})) == [
        Fate.UNREPAIRED,
        Fate.REDRIVE,
    ]


def test_long_messages_and_traces_are_cut_and_keep_both_ends() -> None:
    try:
        raise Undecodable("begin " + "x" * 100_000 + " end")
    except Undecodable as error:
        record = MemoryRecord("frames", 0, 0, 0, None, None, ())
        written = LetterWriter("archive", 0).write(Rejection(record, Stage.VALUE_CONVERTER, error), 0)
    headers = dict(written.headers)
    for name in ("exception.message", "exception.stacktrace"):
        text = (headers[PREFIX + name] or b"").decode()
        assert len(text) < 25_000
        assert "begin" in text or "Traceback" in text
        assert text.rstrip().endswith("end")
    assert sum(len(name) + len(value or b"") for name, value in written.headers) < 60 * 1024


@pytest.mark.servers
def test_a_value_larger_than_any_topic_promises_to_take_is_on_record_and_can_be_repaired(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str]
) -> None:
    """A megabyte of spaces is a few bytes compressed, so it is in a topic that takes 100 kB."""
    topic, group, store = make_topic(1, max_message_bytes="100000"), new_group(), Store()
    huge = b" " * 1_500_000
    broker, box = OnKafka(kafka_settings, make_topic), KafkaLetterBox(kafka_settings)
    publish_unchecked(kafka_settings, topic, huge)
    broker.publish(topic, 0, [encode_empty_frame(1)])
    try:
        with running(broker, spec_for(group, topic, store), letters=box):
            wait_until("all committed", lambda: broker.committed(group, topic) == {0: 2})
        letters = [read_dead_letter(one) for one in read_whole_topic(kafka_settings, dead_letter_topic(group))]
        assert [(one.value, one.omitted_bytes) for one in letters] == [(None, len(huge))]
        lying = read_record(kafka_settings, *letters[0].source)
        assert lying is not None
        assert lying.value == huge
        choice = Choice(repairs={0: encode_empty_frame(0)})
        assert execute_redrive(kafka_settings, group, plan_redrive(letters, Past(), choice), choice) == 1
        with running(broker, spec_for(group, topic, store), letters=box):
            wait_until("landed as itself", lambda: store.offsets(topic, 0) == [0, 1])
    finally:
        box.close()
        delete_topic(kafka_settings, dead_letter_topic(group))
        delete_topic(kafka_settings, retry_topic(group))


def publish_unchecked(settings: KafkaSettings, topic: str, value: bytes) -> None:
    """Without the check of the topic's limit, which cannot know how far a value can be compressed."""
    from kafka import KafkaProducer

    producer = KafkaProducer(**settings.client_options(), compression_type="gzip", max_request_size=4_000_000)
    try:
        producer.send(topic, value, b"ada", partition=0).get(10)
    finally:
        producer.close()
