"""Every metric of a producer that listens, one definition each. Never a label by stream or key: no bound holds them."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from observability.metrics import CounterDef, GaugeDef, HistogramDef, Metrics
from producer_service.live.opening import OpenStudio
from producer_service.live.outcome import Acknowledged, DropReason, PictureOutcome
from producer_service.publish import NOT_ACKNOWLEDGED

_SECONDS: Final = (0.002, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.2, 0.5, 1, 2, 5, 10, 30, 120)

# Everything that was handed in, from every source.
RECEIVED = CounterDef("holistic_producer_received", "Pictures received, and inputs that gave none.")
# The ledger's own words: outcome is acknowledged, dropped or rejected, reason is empty for acknowledged.
PICTURES = CounterDef("holistic_producer_pictures", "Pictures by what became of them.", ("outcome", "reason"))
# Shown from the start, for what appears at 1 was never seen to grow; others appear when they first occur.
FORESEEN_DROPS: Final = (
    DropReason.OVERTAKEN, NOT_ACKNOWLEDGED, "publisher_full", "kafka_unavailable", "spill_full", "spill_failed",
)  # fmt: skip
# Frames an earlier process left, and frames now, on disk.
SPILLED = GaugeDef("holistic_producer_spilled_frames", "Frames that wait on disk for Kafka.")
# Of all segments, until the last frame of each is acknowledged; 0 where no spill is set.
SPILL_BYTES = GaugeDef("holistic_producer_spill_bytes", "Bytes the spill has on disk.")
# HOLISTIC_SPILL_MAX_BYTES; 0 where no spill is set.
SPILL_LIMIT_BYTES = GaugeDef("holistic_producer_spill_limit_bytes", "Bytes the spill may have on disk.")
# Received, and neither acknowledged nor dropped nor rejected yet.
IN_FLIGHT = GaugeDef("holistic_producer_in_flight", "Pictures that nothing has become of yet.")
# Pictures in the queues of open streams.
WAITING = GaugeDef("holistic_producer_waiting_pictures", "Pictures that wait for their turn.")
# Streams that are open, however they were opened.
STREAMS = GaugeDef("holistic_producer_streams", "Streams that are open.")
# Processes that find landmarks, without those that stand by.
WORKERS = GaugeDef("holistic_producer_workers", "Worker processes.", ("state",))
# What they hold together.
WORKER_BYTES = GaugeDef("holistic_producer_worker_rss_bytes", "Resident memory of all worker processes.")
# For hanging, dying, or growing.
REPLACED = CounterDef("holistic_producer_workers_replaced", "Worker processes that were replaced.")
# 0 or 1.
KAFKA_REACHED = GaugeDef("holistic_producer_kafka_reached", "1 while Kafka takes frames.")
# Bodies of requests that are being received or answered.
UPLOADS = GaugeDef("holistic_producer_uploads", "Pictures that are being received over HTTP.")
# Of acknowledged pictures alone: the others ended somewhere on the way.
WAITING_SECONDS = HistogramDef("holistic_producer_waiting_seconds", "From being handed in to its turn.", _SECONDS)
DECODING_SECONDS = HistogramDef("holistic_producer_decoding_seconds", "Decoding a picture.", _SECONDS)
INFERENCE_SECONDS = HistogramDef("holistic_producer_inference_seconds", "Finding landmarks.", _SECONDS)
PUBLISHING_SECONDS = HistogramDef("holistic_producer_publishing_seconds", "From landmarks to Kafka's answer.", _SECONDS)

SERVICE_METRICS: Final[Sequence[CounterDef | GaugeDef | HistogramDef]] = (
    RECEIVED, PICTURES, SPILLED, SPILL_BYTES, SPILL_LIMIT_BYTES, IN_FLIGHT, WAITING, STREAMS, WORKERS, WORKER_BYTES,
    REPLACED, KAFKA_REACHED, UPLOADS, WAITING_SECONDS, DECODING_SECONDS, INFERENCE_SECONDS, PUBLISHING_SECONDS,
)  # fmt: skip


class OutcomeMetrics:
    """Times of acknowledged pictures, as they come."""

    def __init__(self, metrics: Metrics | None = None) -> None:
        metrics = metrics or Metrics()
        self.registry: CollectorRegistry = metrics.registry
        self._waiting = metrics.histogram(WAITING_SECONDS)
        self._decoding = metrics.histogram(DECODING_SECONDS)
        self._inference = metrics.histogram(INFERENCE_SECONDS)
        self._publishing = metrics.histogram(PUBLISHING_SECONDS)

    def note(self, settled: "Future[PictureOutcome]") -> None:
        """A picture's outcome is known."""
        outcome = settled.result()
        if isinstance(outcome, Acknowledged):
            spent = outcome.spent
            self._waiting.observe(spent.waiting_ms / 1000)
            self._decoding.observe(spent.decoding_ms / 1000)
            self._inference.observe(spent.inference_ms / 1000)
            self._publishing.observe(spent.publishing_ms / 1000)

    def watch(self, studio: OpenStudio, uploads: Callable[[], int] = lambda: 0) -> None:
        """Tell of this studio as well, whenever somebody asks; `uploads` counts bodies that are under way."""
        self.registry.register(_StudioCollector(studio, uploads))


class _StudioCollector(Collector):
    """Reads what is counted elsewhere at the moment of asking, so that no number is kept twice."""

    def __init__(self, studio: OpenStudio, uploads: Callable[[], int]) -> None:
        self._studio = studio
        self._uploads = uploads

    def collect(self) -> Iterable[Metric]:
        """Everything but the times."""
        studio, counts = self._studio, self._studio.ledger.counts()
        pictures = CounterMetricFamily(PICTURES.name, PICTURES.help, labels=PICTURES.labels)
        pictures.add_metric(("acknowledged", ""), counts.acknowledged)
        dropped = dict.fromkeys(FORESEEN_DROPS, 0) | counts.dropped
        for outcome, reasons in (("dropped", dropped), ("rejected", counts.rejected)):
            for reason, number in sorted(reasons.items()):
                pictures.add_metric((outcome, reason), number)
        workers = studio.pool.report()
        by_state = GaugeMetricFamily(WORKERS.name, WORKERS.help, labels=WORKERS.labels)
        ready = sum(worker.ready for worker in workers)
        by_state.add_metric(("ready",), ready)
        by_state.add_metric(("starting",), len(workers) - ready)
        lines, spill = studio.studio.lines(), studio.publisher.spill_space()
        yield pictures
        yield by_state
        yield CounterMetricFamily(RECEIVED.name, RECEIVED.help, counts.received)
        yield CounterMetricFamily(REPLACED.name, REPLACED.help, studio.pool.replaced)
        for gauge, value in (
            (SPILLED, counts.spilled),
            (SPILL_BYTES, spill.bytes),
            (SPILL_LIMIT_BYTES, spill.limit_bytes),
            (IN_FLIGHT, counts.in_flight - counts.spilled),
            (WAITING, sum(line.waiting for line in lines)),
            (STREAMS, len(lines)),
            (WORKER_BYTES, sum(worker.rss_bytes for worker in workers)),
            (KAFKA_REACHED, int(studio.publisher.reachable)),
            (UPLOADS, self._uploads()),
        ):
            yield GaugeMetricFamily(gauge.name, gauge.help, value)
