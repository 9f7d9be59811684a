"""Figures in words."""

import pytest

from consumers.analytics.report import wording


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "not known"),
        (0.0, "0.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 0 s"),
        (3599.7, "1 h 0 min"),
        (7_290.0, "2 h 2 min"),
        (86_399.0, "1 d 0 h"),
        (200_000.0, "2 d 8 h"),
    ],
)
def test_how_long_is_said_in_two_units(seconds: float | None, words: str) -> None:
    assert wording.write_duration(seconds) == words


def test_evidence_is_said_with_its_units() -> None:
    told = wording.write_evidence(
        {
            "lean_deg": 78.44,
            "on_ground_s": 2.6,
            "drop_scales": 1.234,
            "hand_scales_per_s": 12.34,
            "frequency_hz": 5,
            "came_back": True,
            "edge": "left",
            "first_missing_sequence": 12_345,
            "seconds": 1.5,
            "limb": None,
        }
    )
    assert [f"{piece.name}: {piece.text}" for piece in told] == [
        "lean: 78.4°",
        "on ground: 2.60 s",
        "drop: 1.23 body scales",
        "hand: 12.3 body scales a second",
        "frequency: 5 Hz",
        "came back: yes",
        "edge: left",
        "first missing sequence: 12,345",
        "lasted: 1.50 s",
    ]


def test_columns_say_their_unit_once() -> None:
    assert wording.name_column("range_body_scales") == "range, body scales"
    assert wording.name_column("thigh_rise") == "thigh rise"
    assert [wording.write_cell(value) for value in (None, 0, 0.0, -0.126, 12.34, 123.4, False)] == [
        "", "0", "0.00", "-0.13", "12.3", "123", "no",
    ]  # fmt: skip
