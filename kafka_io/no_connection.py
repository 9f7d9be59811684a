"""Why a connection to a broker did not come about, in words for whoever set its address."""

import errno
import logging
import os
import re
import ssl
from collections.abc import Iterator
from typing import Final

from kafka import errors as kafka_errors

from kafka_io.errors import IS_IT_UP

log = logging.getLogger(__name__)

_ERRNO_IN_TEXT: Final = re.compile(r"^(?:KafkaConnectionError: )?(\d+) E[A-Z]+|\[Errno (\d+)\]")
_SPOKEN_TO_IN_VAIN: Final = (errno.ECONNRESET, errno.EPIPE)
SILENT: Final = "it does not answer"
"""Says less than any other reason."""
_NO_NAME: Final = "no such host name is known"
_NO_TLS: Final = "what answers there does not speak TLS"
_NO_KAFKA: Final = "what answers there does not speak Kafka without TLS"
_NO_LOGIN: Final = "it takes no login there"
_NO_FILES: Final = os.strerror(errno.EMFILE).lower()
_HINTS: Final = {
    _NO_FILES: "raise the limit of open files (`ulimit -n`, LimitNOFILE of systemd)",
    _NO_LOGIN: "leave KAFKA_SECURITY_PROTOCOL at PLAINTEXT or SSL, or name the port that wants a login",
    _NO_NAME: "is KAFKA_BOOTSTRAP_SERVERS spelt right?",
    _NO_TLS: "KAFKA_SECURITY_PROTOCOL asks for TLS; is it for this port, and is KAFKA_BOOTSTRAP_SERVERS right?",
    _NO_KAFKA: "if it wants TLS, set KAFKA_SECURITY_PROTOCOL to SSL or SASL_SSL; is KAFKA_BOOTSTRAP_SERVERS right?",
}


class UnreachableBrokers:
    """Warns of each broker the cluster names and that cannot be reached: once, until it can."""

    def __init__(self, speaks_tls: bool) -> None:
        self._speaks_tls = speaks_tls
        self._warned: set[str] = set()

    def note(self, address: str, error: Exception) -> None:
        """A connection to it did not come about."""
        if address not in self._warned:
            self._warned.add(address)
            log.warning("the cluster names a broker at %s: %s", address, say_why(error, self._speaks_tls))

    def forget(self, address: str) -> None:
        """A connection to it came about."""
        self._warned.discard(address)


def say_why(error: BaseException, speaks_tls: bool) -> str:
    """What an error of a connection means; `speaks_tls`: whether we began by TLS."""
    for cause in list_causes(error):
        if isinstance(cause, ssl.SSLError):
            return _NO_TLS
        if isinstance(cause, kafka_errors.IllegalSaslStateError):
            return _NO_LOGIN
        if isinstance(cause, kafka_errors.InvalidReceiveError):
            return _NO_KAFKA
        number = _read_errno(cause)
        if number in _SPOKEN_TO_IN_VAIN:
            return "it hangs up as soon as it is spoken to" if speaks_tls else _NO_KAFKA
        if number is not None:
            return "nothing listens there" if number == errno.ECONNREFUSED else os.strerror(number).lower()
        if "DNS" in str(cause):
            return _NO_NAME
        if isinstance(cause, kafka_errors.KafkaTimeoutError) or "timed out" in str(cause):
            return SILENT
    return str(error)


def hint_at(reasons: list[str]) -> str:
    """What to do about these reasons, of which the first is the one that is known best."""
    return next((_HINTS[reason] for reason in reasons if reason in _HINTS), IS_IT_UP)


def list_causes(error: BaseException) -> Iterator[BaseException]:
    """The error, and what it was raised for: kafka-python keeps that as context or as argument."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        yield from (argument for argument in seen.args if isinstance(argument, BaseException))
        seen = seen.__cause__ or seen.__context__


def _read_errno(error: BaseException) -> int | None:
    """The system's number of an error; kafka-python writes it into the text of its own."""
    if isinstance(error, OSError):
        return error.errno
    found = _ERRNO_IN_TEXT.search(str(error))
    return int(found[1] or found[2]) if found else None
