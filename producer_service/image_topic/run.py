"""Read images from their topic as a member of a group: settings → studio → group, health beside it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

from kafka_io.admin import topic_end_offsets, topic_partitions
from kafka_io.settings import KafkaSettings
from kafka_io.topic_limits import TopicLimitsReader
from observability.health import Readiness, serve_health
from observability.metrics import Metrics
from observability.process_metrics import watching_process
from producer_service.image_topic.assignments import Assignments, Hands, OutputTopic
from producer_service.image_topic.dead_letters import ImageDeadLetters
from producer_service.image_topic.group_member import GroupMember
from producer_service.image_topic.image_desk import ImageDesk
from producer_service.image_topic.looking_back import BackLooker
from producer_service.image_topic.metrics import show_from_the_start
from producer_service.image_topic.service import ImageTopicService
from producer_service.image_topic.settings import ImageTopicSettings
from producer_service.image_topic.stream_lines import StreamLines
from producer_service.landmarks.pool.options import PoolOptions
from producer_service.ledger import Ledger
from producer_service.live.opening import OpenStudio, open_studio
from producer_service.metrics import OutcomeMetrics
from producer_service.pipeline import wall_clock_us
from producer_service.settings import ProducerSettings


@dataclass(frozen=True, slots=True)
class ImageTopicOptions:
    """How a member works: workers (None: as the settings say), whether it ends at the end, whom it tells its port."""

    pool: PoolOptions | None = None
    to_end: bool = False
    on_listening: Callable[[int], None] = lambda _: None


def run_image_topic(
    settings: ImageTopicSettings,
    producer: ProducerSettings,
    kafka: KafkaSettings,
    stop: threading.Event,
    options: ImageTopicOptions | None = None,
) -> Ledger:
    """Join the group and work until `stop`, or to the end of all partitions as they are now; then the ledger.

    Raises HolisticError when it cannot begin, and Terminal when it cannot go on; what was not committed then is read
    again by the next.
    """
    options = options or ImageTopicOptions()
    metrics = Metrics()
    show_from_the_start(metrics)
    outcomes = OutcomeMetrics(metrics)
    until = topic_end_offsets(kafka, settings.topic) if options.to_end else None
    pool = options.pool or settings.pool_options()
    with open_studio(producer, pool, kafka, wall_clock_us, outcomes.note) as opened:
        outcomes.watch(opened)
        with watching_process(metrics.registry), _open_service(settings, producer, kafka, opened, metrics) as service:

            def readiness() -> Readiness:
                state = opened.readiness()
                reasons = state.reasons if service.joined else (*state.reasons, "the group has given no partitions yet")
                if stop.is_set():
                    reasons = (*reasons, "the service is stopping")
                return Readiness(not reasons, reasons, state.details)

            serving = serve_health(
                settings.http_port, readiness, metrics.registry, settings.http_host, "HOLISTIC_IMAGES_HTTP_PORT"
            )
            with serving as health:
                options.on_listening(health.port)
                service.run(stop, until)
        return opened.ledger


@contextmanager
def _open_service(
    settings: ImageTopicSettings, producer: ProducerSettings, kafka: KafkaSettings, opened: OpenStudio, metrics: Metrics
) -> Iterator[ImageTopicService]:
    limits = TopicLimitsReader(kafka)
    limits.read(producer.topic)
    output = OutputTopic(producer.topic, tuple(topic_partitions(kafka, producer.topic)))

    def check_time(captured_at_ms: int) -> None:
        limits.read(producer.topic, wait=False).check(producer.topic, 0, captured_at_ms, time.time() * 1000)

    with ExitStack() as held:
        letters = held.enter_context(
            closing(ImageDeadLetters(kafka, settings.dead_letter_topic, settings.topic, wall_clock_us))
        )
        looker = held.enter_context(closing(BackLooker(kafka, settings.topic)))
        lines = StreamLines(opened.studio, settings.line_options(), time.monotonic)
        desk = ImageDesk(lines, letters, check_time, metrics)
        hands = Hands(GroupMember(kafka, settings.group, settings.topic), lines, desk, looker)
        assignments = Assignments(hands, output, settings.drain_s, metrics)
        yield ImageTopicService(hands, assignments, settings.commit_every_s, metrics)
