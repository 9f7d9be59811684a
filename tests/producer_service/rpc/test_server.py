"""The listener itself: what it tells probes and tools, how it ends, and on what it does not begin."""

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from google.protobuf import descriptor_pool, message_factory
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from keypoints.errors import Terminal
from producer_service.access.key_file import Right, create_key
from producer_service.access.keys import ApiKeys
from producer_service.rpc.options import RpcOptions
from producer_service.rpc.schema import SERVICE
from producer_service.rpc.server import serve_rpc
from tests.producer_service.made_media import draw_quarters
from tests.producer_service.rpc.client import Client, RpcService, raw
from tests.producer_service.rpc.conftest import ServeStudio
from tests.producer_service.waiting import wait_until

pytestmark = pytest.mark.servers

SERVING, NOT_SERVING = 1, 2


def ask_health(client: Client, service: str = SERVICE) -> int:
    return int(health_pb2_grpc.HealthStub(client.channel).Check(health_pb2.HealthCheckRequest(service=service)).status)


def test_a_client_that_knows_only_the_address_finds_out_everything_else(serve_one: RpcService) -> None:
    client = serve_one.connect()
    reflection = ProtoReflectionDescriptorDatabase(client.channel)
    assert set(reflection.get_services()) == {
        SERVICE, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection",
    }  # fmt: skip
    pool = descriptor_pool.DescriptorPool(reflection)
    method = pool.FindServiceByName(SERVICE).FindMethodByName("FindInPicture")
    request: Any = message_factory.GetMessageClass(method.input_type)(stream_id="ada")
    image = draw_quarters()
    request.picture.raw.width, request.picture.raw.height, request.picture.raw.rgb24 = 64, 48, image.tobytes()
    answer = message_factory.GetMessageClass(method.output_type)
    call = client.channel.unary_unary(
        f"/{SERVICE}/{method.name}", request.__class__.SerializeToString, answer.FromString
    )
    outcome = call(request)
    assert len(outcome.acknowledged.landmarks.right_hand.values) == 21 * 3
    assert outcome.acknowledged.topic == serve_one.topic


def test_reflection_wants_a_key_where_keys_were_made_and_health_does_not(
    serve_studio: ServeStudio, tmp_path: Path
) -> None:
    keys = tmp_path / "keys.json"
    create_key(keys, "ada", ["ada"], frozenset({Right.PUBLISH}), datetime(2026, 1, 1, tzinfo=UTC))
    client = serve_studio(keys=keys).connect()
    with pytest.raises(grpc.RpcError) as caught:
        ProtoReflectionDescriptorDatabase(client.channel).get_services()
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert ask_health(client) == SERVING


def test_health_follows_whether_the_service_can_do_its_work(serve_one: RpcService) -> None:
    client = serve_one.connect()
    assert ask_health(client) == ask_health(client, "") == SERVING
    watched = health_pb2_grpc.HealthStub(client.channel).Watch(health_pb2.HealthCheckRequest(service=SERVICE))
    assert next(watched).status == SERVING
    serve_one.opened.stopping.set()
    assert next(watched).status == NOT_SERVING
    assert ask_health(client) == ask_health(client, "") == NOT_SERVING


def test_a_server_that_closes_answers_what_it_took_and_says_that_it_is_worth_another_try(
    serve_one: RpcService,
) -> None:
    call = serve_one.connect().track("ada")
    call.send(*(raw(draw_quarters(), number) for number in range(30)))
    first = next(call.outcomes)
    closing = threading.Thread(target=serve_one.server.close)
    closing.start()
    outcomes = [first]
    with pytest.raises(grpc.RpcError) as caught:
        outcomes.extend(call.outcomes)
    closing.join()
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert "grpc-retry-pushback-ms" in dict(caught.value.trailing_metadata())
    assert [outcome.number for outcome in outcomes] == list(range(len(outcomes)))
    wait_until(lambda: serve_one.opened.ledger.counts().adds_up)
    assert serve_one.opened.ledger.counts().acknowledged == sum(
        outcome.WhichOneof("outcome") == "acknowledged" for outcome in outcomes
    )
    assert not serve_one.opened.studio.lines()


def test_with_a_certificate_it_speaks_tls_only(serve_studio: ServeStudio, tmp_path: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    service = serve_studio(tls_certfile=certificate, tls_keyfile=key)
    credentials = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
    assert ask_health(service.connect(credentials=credentials)) == SERVING
    with pytest.raises(grpc.RpcError):
        ask_health(service.connect())


def test_it_does_not_begin_without_its_port_or_its_certificate(serve_one: RpcService, tmp_path: Path) -> None:
    missing, damaged = tmp_path / "missing.pem", tmp_path / "damaged.pem"
    damaged.write_text("no certificate")
    for options in (
        RpcOptions(port=serve_one.server.port),
        RpcOptions(tls_certfile=missing, tls_keyfile=missing),
        RpcOptions(tls_certfile=damaged, tls_keyfile=damaged),
    ):
        with pytest.raises(Terminal) as caught:
            serve_rpc(serve_one.opened, ApiKeys(None), options)
        assert caught.value.hint
