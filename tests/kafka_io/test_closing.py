"""A publisher whose broker went away lets go, and says what was not acknowledged."""

import pytest
from kafka import errors as kafka_errors

from kafka_io.publisher import BoundedPublisher
from kafka_io.settings import KafkaSettings


class Sender:
    """kafka-python's thread."""

    ended = False

    def force_close(self) -> None:
        self.ended = True


class Producer:
    """kafka-python's, which gives up in its own flush and leaves its thread running."""

    def __init__(self) -> None:
        self._sender = Sender()
        self._closed = False

    def close(self, timeout: float) -> None:
        raise kafka_errors.KafkaTimeoutError("Timeout waiting for future")


def test_a_broker_that_is_away_at_the_end_is_no_traceback_and_leaves_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    producer = Producer()
    monkeypatch.setattr(BoundedPublisher, "_connect", lambda _: producer)
    BoundedPublisher(KafkaSettings(bootstrap_servers="127.0.0.1:1")).close(0.1)
    assert producer._sender.ended
    # One that is not closed flushes again when it is collected, and prints a traceback when that fails.
    assert producer._closed
