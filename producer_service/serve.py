"""The producer as a service: workers, Kafka, and the port people and cameras send their pictures to."""

import gc
import logging
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Final

from kafka_io.settings import KafkaSettings
from observability.port import take_port
from observability.process_metrics import watching_process
from producer_service.access.keys import ApiKeys
from producer_service.gateway.app import build_app, is_loopback
from producer_service.gateway.listener import serve_app
from producer_service.gateway.settings import GatewaySettings
from producer_service.landmarks.native_noise import native_noise_filtered
from producer_service.landmarks.pool.options import PoolOptions
from producer_service.ledger import LedgerCounts
from producer_service.live.opening import open_studio
from producer_service.metrics import OutcomeMetrics
from producer_service.pipeline import wall_clock_us
from producer_service.rpc.options import RpcOptions
from producer_service.rpc.settings import read_rpc_settings
from producer_service.settings import ProducerSettings
from producer_service.stopping import stop_on_signals

log = logging.getLogger(__name__)

EXIT_OK: Final = 0
EXIT_LOST: Final = 1


def run_service(
    settings: GatewaySettings, producer: ProducerSettings, kafka: KafkaSettings, pool: PoolOptions | None = None
) -> int:
    """Serve until SIGTERM or SIGINT, publish what was taken in, and return the exit code.

    0: everything that was received is accounted for. 1: the books do not add up. Raises HolisticError when it cannot
    begin: no Kafka, no workers, a port that is taken, a file of keys that cannot be used.
    """
    with ExitStack() as around:
        around.enter_context(native_noise_filtered())
        stop = around.enter_context(stop_on_signals())
        rpc = read_rpc_settings().options(settings, producer.image_limits())
        counts = serve_until(stop.event, settings, producer, kafka, pool or settings.pool_options(), rpc=rpc)
    log.info("the service has ended", extra=counts.as_dict())
    return EXIT_OK if counts.adds_up else EXIT_LOST


def serve_until(
    stop: threading.Event,
    settings: GatewaySettings,
    producer: ProducerSettings,
    kafka: KafkaSettings,
    pool: PoolOptions,
    listening: Callable[[int], None] = lambda _: None,
    *,
    rpc: RpcOptions | None = None,
) -> LedgerCounts:
    """Serve until `stop` is set, and return what became of all that was received.

    `listening` is called with the port once it answers. gRPC is served beside it where `rpc` says how.
    """
    metrics = OutcomeMetrics()
    with ExitStack() as opened:
        sock = opened.enter_context(take_port(settings.http_host, settings.http_port))
        port: int = sock.getsockname()[1]
        keys = ApiKeys(settings.api_keys_file, settings.streams_a_key)
        if not keys.asks_who and not is_loopback(settings.http_host):
            log.warning(
                "anybody who reaches port %d may publish pictures and stop streams", port,
                extra={"host": settings.http_host, "port": port, "hint": "make keys: `holistic keys create NAME`"},
            )  # fmt: skip
        with open_studio(producer, pool, kafka, wall_clock_us, metrics.note) as ours, ExitStack() as around_http:
            # Not ready from the moment it is told to stop.
            studio = replace(ours, stopping=stop)
            app = build_app(studio, keys, settings, producer, metrics)
            if rpc is not None:
                # gRPC's libraries are loaded where it is served.
                from producer_service.rpc.server import serve_rpc

                served = around_http.enter_context(serve_rpc(studio, keys, rpc))
                log.info("gRPC is served", extra={"host": rpc.host, "port": served.port})
            # What is there now stays, and the collector need not look through it again and again while answers wait.
            gc.collect()
            gc.freeze()
            log.info("pictures are taken", extra={"host": settings.http_host, "port": port})
            around_http.enter_context(watching_process(metrics.registry))
            listening(port)
            serve_app(app, sock, settings, stop)
        return ours.ledger.counts()
