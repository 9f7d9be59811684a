"""The producer as a program: its table of contents."""

import sys
from collections.abc import Sequence
from contextlib import ExitStack, closing
from typing import Final

import orjson
from rich.console import Console

from kafka_io.settings import KafkaSettings
from producer_service.capture.captured import DropPolicy, Source
from producer_service.capture.open_source import SourceOptions, open_source
from producer_service.isolation.heap import keep_freed_memory
from producer_service.landmarks.native_noise import native_noise_filtered
from producer_service.landmarks.pool.options import HOLISTIC, PoolOptions, count_cores
from producer_service.landmarks.pool.pool import LandmarkerPool
from producer_service.ledger import Ledger
from producer_service.pipeline import produce, wall_clock_us
from producer_service.progress.file_progress import FileProgress
from producer_service.report import ProgressBar, ProgressLines, print_ledger
from producer_service.settings import ProducerSettings
from producer_service.stopping import StopRequest, stop_on_signals

EXIT_OK: Final = 0
EXIT_NOT_ALL_PUBLISHED: Final = 1
EXIT_INTERRUPTED: Final = 130


def run_producer(
    names: Sequence[str],
    options: SourceOptions,
    settings: ProducerSettings,
    kafka: KafkaSettings,
    *,
    as_json: bool,
    afresh: bool = False,
    opener: str = HOLISTIC,
) -> int:
    """Publish what the sources hold, show how it goes, print the ledger, and return the exit code.

    0: all that was received is on the topic (also when stopped by SIGTERM). 1: something was rejected or dropped.
    130: interrupted, and nothing lost. As many streams as there are cores are taken at once, by what `opener`
    (module:function) opens. Files go on where an earlier run was ended against its will, unless told to begin `afresh`.
    Raises HolisticError when it cannot begin.
    """
    keep_freed_memory()
    sources = [open_source(name, options, wall_clock_us) for name in names]
    with ExitStack() as around:
        around.enter_context(native_noise_filtered())
        stop = around.enter_context(stop_on_signals())
        # Made inside the filter, whose sys.stderr is the terminal itself.
        console = Console(file=sys.stderr, emoji=False)
        watcher = around.enter_context(ProgressBar(console)) if console.is_terminal else ProgressLines(console)
        pool = around.enter_context(closing(LandmarkerPool(choose_pool(sources, settings, opener))))
        if all(source.drop_policy is DropPolicy.WAIT for source in sources):
            settings = settings.for_files()
        progress = around.enter_context(FileProgress(kafka, settings, wall_clock_us, afresh=afresh))
        ledger = produce(sources, settings, kafka, watchers=[watcher], stop=stop.event, pool=pool, progress=progress)
    if stop.interrupted or is_all_settled(ledger, stop):
        progress.forget()
    elif progress.noted:
        sys.stderr.write("the same command goes on where this run ended\n")
    if as_json:
        sys.stdout.write(orjson.dumps(ledger.as_dict(), option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        print_ledger(ledger, Console(emoji=False))
    return exit_code(ledger, stop)


def choose_pool(sources: Sequence[Source], settings: ProducerSettings, opener: str = HOLISTIC) -> PoolOptions:
    """A worker a core, but no more than there are streams to be read at once."""
    streams = len({source.stream_id for source in sources})
    return PoolOptions(workers=max(1, min(settings.workers or count_cores(), streams)), standby=0, opener=opener)


def is_all_settled(ledger: Ledger, stop: StopRequest) -> bool:
    """Whether there is nothing left that the same command could publish: what was rejected would be again."""
    counts = ledger.counts()
    return not stop.event.is_set() and ledger.error is None and counts.in_flight == 0 and not counts.dropped


def exit_code(ledger: Ledger, stop: StopRequest) -> int:
    """What the shell is told."""
    if not ledger.clean:
        return EXIT_NOT_ALL_PUBLISHED
    return EXIT_INTERRUPTED if stop.interrupted else EXIT_OK
