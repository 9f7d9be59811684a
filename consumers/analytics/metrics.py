"""Analytics' metrics, one definition each; what every sink has is the runtime's. Never a label by user or stream."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from consumers.analytics.finding import Category, Phase
from consumers.analytics.results import ResultEvent
from observability.metrics import CounterDef, GaugeDef, HistogramDef, Metrics

_TASK: Final = ("task",)
_SECONDS: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)

# Starts, ends and whole results that are saved. One that is open adds its start now and its end later.
EVENTS: Final = CounterDef("holistic_analytics_events", "Events saved, by what they tell of.", ("category", "phase"))
# Windows of 10 s and of 60 s that are over and saved.
WINDOWS: Final = CounterDef("holistic_analytics_windows", "Windows that closed.")
# Frames that came after a newer one of their stream, or with an impossible time: recognisers do not see them.
LATE_FRAMES: Final = CounterDef("holistic_analytics_late_frames", "Frames out of their order of time.")
# Frames at which a recogniser broke, a fault of ours: the stream was watched anew, and the log says where.
FAILURES: Final = CounterDef("holistic_analytics_recogniser_failures", "Frames a recogniser broke at.")
# Streams in the middle of their session; what a save takes grows with those that changed.
STREAMS: Final = GaugeDef("holistic_analytics_streams", "Streams that are under way.", _TASK)
# Records still to be read for the state alone, after offsets were moved: until then nothing is said.
QUIET_RECORDS: Final = GaugeDef("holistic_analytics_quiet_records", "Records to be read without a word.", _TASK)
# By how much the partitions' clocks advanced, which is how event time passes: it stands still where every frame is late
# or has an impossible time, and then nothing idle is ended.
WATERMARK_SECONDS: Final = GaugeDef(
    "holistic_analytics_watermark_seconds", "Event time that has passed, over the task's partitions.", _TASK
)
# Events of this task's partitions the topic has not acknowledged; counted every ten seconds.
OUTBOX_EVENTS: Final = GaugeDef("holistic_analytics_outbox_events", "Events on their way to the topic.", _TASK)
# One write: of results and outbox when there is news, with state and offsets of all partitions of a task at a flush.
SAVE_SECONDS: Final = HistogramDef("holistic_analytics_save_seconds", "Time of a save.", _SECONDS)


class SinkMetrics:
    """What one sink counts, in the words of what happens to it."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._task = "0"
        # A counter that was never raised is 0, not absent.
        metrics.counter(LATE_FRAMES)
        metrics.counter(WINDOWS)
        metrics.counter(FAILURES)
        for category in Category:
            for phase in Phase:
                metrics.counter(EVENTS, category=category.value, phase=phase.value)
        metrics.histogram(SAVE_SECONDS)

    def opened(self, task_id: int) -> None:
        """It works for a task."""
        self._task = str(task_id)

    def took(self, late_frames: int, failures: int) -> None:
        """Records were taken, so many of them late; at so many a recogniser broke."""
        self._metrics.counter(LATE_FRAMES).inc(late_frames)
        self._metrics.counter(FAILURES).inc(failures)

    def saved(self, events: Iterable[ResultEvent], windows: int, seconds: float) -> None:
        """A save went through."""
        told: Counter[tuple[Category, str]] = Counter(
            (event.result.finding.category, event.phase.value) for event in events
        )
        for (category, phase), count in told.items():
            self._metrics.counter(EVENTS, category=category.value, phase=phase).inc(count)
        self._metrics.counter(WINDOWS).inc(windows)
        self._metrics.histogram(SAVE_SECONDS).observe(seconds)

    def stands(self, streams: int, quiet_records: int, watermark_us: int) -> None:
        """What it is in the middle of, over all its partitions."""
        self._metrics.gauge(STREAMS, task=self._task).set(streams)
        self._metrics.gauge(QUIET_RECORDS, task=self._task).set(quiet_records)
        self._metrics.gauge(WATERMARK_SECONDS, task=self._task).set(watermark_us / 1e6)

    def undelivered(self, events: int) -> None:
        """So many events are on their way."""
        self._metrics.gauge(OUTBOX_EVENTS, task=self._task).set(events)
