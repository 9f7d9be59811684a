"""Put a studio together: workers, decoders, Kafka and the ledger, in the order they are needed."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field

from kafka_io.settings import KafkaSettings
from observability.health import Readiness
from observability.tracing import open_tracing
from producer_service.capture.captured import Clock
from producer_service.capture.decoders import Decoders
from producer_service.encode import EpochClock
from producer_service.isolation.heap import keep_freed_memory
from producer_service.landmarks.pool.options import PoolOptions
from producer_service.landmarks.pool.pool import LandmarkerPool
from producer_service.ledger import Ledger
from producer_service.live.equipment import Equipment, WatchOutcome, ignore_outcome
from producer_service.live.studio import Studio, StudioOptions
from producer_service.publish import FramePublisher
from producer_service.settings import ProducerSettings


@dataclass(frozen=True, slots=True)
class OpenStudio:
    """A studio, and what it stands on."""

    studio: Studio
    pool: LandmarkerPool
    publisher: FramePublisher
    ledger: Ledger
    stopping: threading.Event = field(default_factory=threading.Event)

    def readiness(self) -> Readiness:
        """Ready: every worker is warm, Kafka is reached, and nobody has asked the service to stop."""
        reasons = [
            reason
            for reason, holds in (
                ("not every worker is warm", not self.pool.ready),
                ("Kafka is not reached", not self.publisher.reachable),
                ("the service is stopping", self.stopping.is_set()),
            )
            if holds
        ]
        return Readiness(not reasons, tuple(reasons), {"workers": len(self.pool.report())})


@contextmanager
def open_studio(
    settings: ProducerSettings,
    pool_options: PoolOptions,
    kafka: KafkaSettings,
    now_us: Clock,
    watch_outcome: WatchOutcome = ignore_outcome,
) -> Iterator[OpenStudio]:
    """A studio for the length of the block; at its end all that was handed in is published or booked as dropped.

    Raises KafkaUnavailable, KafkaRefused, a registry's error, or Terminal when the workers do not come up.
    """
    keep_freed_memory()
    ledger = Ledger()
    with ExitStack() as opened:
        tracing = opened.enter_context(closing(open_tracing("holistic-producer")))
        pool = opened.enter_context(closing(LandmarkerPool(pool_options)))
        decoders = opened.enter_context(
            closing(Decoders(pool_options.workers, settings.image_limits(), settings.decode_timeout_s))
        )
        publisher = opened.enter_context(
            FramePublisher(kafka, settings, ledger, (), now_us, tracing, stops_on_failure=False)
        )
        equipment = Equipment(pool, decoders.decode, publisher, ledger, EpochClock(), now_us, watch_outcome)
        options = StudioOptions(stills_at_once=2 * pool_options.workers)
        studio = opened.enter_context(closing(Studio(equipment, options)))
        yield OpenStudio(studio, pool, publisher, ledger)
