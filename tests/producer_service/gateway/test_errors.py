"""What a sender is told of a picture that gave no record."""

import pytest

from producer_service.gateway.errors import ComeBackLater, RequestRefused, check_acknowledged
from producer_service.live.outcome import Dropped


def test_a_frame_too_large_for_its_topic_is_not_asked_for_again() -> None:
    with pytest.raises(RequestRefused) as refused:
        check_acknowledged(Dropped("record_too_large", "9 kB are more than the topic takes"))
    assert (refused.value.status, type(refused.value)) == (413, RequestRefused)
    with pytest.raises(ComeBackLater) as later:
        check_acknowledged(Dropped("kafka_unavailable", "no broker answers"))
    assert later.value.status == 503
