"""Whatever frames say of themselves, each is shown or counted; a new process goes on where another ended."""

from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from consumers.avatar.stage.memory import WORTH_S, PoseMemory
from consumers.avatar.stage.stage import Stage, StageOptions
from keypoints import FrameBatch, HolisticFrame
from tests.consumers.avatar.live import make_dance

NOW_US = 1_790_000_000_000_000
FRAME_US = 33_333
DANCE = make_dance(count=60)


def frame(number: int, stream_id: str = "ada", **changed: Any) -> HolisticFrame:
    at_us = NOW_US + number * FRAME_US
    fields = {"captured_at_us": at_us, "processed_at_us": at_us, "stream_id": stream_id, "sequence": number}
    return replace(DANCE[number % len(DANCE)], **{**fields, **changed})


def perform(stage: Stage, first: int, count: int, late_us: int = 0) -> list[np.ndarray[Any, Any]]:
    """Rotations shown after each of these frames, sixty a second. The clock is `late_us` past the frames'."""
    shown = []
    for number in range(first, first + count):
        now_us = NOW_US + number * FRAME_US + late_us
        moved = frame(number, captured_at_us=now_us, processed_at_us=now_us)
        stage.perform(FrameBatch.from_frames([moved], first_offset=number), now_us)
        halfway_us = now_us + FRAME_US // 2
        shown += [stage.states(list(stage.performers), at_us).rotations[0] for at_us in (now_us, halfway_us)]
    return shown


def largest_step_deg(shown: list[np.ndarray[Any, Any]]) -> float:
    """The largest turn of a bone from one state to the next but one: 33 ms."""
    turned = np.array(shown)
    cosines = np.abs((turned[2:] * turned[:-2]).sum(axis=-1))
    return float(2.0 * np.degrees(np.arccos(np.clip(cosines, 0.0, 1.0)).max()))


def test_thirty_performers_with_wild_clocks_and_broken_frames_are_all_shown_or_counted() -> None:
    dice, stage, offset = np.random.default_rng(8), Stage(StageOptions()), 0
    put, shown, passed = 0, 0, Counter[str]()
    for step in range(40):
        frames = []
        for performer in range(30):
            seen = frame(step, f"stream-{performer}")
            jump_us = int(dice.choice([0, 0, 0, -3_600_000_000, 3_600_000_000, -50_000, 10**15]))
            changed: dict[str, Any] = {"captured_at_us": seen.captured_at_us + jump_us}
            match int(dice.integers(8)):
                case 0:
                    changed |= {"epoch": int(dice.integers(5))}
                case 1:
                    changed |= dict.fromkeys(("pose", "pose_world", "left_hand", "right_hand", "face"))
                case 2:
                    assert seen.pose_world is not None
                    changed |= {"pose_world": np.full_like(seen.pose_world, np.nan)}
                case 3:
                    changed |= {"processed_at_us": seen.processed_at_us - 5_000_000}
                case 4:
                    frames.append(seen)
            frames.append(replace(seen, **changed))
        order = dice.permutation(len(frames))
        batch = FrameBatch.from_frames([frames[row] for row in order], first_offset=offset)
        now_us = NOW_US + step * FRAME_US
        # Every fourth poll is delivered twice.
        for _ in range(2 if step % 4 == 0 else 1):
            scene = stage.perform(batch, now_us)
            put, shown = put + len(batch), shown + len(scene.moved)
            passed.update(scene.passed_over)
        if stage.performers:
            states = stage.states(list(stage.performers), now_us)
            assert np.isfinite(states.rotations).all()
            assert np.isfinite(states.root_m).all()
        offset += len(batch)
    assert shown + sum(passed.values()) == put
    assert {"superseded", "late", "duplicate", "stale"} <= set(passed)
    stage.close()


def test_a_camera_whose_clock_is_ahead_makes_nothing_younger() -> None:
    stage = Stage(StageOptions())
    ahead = frame(0, captured_at_us=NOW_US + 3_600_000_000, processed_at_us=NOW_US - 5_000_000)
    scene = stage.perform(FrameBatch.from_frames([ahead]), NOW_US)
    assert (scene.moved, scene.passed_over) == ([], {"stale": 1})


def test_frames_of_whoever_finds_no_room_are_counted_as_such() -> None:
    stage = Stage(StageOptions(most=2))
    scene = stage.perform(FrameBatch.from_frames([frame(0, name) for name in ("ada", "bob", "eve")]), NOW_US)
    assert (len(scene.moved), scene.passed_over) == (2, {"unassigned": 1})


@pytest.mark.parametrize(("states_per_s", "is_late"), [(60.0, True), (30.0, False)])
def test_states_as_seldom_as_frames_show_each_frame_whole(states_per_s: float, is_late: bool) -> None:
    left_deg = []
    for count in range(40, 60, 4):
        stage = Stage(StageOptions(period_s=1 / states_per_s))
        for number in range(count):
            now_us = NOW_US + number * FRAME_US
            stage.perform(FrameBatch.from_frames([frame(number)], first_offset=number), now_us)
            at_once = stage.states(list(stage.performers), now_us).rotations[0]
        later = stage.states(list(stage.performers), now_us + FRAME_US - 1).rotations[0]
        left_deg.append(largest_step_deg([at_once, at_once, later]))
    assert (max(left_deg) > 1.0) is is_late, left_deg


@pytest.mark.parametrize("away_s", [0.5, 3.0, 20.0])
def test_a_process_that_ended_is_gone_on_from_unless_that_is_long_ago(tmp_path: Path, away_s: float) -> None:
    with closing(Stage(StageOptions(), PoseMemory(tmp_path / "poses", 8))) as before:
        ended = perform(before, 0, 50)
    away_us = int(away_s * 1e6)
    with closing(Stage(StageOptions(), PoseMemory(tmp_path / "poses", 8))) as again:
        shown = perform(again, 51, 40, late_us=away_us)
    goes_on = largest_step_deg([*ended[-2:], *shown[:2]])
    if away_s < WORTH_S:
        assert goes_on < 25.0
    else:
        assert goes_on > 25.0, "it begins at rest, as it does for whoever comes anew"
    assert largest_step_deg(shown) < 25.0
