"""`holistic gestures evaluate` on files: what is shown, what is printed for machines, what is refused and how."""

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from consumers.analytics.learning.rows import read_rows
from tests.consumers.analytics.learning.made_rows import Rows, cut_blocks, make_hands, make_windows, pick, write_rows
from tests.holistic_cli.test_main import run_holistic

SHAPES = ["open", "closed", "pointing", "ok"]


def evaluate(*arguments: object, code: int = 0) -> str:
    done = run_holistic("gestures", "evaluate", *map(str, arguments))
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return " ".join(done.stderr.split()) if code else done.stdout


def evaluate_json(*arguments: object) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(evaluate(*arguments, "--json"))
    return found


@pytest.mark.parametrize(("name", "least"), [("static", 0.96), ("motion", 0.99)])
def test_recorded_rows_are_told_from_those_captured_before(
    name: str, least: float, shared_data: Path, tmp_path: Path
) -> None:
    rows = read_rows(shared_data / "hand_gestures" / f"{name}_train.csv")
    *_, (train, test) = cut_blocks(rows.labels, 4)
    first, last = (
        write_rows(tmp_path / f"{part}.csv", Rows(pick(rows.labels, mask), rows.values[mask]))
        for part, mask in (("first", train), ("last", test))
    )
    found = evaluate_json(last, "--train", first)
    assert found["accuracy"] >= least
    assert found["rows"] == np.count_nonzero(test)
    assert found["learned_rows"] == np.count_nonzero(train)
    assert found["classes"] == list(rows.classes)
    assert set(found["recall"]) == set(found["precision"]) == set(rows.classes)
    right = sum(found["confusion"][place][place] for place in range(4))
    assert found["accuracy"] == right / found["rows"]
    if name == "motion":
        # Its variants are made at random, the same each time.
        assert evaluate_json(last, "--train", first) == found


def test_without_training_the_built_in_shapes_are_measured(tmp_path: Path) -> None:
    made = make_hands([*SHAPES, "rock"], 10, seed=1)
    path = write_rows(tmp_path / "hands.csv", made)
    found = evaluate_json(path)
    assert found["rows"] == 50
    assert found["accuracy"] > 0.8
    shown = evaluate(path)
    assert f"{found['accuracy']:.1%} of 50 rows told right" in shown
    for word in (*SHAPES, "rock", "recall"):
        assert word in shown
    unknown = write_rows(tmp_path / "unknown.csv", Rows([*made.labels[:-1], "horns"], made.values))
    assert "line 50: the label 'horns' is no built-in shape" in evaluate(unknown, code=1)


def test_a_file_of_one_class_can_be_measured_and_not_learned_from(tmp_path: Path) -> None:
    train = write_rows(tmp_path / "train.csv", make_hands(SHAPES, 10, seed=1))
    one = write_rows(tmp_path / "one.csv", make_hands(["open"], 10, seed=2))
    found = evaluate_json(one, "--train", train)
    assert (found["rows"], found["accuracy"]) == (10, found["recall"]["open"])
    assert found["recall"]["closed"] is None
    assert "every row to learn from is labelled 'open'" in evaluate(one, "--train", one, code=1)


def test_motion_is_told_only_after_learning(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "motion.csv", make_windows(5, seed=1))
    assert "--train" in evaluate(path, code=2)


def test_what_was_not_learned_is_not_asked_for(tmp_path: Path) -> None:
    train = write_rows(tmp_path / "train.csv", make_hands(SHAPES[:3], 5, seed=1))
    test = write_rows(tmp_path / "test.csv", make_hands(SHAPES, 5, seed=2))
    motion = write_rows(tmp_path / "motion.csv", make_windows(5, seed=1))
    refused = evaluate(test, "--train", train, code=1)
    assert "test.csv, line 16: the label 'ok' is not in" in refused
    assert "It has open, closed, pointing." in refused
    assert "has motion" in evaluate(motion, "--train", train, code=1)


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("")
    assert "has no rows" in evaluate(path, code=1)
    path.write_text("open,0,nan\n")
    assert "line 1: 3 columns are no layout" in evaluate(path, code=1)
    assert "away.csv" in evaluate(tmp_path / "away.csv", code=2)


def test_squats_are_measured_by_frame_and_counted(shared_data: Path) -> None:
    found = evaluate_json(shared_data / "squat" / "train.csv")
    assert found["accuracy"] >= 0.99
    assert found["classes"][:2] == ["up", "down"]
    assert found["repetitions_counted"] == found["repetitions_labelled"]
