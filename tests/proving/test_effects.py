"""From capture to effect is counted right: for every frame, whatever order partitions and tasks note things in."""

from pathlib import Path

import numpy as np
import orjson

from proving.effects import NEVER_US, Effects, match_durable, read_captures, read_durable, read_sent


def note(path: Path, *lines: dict[str, object]) -> Path:
    path.write_bytes(b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines))
    return path


def durable(connector: str, partition: int, next_offset: int, at_us: int, topic: str = "proving") -> dict[str, object]:
    return {
        "connector": connector,
        "topic": topic,
        "partition": partition,
        "next_offset": next_offset,
        "at_us": at_us,
    }


def test_a_frame_has_its_effect_when_its_offset_first_lies_below_what_is_durable(tmp_path: Path) -> None:
    log = note(
        tmp_path / "log", durable("rows", 0, 2, 5_000), durable("rows", 1, 1, 6_000), durable("rows", 0, 3, 9_000)
    )
    captures = read_captures([(0, 0, 1_000), (0, 1, 2_000), (0, 2, 3_000), (1, 0, 1_500)])
    found = match_durable(captures, read_durable(log, "proving")["rows"])
    assert dict(zip(found.captured_at_us.tolist(), found.effective_at_us.tolist(), strict=True)) == {
        1_000: 5_000,
        2_000: 5_000,
        3_000: 9_000,
        1_500: 6_000,
    }


def test_a_task_that_starts_again_does_not_make_frames_late_that_were_durable_before(tmp_path: Path) -> None:
    log = note(
        tmp_path / "log", durable("rows", 0, 3, 5_000), durable("rows", 0, 1, 7_000), durable("rows", 0, 4, 9_000)
    )
    found = match_durable(read_captures([(0, 2, 0), (0, 3, 0)]), read_durable(log, "proving")["rows"])
    assert found.effective_at_us.tolist() == [5_000, 9_000]


def test_other_topics_and_connectors_say_nothing_about_ours(tmp_path: Path) -> None:
    log = note(tmp_path / "log", durable("rows", 0, 9, 1, topic="other"), durable("files", 0, 9, 2))
    assert set(read_durable(log, "proving")) == {"files"}


def test_a_frame_without_effect_waits_and_has_no_latency(tmp_path: Path) -> None:
    log = note(tmp_path / "log", durable("rows", 0, 1, 4_000))
    found = match_durable(read_captures([(0, 0, 1_000), (0, 1, 2_000)]), read_durable(log, "proving")["rows"])
    assert found.latency_ms.tolist() == [3.0]
    assert found.effective_at_us.tolist()[1] == NEVER_US
    assert found.waiting_at(np.array([500, 1_500, 2_500, 5_000])).tolist() == [0, 1, 2, 1]


def test_choosing_by_capture_time_is_the_same_in_order_and_out_of_it() -> None:
    rng = np.random.default_rng(5)
    captured = rng.integers(0, 1_000, 200)
    effects = Effects(captured, captured + rng.integers(1, 50, 200))
    chosen, in_order = effects.captured_between(200, 700), effects.sorted_by_capture().captured_between(200, 700)
    assert sorted(chosen.latency_ms) == sorted(in_order.latency_ms)
    assert chosen.captured_at_us.min() >= 200
    assert chosen.captured_at_us.max() < 700


def test_shown_frames_are_read_with_both_their_times(tmp_path: Path) -> None:
    log = note(tmp_path / "log", {"captured_at_us": 1_000, "sent_at_us": 9_000, "stream_id": "ada"})
    assert read_sent(log).latency_ms.tolist() == [8.0]
