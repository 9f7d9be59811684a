"""What a broker says before it hangs up is heard, and a connection that is closed here ends without a word."""

import logging
import ssl
from typing import Any, Final

from kafka.errors import KafkaConnectionError
from kafka.net.transport import KafkaSSLTransport, KafkaTCPTransport

Received = tuple[bytes, Exception | None]
_TRANSPORTS: Final = (KafkaTCPTransport, KafkaSSLTransport)
_NOTHING_YET: Final = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
# A fetch brings tens to hundreds of KiB: in kafka-python's pieces of 4 KiB, receiving costs up to three times as much.
_PIECE_BYTES: Final = 64 * 1024

_log = logging.getLogger("kafka.net.transport")


def hear_last_words() -> None:
    """Have kafka-python's connections hand over what arrived together with their end, and end in peace.

    A broker that refuses a login says why and hangs up. When both arrive before the client looks, kafka-python throws
    the answer away, and asks again, for as long as it happens to be that slow. Here the end is only reported by the
    next look, which finds nothing else. And a client that is closed takes the socket away from the thread that reads
    it, which kafka-python then logs as an error with its traceback, at the end of a service that ends as it should.
    Again is no error.
    """
    for transport in _TRANSPORTS:
        transport._sock_recv = _receive


def _receive(transport: Any) -> Received:
    """All that is there, or else why nothing more will come."""
    sock = transport._sock  # another thread may take it away meanwhile
    received: list[bytes] = []
    error: Exception | None = KafkaConnectionError("closed on this side") if sock is None else None
    while error is None:
        try:
            piece = sock.recv(_PIECE_BYTES)
        except _NOTHING_YET:
            break
        except (OSError, ValueError, AttributeError) as failure:  # the latter two: of TLS, closed before or meanwhile
            error = KafkaConnectionError(failure)
        else:
            if piece:
                received.append(piece)
            else:
                error = KafkaConnectionError("socket disconnected")
    if received:
        return b"".join(received), None
    if error is not None and not transport._closed:
        _log.error("%s: nothing more can be received, closing the socket: %s", transport, error)
    return b"", error
