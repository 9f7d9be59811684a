"""What a task counts, as Prometheus reads it."""

from connect_runtime.task_metrics import TaskMetrics
from observability.metrics import Metrics


def test_a_commit_that_was_not_taken_counts_as_that_and_as_nothing_else() -> None:
    metrics = Metrics()
    task = TaskMetrics(metrics, "archive", 0)

    def read(name: str) -> float | None:
        return metrics.registry.get_sample_value(name, {"connector": "archive", "task": "0"})

    assert read("holistic_task_offset_commit_failures_total") == 0
    task.committed(0.01, taken=True)
    task.committed(0.01, taken=False)
    assert read("holistic_task_offset_commit_failures_total") == 1
    assert read("kafka_connect_sink_task_offset_commit_completion_total") == 1
    assert read("kafka_connect_connector_task_offset_commit_success_percentage") == 0.5
