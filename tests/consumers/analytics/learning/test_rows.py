"""Files of labelled rows: each layout is known by itself, and what is wrong is said with its line."""

from pathlib import Path

import numpy as np
import pytest

from consumers.analytics.learning.rows import Layout, read_rows, tell_layout
from keypoints.errors import Terminal
from tests.consumers.analytics.learning.made_rows import make_hands, make_windows, write_rows

HAND = ",".join(["0.5"] * 42)
WINDOW = ",".join(["0.1"] * 32)


def test_a_layout_is_told_from_the_first_line(tmp_path: Path, shared_data: Path) -> None:
    assert tell_layout(shared_data / "hand_gestures" / "static_train.csv") is Layout.HANDS
    assert tell_layout(shared_data / "hand_gestures" / "motion_train.csv") is Layout.MOTION
    assert tell_layout(shared_data / "squat" / "train.csv") is Layout.SQUATS


def test_what_was_written_is_read(tmp_path: Path) -> None:
    made = make_windows(2, seed=1)
    rows = read_rows(write_rows(tmp_path / "rows.csv", made))
    assert rows.layout is Layout.MOTION
    assert list(rows.labels) == made.labels
    np.testing.assert_array_equal(rows.values, made.values)


def test_numbers_stand_for_names_and_other_names_stay(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(f"\ufeff3,{HAND}\n\n0,{HAND}\r\nrock, {HAND}\n7,{HAND}\n", encoding="utf-8")
    rows = read_rows(path)
    assert rows.labels == ("ok", "open", "rock", "7")
    assert rows.lines == (1, 3, 4, 5)
    assert rows.classes == ("open", "ok", "7", "rock")


def test_a_header_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("label," + ",".join(f"c{number}" for number in range(42)) + f"\n1,{HAND}\n")
    assert read_rows(path).labels == ("closed",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no rows"),
        ("\n , \n", "has no rows"),
        ("label," + HAND, "has no rows"),
        ("1,2,3\n", "line 1: 3 columns are no layout"),
        (f"0,{HAND}\n1,{HAND},0.5\n", "line 2: 44 columns, where hands have 43"),
        (f"0,{HAND}\n1,{WINDOW}\n", "line 2: 33 columns, where hands have 43"),
        (f"0,{HAND}\n\n1,{HAND.replace('0.5', 'left', 1)}\n", "line 3: column 2 is 'left', not a number"),
        (f"0,{WINDOW}\n1,nan,{WINDOW[4:]}\n", "line 2: column 2 is nan, no coordinate"),
        (f"0,{WINDOW[:-3]}1e7\n", "line 1: column 33 is 1e7, no coordinate"),
        (f"0,{WINDOW[:-3]}\n", "line 1: column 33 is '', not a number"),
        (f",{HAND}\n", "line 1: the label is missing"),
        (f"0,{WINDOW}\n4,{WINDOW}\n", "line 2: '4' is no motion"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(text)
    with pytest.raises(Terminal, match=said) as caught:
        read_rows(path)
    assert caught.value.hint
    assert caught.value.fields["path"] == str(path)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"\xff\xfe\x00\x01" * 100)
    with pytest.raises(Terminal, match="cannot be read"):
        read_rows(path)


def test_hands_that_were_made_are_read_as_hands(tmp_path: Path) -> None:
    assert read_rows(write_rows(tmp_path / "rows.csv", make_hands(["rock"], 1, seed=1))).layout is Layout.HANDS
