"""Settings and times a person gives are understood, or refused by name."""

from datetime import UTC, datetime

import pytest

from keypoints.errors import Terminal
from producer_service.capture.capture_time import InvalidCaptureTime, parse_capture_time
from producer_service.settings import ProducerSettings, read_producer_settings


def to_us(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-03-01T09:30:00Z", datetime(2025, 3, 1, 9, 30, tzinfo=UTC)),
        ("2025-03-01T09:30:00", datetime(2025, 3, 1, 9, 30, tzinfo=UTC)),
        ("2025-03-01T10:30:00+01:00", datetime(2025, 3, 1, 9, 30, tzinfo=UTC)),
        ("2025-03-01", datetime(2025, 3, 1, tzinfo=UTC)),
        ("20250301", datetime(2025, 3, 1, tzinfo=UTC)),
        (" 1740821400000 ", datetime(2025, 3, 1, 9, 30, tzinfo=UTC)),
    ],
)
def test_a_capture_time_as_people_write_it(text: str, moment: datetime) -> None:
    assert parse_capture_time(text) == to_us(moment)


def test_microseconds_of_a_capture_time_are_exact() -> None:
    assert parse_capture_time("2025-03-01T09:30:00.123457Z") % 1_000_000 == 123_457


@pytest.mark.parametrize("text", ["", "yesterday", "2025-13-01", "12:30", "-5"])
def test_what_is_no_time_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(InvalidCaptureTime) as caught:
        parse_capture_time(text)
    assert caught.value.hint is not None


def test_the_environment_sets_and_an_argument_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLISTIC_TOPIC", "from-environment")
    monkeypatch.setenv("HOLISTIC_MAX_IMAGE_SIDE_PX", "100")
    assert read_producer_settings(topic=None).topic == "from-environment"
    assert read_producer_settings(topic="given").topic == "given"
    assert read_producer_settings().image_limits().max_side_px == 100


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLISTIC_LINGER_MS", "soon")
    with pytest.raises(Terminal, match="HOLISTIC_LINGER_MS"):
        read_producer_settings()


def test_every_setting_has_its_line_of_help() -> None:
    assert all(field.description for field in ProducerSettings.model_fields.values())
