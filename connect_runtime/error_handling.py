"""How a task deals with records that cannot be used, put together from its connector's settings."""

from dataclasses import dataclass

from connect_runtime.config import ConnectorConfig
from connect_runtime.dead_letters import DeadLetterReporter, LetterBox, LetterWriter
from connect_runtime.isolation import Originals, RowIsolation
from connect_runtime.limits import HaltGuard
from connect_runtime.rejections import LogReporter, RejectionReporter
from connect_runtime.retry import Surroundings
from connect_runtime.task_metrics import TaskMetrics
from keypoints.topics import retry_topic


@dataclass(frozen=True, slots=True)
class ErrorHandling:
    """What outlives the single lives of a task: what was reported, and how many records failed."""

    config: ConnectorConfig
    box: LetterBox | None
    """None: nowhere to send dead letters, so records are only logged."""
    reporter: RejectionReporter
    unreadable: HaltGuard
    refused: HaltGuard
    """By the sink."""

    def prepare_topics(self) -> tuple[str, ...]:
        """Make the connector's own topics and return those it reads besides its others. Raises Transient, Terminal."""
        config = self.config
        if self.box is None or not config.dead_letter_topic:
            return ()
        again = retry_topic(config.name)
        self.box.prepare(config.topics, again, config.dead_letter_topic, config.dead_letter_replication)
        return (again,)

    def isolate(self, originals: Originals) -> RowIsolation | None:
        """How a life of the task finds refused rows; None where none are tolerated."""
        if self.config.errors_tolerance == "none":
            return None
        return RowIsolation(originals, self.reporter, self.refused)


def make_error_handling(
    config: ConnectorConfig, writer: LetterWriter, box: LetterBox | None, metrics: TaskMetrics, around: Surroundings
) -> ErrorHandling:
    """For one task, for all its lives."""
    reporter: RejectionReporter = LogReporter(config.name, metrics, around)
    if box is not None and config.dead_letter_topic and config.errors_tolerance == "all":
        reporter = DeadLetterReporter(box, config.dead_letter_topic, writer, metrics, around)
    return ErrorHandling(
        config, box, reporter, unreadable=HaltGuard(config.halt_limits), refused=HaltGuard(config.halt_limits)
    )
