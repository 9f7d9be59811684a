"""The live feed: events and frames of Kafka → the newest in memory → everybody who reads along."""

import logging
import threading
from collections.abc import Callable

from connect_runtime.service import stop_on_signals
from consumers.analytics.feed.access import is_loopback
from consumers.analytics.feed.app import build_app
from consumers.analytics.feed.live_feed import LiveFeed
from consumers.analytics.feed.serving import serve_feed
from consumers.analytics.feed.settings import FeedSettings
from kafka_io.settings import KafkaSettings
from observability.metrics import Metrics
from observability.port import take_port
from observability.process_metrics import watching_process

log = logging.getLogger(__name__)


def run_feed(
    settings: FeedSettings,
    kafka: KafkaSettings,
    stop: threading.Event | None = None,
    on_listening: Callable[[str], None] | None = None,
) -> int:
    """Serve until SIGTERM or SIGINT, or until `stop` is set where it is given, and return the exit code, 0.

    Kafka may be away, then and later: who reads is told so. `on_listening` is told the page's address. Raises Terminal
    when the port is taken or a certificate cannot be used.
    """
    with stop_on_signals(stop) as stopping, take_port(settings.http_host, settings.http_port) as sock:
        feed = LiveFeed(settings, kafka, Metrics())
        port = sock.getsockname()[1]
        address = f"{'https' if settings.tls_certfile else 'http'}://{_name_host(settings.http_host)}:{port}/"
        log.info("listening on port %d", port, extra={"port": port, "page": address})
        if settings.feed_key is None and not is_loopback(settings.http_host):
            log.warning(
                "anybody who reaches port %d may read along", port,
                extra={"host": settings.http_host, "port": port, "hint": "set HOLISTIC_FEED_KEY"},
            )  # fmt: skip
        if on_listening is not None:
            on_listening(address)
        with watching_process(feed.metrics.registry):
            serve_feed(build_app(feed), sock, settings, stopping, feed.hub.close)
        return 0


def _name_host(host: str) -> str:
    if host in {"", "0.0.0.0", "::"} or is_loopback(host):  # noqa: S104 - compared, and not bound
        return "localhost"
    return f"[{host}]" if ":" in host else host
