"""Files of acknowledgements and of what is durable, read while they grow."""

from pathlib import Path

import orjson
import pytest

from consumers.archive.settings import POSTGRES_CONNECTOR
from proving.chaos.effect_log import ACKNOWLEDGED, EffectLog
from proving.chaos.steady_load import ROW


def append_acks(path: Path, *rows: tuple[int, int, int, int, int, int]) -> None:
    with path.open("ab") as file:
        for row in rows:
            file.write(ROW.pack(*row))


def append_durable(path: Path, partition: int, next_offset: int, at_us: int, topic: str = "frames") -> None:
    line = {
        "connector": POSTGRES_CONNECTOR, "topic": topic, "partition": partition, "next_offset": next_offset,
        "at_us": at_us,
    }  # fmt: skip
    with path.open("ab") as file:
        file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))


@pytest.fixture
def acks(tmp_path: Path) -> Path:
    return tmp_path / "acks.bin"


@pytest.fixture
def durable(tmp_path: Path) -> Path:
    return tmp_path / "durable.jsonl"


def test_what_waits_is_what_was_acknowledged_and_is_not_durable(acks: Path, durable: Path) -> None:
    log = EffectLog(acks, durable, "frames")
    log.read_on()
    assert log.count_waiting(POSTGRES_CONNECTOR) == 0
    append_acks(acks, (0, 0, 1, 0, 100, 150), (0, 1, 1, 1, 200, 250), (1, 7, 2, 0, 210, 260))
    append_durable(durable, 0, 1, 300)
    append_durable(durable, 1, 99, 300, topic="another")
    log.read_on()
    assert log.ends == {0: 2, 1: 8}
    # Nothing is known of what came before partition 1's offset 7.
    assert log.count_waiting(POSTGRES_CONNECTOR) == 1 + 8
    append_durable(durable, 0, 2, 400)
    append_durable(durable, 1, 8, 400)
    log.read_on()
    assert log.count_waiting(POSTGRES_CONNECTOR) == 0
    assert log.last_acknowledged_us == 260


def test_effects_are_those_of_every_acknowledged_record(acks: Path, durable: Path) -> None:
    log = EffectLog(acks, durable, "frames")
    append_acks(acks, (0, 1, 1, 1, 200, 250), (0, 0, 1, 0, 100, 260))
    append_durable(durable, 0, 1, 300)
    log.read_on()
    append_durable(durable, 0, 2, 500)
    log.read_on()
    effects = log.list_effects()
    assert effects[POSTGRES_CONNECTOR].effective_at_us.tolist() == [300, 500]
    assert effects[ACKNOWLEDGED].effective_at_us.tolist() == [260, 250]


def test_effects_of_one_partition_are_not_those_of_another(acks: Path, durable: Path) -> None:
    log = EffectLog(acks, durable, "frames")
    append_acks(acks, (0, 0, 1, 0, 100, 150), (1, 0, 2, 0, 100, 150))
    append_durable(durable, 0, 1, 300)
    append_durable(durable, 1, 1, 900)
    log.read_on()
    of_each = [log.list_effects(partition)[POSTGRES_CONNECTOR].effective_at_us.tolist() for partition in (0, 1)]
    assert of_each == [[300], [900]]


def test_half_a_line_and_half_a_row_are_read_when_they_are_whole(acks: Path, durable: Path) -> None:
    log = EffectLog(acks, durable, "frames")
    append_acks(acks, (0, 0, 1, 0, 100, 150), (0, 1, 1, 1, 200, 250))
    append_durable(durable, 0, 2, 300)
    whole_acks, whole_durable = acks.read_bytes(), durable.read_bytes()
    acks.write_bytes(whole_acks[:-5])
    durable.write_bytes(whole_durable[:-5])
    log.read_on()
    assert len(log.acks) == 1
    assert log.count_waiting(POSTGRES_CONNECTOR) == 1
    acks.write_bytes(whole_acks)
    durable.write_bytes(whole_durable)
    log.read_on()
    assert len(log.acks) == 2
    assert log.count_waiting(POSTGRES_CONNECTOR) == 0
