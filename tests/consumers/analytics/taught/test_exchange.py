"""Taught gestures taken elsewhere as a file."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from consumers.analytics.taught.exchange import NoTaughtGestures, read_gestures, write_gestures
from consumers.analytics.taught.gesture import NameRefused, TaughtGesture
from tests.consumers.analytics.taught.own_gestures import taught_eight, taught_shaka


@pytest.fixture(scope="module")
def gestures() -> list[TaughtGesture]:
    return [taught_eight(), taught_shaka()]


@pytest.fixture
def document(gestures: list[TaughtGesture]) -> dict[str, Any]:
    read: dict[str, Any] = orjson.loads(write_gestures(gestures))
    return read


def write(path: Path, document: object) -> Path:
    path.write_bytes(orjson.dumps(document))
    return path


def test_what_is_written_is_read_again_under_the_same_version(gestures: list[TaughtGesture], tmp_path: Path) -> None:
    path = tmp_path / "gestures.json"
    path.write_bytes(write_gestures(gestures))
    read = read_gestures(path)
    assert read == gestures
    assert [gesture.version for gesture in read] == [gesture.version for gesture in gestures]


def test_versions_follow_from_what_is_recognised_and_not_from_name_or_time(gestures: list[TaughtGesture]) -> None:
    assert taught_shaka().version == gestures[1].version
    assert taught_shaka(upright=True).version != gestures[1].version
    assert all(gesture.version.startswith("taught-") and len(gesture.version) == 15 for gesture in gestures)


@pytest.mark.parametrize("content", [b"", b"not json", b"[]", b"{}", b'{"holistic_taught_gestures": 1}',
                                     b'{"holistic_taught_gestures": 9, "gestures": []}'])  # fmt: skip
def test_a_file_that_holds_none_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "gestures.json"
    path.write_bytes(content)
    with pytest.raises(NoTaughtGestures, match="is no file of taught gestures"):
        read_gestures(path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "movement"}, "is called a movement"),
        ({"hand": "third"}, "Input should be"),
        ({"taught_at": "yesterday"}, "Input should be a valid datetime"),
        ({"examples": {"hands": [], "reaches": [], "flat": False, "upright": False}}, "at least 1"),
    ],
)
def test_what_is_damaged_in_a_file_is_said(
    document: dict[str, Any], change: dict[str, Any], said: str, tmp_path: Path
) -> None:
    document["gestures"][1].update(change)
    with pytest.raises(NoTaughtGestures, match=said):
        read_gestures(write(tmp_path / "gestures.json", document))


def test_numbers_that_are_not_finite_are_refused(document: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "gestures.json"
    document["gestures"][1]["examples"]["hands"][0][0][0] = 12345678.5
    path.write_bytes(orjson.dumps(document).replace(b"12345678.5", b"1e999"))
    with pytest.raises(NoTaughtGestures):
        read_gestures(path)


def test_two_of_one_name_and_built_in_names_are_refused(document: dict[str, Any], tmp_path: Path) -> None:
    document["gestures"][0]["name"] = document["gestures"][1]["name"]
    with pytest.raises(NoTaughtGestures, match="two of one name"):
        read_gestures(write(tmp_path / "gestures.json", document))
    document["gestures"][0]["name"] = "victory"
    with pytest.raises(NameRefused):
        read_gestures(write(tmp_path / "gestures.json", document))
