"""The chain itself: capture → landmarks → encode → publish, for sources that a person names."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, closing

from kafka_io.settings import KafkaSettings
from observability.tracing import open_tracing
from producer_service.capture.captured import Clock, Source
from producer_service.encode import EpochClock
from producer_service.landmarks.feed import LandmarkerHere, StreamLandmarker
from producer_service.landmarks.landmarkers import Landmarkers, OpenLandmarker, open_holistic
from producer_service.landmarks.pool.pool import LandmarkerPool
from producer_service.ledger import Ledger
from producer_service.production_line import ProductionLine
from producer_service.progress.file_progress import FileProgress
from producer_service.publish import FramePublisher
from producer_service.settings import ProducerSettings
from producer_service.watchers import Watcher


def wall_clock_us() -> int:
    """Wall time in µs since 1970."""
    return time.time_ns() // 1000


def produce(
    sources: Iterable[Source],
    settings: ProducerSettings,
    kafka: KafkaSettings,
    *,
    watchers: Sequence[Watcher] = (),
    stop: threading.Event | None = None,
    first_epoch: int | None = None,
    now_us: Clock = wall_clock_us,
    open_landmarker: OpenLandmarker = open_holistic,
    pool: LandmarkerPool | None = None,
    progress: FileProgress | None = None,
) -> Ledger:
    """Take every source to its end, or until `stop`; then wait for Kafka, and say what became of everything.

    With a `pool` as many streams are taken at once as it has workers; without, one source after the other, in this
    process, by `open_landmarker`. After `stop` no picture is captured any more, and those handed over are still
    published. When Kafka stays away for longer than a frame may wait, the run ends early with the ledger's `error`.
    Epochs begin at `first_epoch`, by default at the time in µs. With `progress` files go on where an earlier run ended,
    under the epochs they had; the caller says when that is to be forgotten. Raises KafkaUnavailable, KafkaRefused or a
    registry's error when it cannot begin.
    """
    ledger = Ledger()
    started_s = time.monotonic()
    with ExitStack() as opened:
        tracing = opened.enter_context(closing(open_tracing("holistic-producer")))
        publisher = opened.enter_context(FramePublisher(kafka, settings, ledger, watchers, now_us, tracing))
        line = ProductionLine(settings, publisher, ledger, EpochClock(first_epoch), now_us, progress)
        line.watch(watchers)
        opener = (lambda still: LandmarkerHere(open_landmarker(still))) if pool is None else pool.open
        take_streams(
            group_by_stream(sources), line, opener, stop or threading.Event(), 1 if pool is None else pool.size
        )
    ledger.seconds = time.monotonic() - started_s
    return ledger


def group_by_stream(sources: Iterable[Source]) -> list[list[Source]]:
    """The sources of each stream, in the order given: one stream's follow one another, whatever else is taken."""
    streams: dict[str, list[Source]] = {}
    for source in sources:
        streams.setdefault(source.stream_id, []).append(source)
    return list(streams.values())


def take_streams(
    streams: Sequence[Sequence[Source]],
    line: ProductionLine,
    open_landmarker: Callable[[bool], StreamLandmarker],
    stop: threading.Event,
    at_once: int,
) -> None:
    """Take the streams in order, `at_once` at a time, until `stop` or until Kafka is lost.

    Raises what one of them raised, once all have ended.
    """
    waiting = iter(streams)
    choosing = threading.Lock()
    errors: list[BaseException] = []

    def take_next() -> Sequence[Source] | None:
        with choosing:
            return next(waiting, None)

    def take_some() -> None:
        try:
            with closing(Landmarkers(open_landmarker)) as landmarkers:
                while not errors and (sources := take_next()) is not None:
                    for source in sources:
                        if stop.is_set() or line.failure is not None:
                            return
                        line.take_source(source, landmarkers, stop)
        except BaseException as error:  # noqa: BLE001 - raised again below
            errors.append(error)

    threads = [threading.Thread(target=take_some, name=f"stream {number}", daemon=True) for number in range(at_once)]
    if at_once == 1:
        take_some()
    else:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if errors:
        raise errors[0]
