"""What a Kafka error means for the caller: worth another try, or not."""

import re

from kafka import errors as kafka_errors

from keypoints.errors import HolisticError, Terminal, Transient


class TlsRefused(kafka_errors.KafkaError):  # type: ignore[misc]
    """A certificate is not to be trusted, or cannot be used; of kafka-python's family, to pass through its code."""


# Asked again, the broker answers the same: the record, the name, the rights or the settings are wrong.
_TERMINAL = (
    kafka_errors.AuthorizationError,
    kafka_errors.FencedInstanceIdError,
    kafka_errors.IllegalArgumentError,
    kafka_errors.InvalidConfigurationError,
    kafka_errors.InvalidPartitionsError,
    kafka_errors.InvalidRecordError,
    kafka_errors.InvalidReplicationFactorError,
    kafka_errors.InvalidTimestampError,
    kafka_errors.InvalidTopicError,
    kafka_errors.KafkaConfigurationError,
    kafka_errors.MessageSizeTooLargeError,
    kafka_errors.NoOffsetForPartitionError,
    kafka_errors.PolicyViolationError,
    kafka_errors.RecordListTooLargeError,
    kafka_errors.SaslAuthenticationFailedError,
    kafka_errors.UnsupportedSaslMechanismError,
    kafka_errors.UnsupportedVersionError,
    TlsRefused,
)
IS_IT_UP = "is the broker up, and are KAFKA_BOOTSTRAP_SERVERS and KAFKA_SECURITY_PROTOCOL right?"
# A publisher that may write nowhere is told so in the text of an error of no kind.
_REFUSAL_IN_TEXT = re.compile(r"\b\w+AuthorizationFailedError\b")
# kafka-python puts an error's number and name in front of its text, at times twice.
_NAMES_IN_FRONT = re.compile(r"^(\[Error \d+\] )?(\w+Error(: |$))*")
_MAY_THEY = "may this login do that? `python -m deploy.security.kafka_acls --print` lists what each service needs"
_HINTS: dict[type[Exception], str] = {
    kafka_errors.ClusterAuthorizationFailedError: _MAY_THEY,
    kafka_errors.GroupAuthorizationFailedError: _MAY_THEY,
    kafka_errors.TopicAuthorizationFailedError: _MAY_THEY,
    kafka_errors.SaslAuthenticationFailedError: "are the KAFKA_SASL_ settings those of a user of this cluster?",
    kafka_errors.UnsupportedSaslMechanismError: "set KAFKA_SASL_MECHANISM to one the brokers have",
    TlsRefused: "do the KAFKA_SSL_ settings name the brokers' authority and our own certificate?",
}


class KafkaUnavailable(Transient):
    """The cluster did not answer, or asked to be asked again."""


class KafkaRefused(Terminal):
    """The cluster answered, and its answer will stay the same."""


class RecordTooLarge(KafkaRefused):
    """The record is larger than the topic or this client's `max_request_size` takes."""


class PublisherFull(Transient):
    """More bytes await acknowledgement than the publisher may hold, and none were freed in time."""


def explain_kafka_error(error: Exception, doing: str, **fields: object) -> HolisticError:
    """The project's error for one of kafka-python's, saying what was being done and about what."""
    name = type(error).__name__
    detail = _NAMES_IN_FRONT.sub("", str(error))
    message = f"{doing}: {name}" + (f": {detail}" if detail and detail != name else "")
    if isinstance(error, TlsRefused):
        message = f"{doing}: {error.args[0]}"
    if isinstance(error, kafka_errors.MessageSizeTooLargeError):
        return RecordTooLarge(message, hint="raise the topic's max.message.bytes, or send less", **fields)
    if type(error) is kafka_errors.KafkaError and _REFUSAL_IN_TEXT.search(detail):
        return KafkaRefused(message, hint=_MAY_THEY, **fields)
    if isinstance(error, _TERMINAL) or not isinstance(error, kafka_errors.KafkaError | OSError):
        return KafkaRefused(message, hint=_HINTS.get(type(error)), **fields)
    return KafkaUnavailable(message, hint=IS_IT_UP, **fields)
