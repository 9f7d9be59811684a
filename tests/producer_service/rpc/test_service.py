"""gRPC as part of the whole service: beside HTTP, from its start to its end."""

import socket
import threading
from collections.abc import Callable

import grpc
import pytest

from kafka_io.settings import KafkaSettings
from producer_service.gateway.settings import GatewaySettings
from producer_service.ledger import LedgerCounts
from producer_service.rpc.options import RpcOptions
from producer_service.serve import serve_until
from producer_service.settings import ProducerSettings
from tests.producer_service.gateway.serving import HANDS
from tests.producer_service.made_media import draw_quarters
from tests.producer_service.rpc.client import Client, raw


def find_free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.mark.servers
def test_the_service_serves_grpc_beside_http_and_ends_both(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str]
) -> None:
    stop, listens, ended = threading.Event(), threading.Event(), list[LedgerCounts]()
    port = find_free_port()

    def run() -> None:
        http, producer = GatewaySettings(http_port=0), ProducerSettings(topic=make_topic())
        rpc = RpcOptions(port=port)
        ended.append(serve_until(stop, http, producer, kafka_settings, HANDS, lambda _: listens.set(), rpc=rpc))

    service = threading.Thread(target=run)
    service.start()
    assert listens.wait(30)
    client = Client(port)
    call = client.track("ada")
    call.send(raw(draw_quarters(), 1))
    assert next(call.outcomes).number == 1
    stop.set()
    with pytest.raises(grpc.RpcError) as caught:
        list(call.outcomes)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    service.join(30)
    client.close()
    assert [(counts.acknowledged, counts.adds_up) for counts in ended] == [(1, True)]
