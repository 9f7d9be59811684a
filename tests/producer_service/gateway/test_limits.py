"""How much is let through, with time as an argument."""

import pytest

from producer_service.gateway.bodies import Pace
from producer_service.gateway.errors import ComeBackLater
from producer_service.gateway.limits import CallerRates, TokenBucket, UploadRoom


def test_a_bucket_lets_a_burst_through_and_then_its_rate() -> None:
    bucket = TokenBucket(per_s=10, burst=5, now_s=100.0)
    assert [bucket.take(100.0) for _ in range(5)] == [0] * 5
    assert bucket.take(100.0) == pytest.approx(0.1)
    assert bucket.take(100.05) == pytest.approx(0.05)
    assert bucket.take(100.11) == 0
    taken = sum(bucket.take(101 + step / 1000) == 0 for step in range(10_000))
    assert 95 <= taken <= 106
    # A clock that is set back gives nothing away.
    assert bucket.take(0.0) > 0


def test_callers_have_buckets_of_their_own() -> None:
    rates = CallerRates(per_s=1)
    rates.take("ada", 0.0)
    rates.take("ada", 0.0)
    with pytest.raises(ComeBackLater) as refused:
        rates.take("ada", 0.0)
    assert (refused.value.status, refused.value.retry_after_s) == (429, 1)
    rates.take("bob", 0.0)


def test_a_place_is_free_again_when_its_upload_is_over() -> None:
    room = UploadRoom(1)
    with room.enter():
        assert room.taken == 1
        with pytest.raises(ComeBackLater), room.enter():
            pass
        assert room.taken == 1
    assert room.taken == 0


def test_a_body_is_due_by_its_rate_and_in_any_case_in_time() -> None:
    pace = Pace(timeout_s=30, bytes_per_s=1000)
    assert pace.due_s(0) == 2
    assert pace.due_s(5000) == 7
    assert pace.due_s(10_000_000) == 30
