"""What people and Kafka Connect's clients write as offsets is read as they mean it, or refused by name."""

import pytest

from connect_runtime.offsets.forms import (
    Edge,
    Moment,
    OffsetMap,
    Place,
    Shift,
    UnreadableOffsets,
    read_offsets,
    read_place,
    read_wish,
    write_offsets,
)
from connect_runtime.sink import TopicPartition

NOW_MS = 1_790_000_000_000
HOUR_MS = 3_600_000


def entry(topic: object, partition: object, offset: object) -> dict[str, object]:
    return {
        "partition": {"kafka_topic": topic, "kafka_partition": partition},
        "offset": None if offset is None else {"kafka_offset": offset},
    }


def test_offsets_are_written_as_kafka_connect_writes_them() -> None:
    assert write_offsets({TopicPartition("t", 1): 10, TopicPartition("t", 0): 7}) == {
        "offsets": [
            {"partition": {"kafka_partition": 0, "kafka_topic": "t"}, "offset": {"kafka_offset": 7}},
            {"partition": {"kafka_partition": 1, "kafka_topic": "t"}, "offset": {"kafka_offset": 10}},
        ]
    }


def test_numbers_may_be_text_and_null_forgets() -> None:
    body = {"offsets": [entry("t", "0", "2"), entry("t", 1, 3), entry("u", 2, None)]}
    assert read_offsets(body) == {
        TopicPartition("t", 0): 2,
        TopicPartition("t", 1): 3,
        TopicPartition("u", 2): None,
    }


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({}, "no offsets"),
        ({"offsets": []}, "no offsets"),
        ([], "no offsets"),
        ({"offsets": ["x"]}, "must be an object"),
        ({"offsets": [{"partition": {"topic": "t"}, "offset": {"kafka_offset": 1}}]}, "kafka_partition"),
        ({"offsets": [{"offset": {"kafka_offset": 1}}]}, "kafka_partition"),
        ({"offsets": [{"partition": entry("t", 0, 1)["partition"], "offset": {"offset": 1}}]}, "kafka_offset"),
        ({"offsets": [entry("t", 0, -5)]}, "from 0 to"),
        ({"offsets": [entry("t", -1, 5)]}, "from 0 to"),
        ({"offsets": [entry("t", 0, 2**63)]}, "from 0 to"),
        ({"offsets": [entry("t", 0, "abc")]}, "'abc' is no offset"),
        ({"offsets": [entry("t", 0, 1.5)]}, "1.5 is no offset"),
        ({"offsets": [entry("t", 0, True)]}, "True is no offset"),
        ({"offsets": [entry("", 0, 1)]}, "name of a topic"),
    ],
)
def test_what_is_no_offset_is_refused(body: object, complaint: str) -> None:
    with pytest.raises(UnreadableOffsets, match=complaint):
        read_offsets(body)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("earliest", Edge.EARLIEST),
        ("latest", Edge.LATEST),
        ("2h", Moment(NOW_MS - 2 * HOUR_MS)),
        ("1h30m", Moment(NOW_MS - 90 * 60_000)),
        ("1.5h", Moment(NOW_MS - 90 * 60_000)),
        ("250ms", Moment(NOW_MS - 250)),
        ("7d", Moment(NOW_MS - 7 * 24 * HOUR_MS)),
        ("2026-09-21T14:13:20Z", Moment(NOW_MS)),
        ("2026-09-21T16:13:20+02:00", Moment(NOW_MS)),
        ('{"0": 5, "1": "7"}', OffsetMap({TopicPartition("t", 0): 5, TopicPartition("t", 1): 7})),
        ('{"u": {"3": 5}}', OffsetMap({TopicPartition("u", 3): 5})),
        (
            '{"offsets": [{"partition": {"kafka_topic": "t", "kafka_partition": 0}, "offset": {"kafka_offset": 1}}]}',
            OffsetMap({TopicPartition("t", 0): 1}),
        ),
    ],
)
def test_each_way_to_name_a_place_is_understood(text: str, place: Place) -> None:
    assert read_place(text, NOW_MS, ("t",)) == place


@pytest.mark.parametrize("text", ["banana", "", "2 hours", "-2h", "{", '{"0": -1}', '{"0": null}', "[1]", "2026-13-01"])
def test_what_names_no_place_is_refused(text: str) -> None:
    with pytest.raises(UnreadableOffsets):
        read_place(text, NOW_MS, ("t",))


def test_partitions_alone_are_not_enough_where_there_are_two_topics() -> None:
    with pytest.raises(UnreadableOffsets, match="t, u"):
        read_place('{"0": 5}', NOW_MS, ("t", "u"))


@pytest.mark.parametrize(
    ("body", "wish"),
    [
        ({"timestamp_ms": NOW_MS}, Moment(NOW_MS)),
        ({"to": "earliest"}, Edge.EARLIEST),
        ({"to": "2h"}, Moment(NOW_MS - 2 * HOUR_MS)),
        ({"shift_by": -10}, Shift(-10)),
        ({"offsets": []}, None),
        ({}, None),
        ("text", None),
    ],
)
def test_our_own_wishes_are_told_from_connects_form(body: object, wish: Place | None) -> None:
    assert read_wish(body, NOW_MS, ("t",)) == wish


@pytest.mark.parametrize(
    "body", [{"to": 5}, {"to": "x"}, {"shift_by": "a"}, {"timestamp_ms": -1}, {"to": "latest", "offsets": []}]
)
def test_a_wish_that_makes_no_sense_is_refused(body: object) -> None:
    with pytest.raises(UnreadableOffsets):
        read_wish(body, NOW_MS, ("t",))
