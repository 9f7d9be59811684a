"""Making a kafka-python client so that one that cannot connect leaves nothing behind."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from kafka import errors as kafka_errors
from kafka.net.compat import KafkaNetClient

from kafka_io.errors import explain_kafka_error

Client = TypeVar("Client")


def connect_client(make: Callable[..., Client], options: Mapping[str, object], doing: str, **fields: object) -> Client:
    """`make(**options)`, connected.

    Raises KafkaUnavailable when no broker answers, KafkaRefused for rights and settings.

    A constructor of kafka-python's that fails leaves its thread running and its sockets open, for good; a service that
    tries again until its broker is back would fill up with them.
    """
    begun: list[KafkaNetClient] = []

    def make_net_client(**given: Any) -> KafkaNetClient:
        client = KafkaNetClient(**given)
        begun.append(client)
        return client

    try:
        return make(**options, kafka_client=make_net_client)
    except (kafka_errors.KafkaError, OSError, ValueError) as error:
        for client in begun:
            client.close()
        raise explain_kafka_error(error, doing, **fields) from error
