"""Dead letters published again, for the connector they failed in alone, and each only once.

The retry topic is the memory of what was published again: a record in it says who it is and which attempt it was.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from connect_runtime.dead_letters import DeadLetter, Place, read_attempt, read_dead_letter
from connect_runtime.forgetting.ledger import read_forgotten
from connect_runtime.forgetting.letters import name_stream
from connect_runtime.forgetting.streams import NOBODY, ForgottenStreams
from kafka_io.admin import create_topics, topic_id
from kafka_io.publisher import BoundedPublisher, Delivery, PublisherOptions
from kafka_io.settings import KafkaSettings
from kafka_io.topic_limits import TopicLimitsReader
from kafka_io.whole_topic import read_record, read_whole_topic
from keypoints.codec import RawRecord
from keypoints.errors import HolisticError, Terminal
from keypoints.topics import (
    ATTEMPT_HEADER,
    DEAD_LETTER_ROOM_BYTES,
    ORIGIN_HEADER,
    Headers,
    format_origin,
    parse_origin,
    retry_spec,
    retry_topic,
)

DEFAULT_ATTEMPTS: Final = 3
_USUAL_MESSAGE_BYTES: Final = 1024 * 1024 + 12

Attempt = tuple[Place, int]
"""Who a record is and when it was written: offsets count from 0 again in a topic made anew."""


class Fate(StrEnum):
    """What a redrive does with a dead letter it was asked about."""

    REDRIVE = "redrive"
    REDRIVEN = "redriven before"
    USED_UP = "attempts used up"
    UNREPAIRED = "no repaired value"
    OTHER_TOPIC = "its topic was made anew"
    FORGOTTEN = "its stream is forgotten"


@dataclass(frozen=True, slots=True)
class Choice:
    """Which dead letters a redrive is about; None: all of them."""

    error: str | None = None
    """Part of the error's class or message."""
    stage: str | None = None
    first_offset: int | None = None
    last_offset: int | None = None
    """Offsets in the dead-letter topic, both included."""
    since_ms: int | None = None
    """When it failed, milliseconds since 1970."""
    attempts: int = DEFAULT_ATTEMPTS
    """How often a record may be published again in all."""
    repairs: Mapping[int, bytes] | None = None
    """Repaired values by the dead letter's offset; where given, only these are published."""

    def holds(self, letter: DeadLetter) -> bool:
        """Whether the redrive is about this one."""
        said = f"{letter.errors.get('exception.class.name', '')} {letter.errors.get('exception.message', '')}"
        return (
            (self.error is None or self.error.lower() in said.lower())
            and (self.stage is None or self.stage.upper() == letter.errors.get("stage", "").upper())
            and (self.first_offset is None or letter.offset >= self.first_offset)
            and (self.last_offset is None or letter.offset <= self.last_offset)
            and (self.since_ms is None or (letter.failed_at_ms or letter.timestamp_ms) >= self.since_ms)
        )


@dataclass(frozen=True, slots=True)
class Planned:
    """One dead letter of a redrive, and what becomes of it."""

    letter: DeadLetter
    fate: Fate


@dataclass(frozen=True, slots=True)
class Past:
    """What is known before a redrive: the attempts there were, the ids of the topics there are, who is forgotten."""

    attempts: Mapping[Attempt, int] = field(default_factory=dict)
    """How often each record was published again."""
    topic_ids: Mapping[str, str] = field(default_factory=dict)
    forgotten: ForgottenStreams = NOBODY


def read_dead_letters(kafka: KafkaSettings, topic: str) -> list[DeadLetter]:
    """All dead letters of a topic, in order; none where there is no such topic. Raises KafkaUnavailable."""
    return [read_dead_letter(record) for record in read_whole_topic(kafka, topic)]


def read_past(kafka: KafkaSettings, connector: str, letters: Sequence[DeadLetter]) -> Past:
    """What is known about these dead letters of a connector. Raises KafkaUnavailable."""
    ids: dict[str, str] = {}
    for topic in sorted({letter.source[0] for letter in letters}):
        try:
            ids[topic] = topic_id(kafka, topic)
        except Terminal:
            # Deleted: whatever was remembered of it is of another topic than any to come.
            ids[topic] = ""
    return Past(count_attempts(read_whole_topic(kafka, retry_topic(connector))), ids, read_forgotten(kafka))


def count_attempts(records: Iterable[RawRecord]) -> dict[Attempt, int]:
    """How often each record was published again, from the records of a retry topic."""
    attempts: dict[Attempt, int] = {}
    for record in records:
        identity = parse_origin(record.headers)
        if identity is not None:
            key = (identity, record.timestamp)
            attempts[key] = max(attempts.get(key, 0), read_attempt(record.headers))
    return attempts


def plan_redrive(letters: Iterable[DeadLetter], past: Past, choice: Choice) -> list[Planned]:
    """What a redrive would do with each dead letter it is about. Two letters of one failure are published once."""
    attempts = dict(past.attempts)
    planned: list[Planned] = []
    for letter in letters:
        if not choice.holds(letter):
            continue
        fate = Fate.FORGOTTEN if _is_forgotten(letter, past) else _judge(letter, attempts, past.topic_ids, choice)
        if fate is Fate.REDRIVE:
            attempts[_attempt_key(letter)] = letter.attempt + 1
        planned.append(Planned(letter, fate))
    return planned


def execute_redrive(kafka: KafkaSettings, connector: str, planned: Sequence[Planned], choice: Choice) -> int:
    """Publish those that are to be, and return how many were acknowledged. Raises Transient or Terminal.

    What was acknowledged before something went wrong is remembered: the same call goes on after it.
    """
    chosen = [one.letter for one in planned if one.fate is Fate.REDRIVE]
    if not chosen:
        return 0
    topic = retry_topic(connector)
    largest = _largest(kafka, chosen, choice)
    create_topics(kafka, [retry_spec(topic, max(_USUAL_MESSAGE_BYTES, largest))])
    failed: list[HolisticError] = []

    def note(delivery: Delivery) -> None:
        if delivery.error is not None:
            failed.append(delivery.error)

    options = PublisherOptions(max_request_bytes=largest + 2 * DEAD_LETTER_ROOM_BYTES)
    with BoundedPublisher(kafka, options, note) as publisher:
        for letter in chosen:
            timestamp_ms = letter.timestamp_ms if letter.timestamp_ms >= 0 else None
            value = _find_value(kafka, letter, choice)
            headers = [(name, content or b"") for name, content in make_headers(letter)]
            publisher.publish(topic, letter.key, value, headers, timestamp_ms)
        publisher.flush()
        if failed:
            raise failed[0]
        return publisher.counts().acknowledged


def make_headers(letter: DeadLetter) -> Headers:
    """The record's own headers, with who it is and which attempt this is."""
    kept = tuple(header for header in letter.headers if header[0] not in {ORIGIN_HEADER, ATTEMPT_HEADER})
    return (
        *kept,
        (ORIGIN_HEADER, format_origin(*letter.identity)),
        (ATTEMPT_HEADER, str(letter.attempt + 1).encode()),
    )


def _is_forgotten(letter: DeadLetter, past: Past) -> bool:
    if not len(past.forgotten):
        return False
    stream_id, captured_at_us = name_stream(letter.key, letter.value, letter.timestamp_ms)
    return stream_id is not None and past.forgotten.holds(stream_id, captured_at_us, letter.timestamp_ms)


def _judge(letter: DeadLetter, attempts: Mapping[Attempt, int], topic_ids: Mapping[str, str], choice: Choice) -> Fate:
    current_id = topic_ids.get(letter.source[0])
    if letter.topic_id is not None and current_id is not None and letter.topic_id != current_id:
        return Fate.OTHER_TOPIC
    if attempts.get(_attempt_key(letter), 0) > letter.attempt:
        return Fate.REDRIVEN
    if letter.attempt >= choice.attempts:
        return Fate.USED_UP
    if choice.repairs is not None and letter.offset not in choice.repairs:
        return Fate.UNREPAIRED
    return Fate.REDRIVE


def _attempt_key(letter: DeadLetter) -> Attempt:
    return letter.identity, letter.timestamp_ms


def _find_value(kafka: KafkaSettings, letter: DeadLetter, choice: Choice) -> bytes | None:
    if choice.repairs is not None:
        return choice.repairs[letter.offset]
    if letter.omitted_bytes is None:
        return letter.value
    record = read_record(kafka, *letter.source)
    if record is None:
        topic, partition, offset = letter.source
        raise Terminal(
            f"the value of dead letter {letter.offset} stayed in {topic}-{partition} at offset {offset}, and is gone",
            hint="leave it out with --from-offset and --to-offset",
        )
    value: bytes | None = record.value
    return value


def _largest(kafka: KafkaSettings, letters: Sequence[DeadLetter], choice: Choice) -> int:
    repaired = [len(value) for value in (choice.repairs or {}).values()]
    sizes = [max(len(letter.value or b""), letter.omitted_bytes or 0) for letter in letters]
    limits = TopicLimitsReader(kafka)
    topics = {letter.source[0] for letter in letters}
    known = [_limit_of(limits, topic) for topic in sorted(topics)]
    return max([*repaired, *sizes, *known])


def _limit_of(limits: TopicLimitsReader, topic: str) -> int:
    try:
        return limits.read(topic).max_message_bytes or 0
    except Terminal:
        return 0
