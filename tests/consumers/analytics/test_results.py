"""What analytics says of a stream, as it goes to the topic."""

from consumers.analytics.results import as_time


def test_times_are_exact_to_the_microsecond() -> None:
    assert as_time(1_700_000_000_123_457).isoformat() == "2023-11-14T22:13:20.123457+00:00"
