"""A real gRPC server over a studio on the real broker, and what a client of it does."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from kafka_io.settings import KafkaSettings
from producer_service.access.keys import ApiKeys
from producer_service.landmarks.pool.options import PoolOptions
from producer_service.live.opening import OpenStudio, open_studio
from producer_service.pipeline import wall_clock_us
from producer_service.rpc.options import RpcOptions
from producer_service.rpc.server import serve_rpc
from producer_service.settings import ProducerSettings
from tests.producer_service.finders import TROUBLESOME
from tests.producer_service.rpc.client import RpcService

ServeStudio = Callable[..., RpcService]


@pytest.fixture
def serve_studio(kafka_settings: KafkaSettings, make_topic: Callable[..., str]) -> Iterator[ServeStudio]:
    """`serve_studio(pool=PoolOptions(…), keys=a file, **RpcOptions)`: closed after the test, client first."""
    with ExitStack() as opened:

        def serve(pool: PoolOptions | None = None, keys: Path | None = None, **options: object) -> RpcService:
            topic = make_topic(partitions=3)
            settings = ProducerSettings(topic=topic, delivery_timeout_s=20)
            pool = pool or PoolOptions(workers=1, standby=0, opener=TROUBLESOME)
            studio: OpenStudio = opened.enter_context(open_studio(settings, pool, kafka_settings, wall_clock_us))
            rpc_options = RpcOptions(**{"health_every_s": 0.05, **options})  # type: ignore[arg-type]
            server = serve_rpc(studio, ApiKeys(keys), rpc_options)
            # Closing it twice does no harm.
            opened.callback(server.close, 5.0)
            service = RpcService(studio, topic, server)
            opened.callback(service.close)
            return service

        yield serve


@pytest.fixture
def serve_one(serve_studio: ServeStudio) -> RpcService:
    """A server of a studio with one worker, without keys."""
    return serve_studio()
