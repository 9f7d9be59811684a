"""What a broker says before it hangs up is heard."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from kafka.net.transport import KafkaSSLTransport, KafkaTCPTransport

Received = tuple[bytes, Exception | None]
_TRANSPORTS: Final = (KafkaTCPTransport, KafkaSSLTransport)


def hear_last_words() -> None:
    """Have kafka-python's connections hand over what arrived together with their end.

    A broker that refuses a login says why and hangs up. When both arrive before the client looks, kafka-python throws
    the answer away, and asks again, for as long as it happens to be that slow. Here the end is only reported by the
    next look, which finds nothing else. Again is no error.
    """
    for transport in _TRANSPORTS:
        receive = transport._sock_recv
        if not hasattr(receive, "hears_last_words"):
            transport._sock_recv = _hearing(receive)


def _hearing(receive: Callable[[Any], Received]) -> Callable[[Any], Received]:
    @wraps(receive)
    def receive_first(transport: Any) -> Received:
        received, error = receive(transport)
        return (received, None) if received else (received, error)

    receive_first.hears_last_words = True  # type: ignore[attr-defined]
    return receive_first
