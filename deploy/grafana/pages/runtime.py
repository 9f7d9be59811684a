"""What every consumer has in common, task by task."""

from typing import Final

from deploy.grafana.dashboard import Dashboard, Section
from deploy.grafana.panels import (
    A_SECOND,
    BYTES,
    COUNT,
    FRAMES,
    SECONDS,
    SHARE,
    Query,
    graph,
    rate,
    table,
)
from deploy.grafana.shared_panels import delivery, errors, lag_records, lag_seconds, put_seconds, task_states

_TASK: Final = "{{connector}} {{task}}"

RUNTIME: Final = Dashboard(
    "holistic-runtime",
    "Holistic Stream: connectors",
    "Tasks, offsets, puts, commits and bad records of every consumer, under Kafka Connect's names.",
    (
        Section(
            "Tasks",
            (
                task_states(),
                graph(
                    "Partitions", COUNT, Query("kafka_connect_sink_task_partition_count", f"{_TASK} {{{{instance}}}}")
                ),
                graph(
                    "Restarts",
                    A_SECOND,
                    Query(
                        rate("kafka_connect_worker_connector_task_restart_total", "connector, task"),
                        _TASK,
                    ),
                ),
                graph("Bytes that wait for the sink", BYTES, Query("holistic_task_waiting_bytes", _TASK)),
                table(
                    "Now",
                    "kafka_connect_connector_task_status == 1",
                    ("connector", "task", "state", "job", "instance"),
                ),
            ),
        ),
        Section(
            "Records",
            (
                graph(
                    "Read",
                    FRAMES,
                    Query(
                        rate("kafka_connect_sink_task_sink_record_read_total", "connector, task"),
                        _TASK,
                    ),
                ),
                graph(
                    "Put",
                    FRAMES,
                    Query(
                        rate("kafka_connect_sink_task_sink_record_send_total", "connector, task"),
                        _TASK,
                    ),
                ),
                delivery(),
                lag_records(),
                lag_seconds(),
                put_seconds(),
                graph(
                    "Mean time of a put since the task began",
                    SECONDS,
                    Query("kafka_connect_sink_task_put_batch_avg_time_ms / 1000", _TASK),
                ),
                graph(
                    "Longest time of a put since the task began",
                    SECONDS,
                    Query("kafka_connect_sink_task_put_batch_max_time_ms / 1000", _TASK),
                ),
                graph(
                    "Records kept from a store because their stream is forgotten",
                    A_SECOND,
                    Query(rate("holistic_forgotten_records_total", "connector"), "{{connector}}"),
                ),
            ),
        ),
        Section(
            "Offsets",
            (
                graph(
                    "Commits",
                    A_SECOND,
                    Query(
                        rate("kafka_connect_sink_task_offset_commit_completion_total", "connector"),
                        "{{connector}} taken",
                    ),
                    Query(
                        rate("holistic_task_offset_commit_failures_total", "connector"),
                        "{{connector}} not taken",
                    ),
                ),
                graph(
                    "Share of commits taken",
                    SHARE,
                    Query("kafka_connect_connector_task_offset_commit_success_percentage", _TASK),
                    most=1,
                ),
                graph(
                    "Mean time of a commit",
                    SECONDS,
                    Query("kafka_connect_connector_task_offset_commit_avg_time_ms / 1000", _TASK),
                ),
            ),
        ),
        Section(
            "Errors",
            (
                errors(width=12),
                graph(
                    "Bad records",
                    A_SECOND,
                    Query(
                        rate("kafka_connect_task_error_total_record_failures_total", "connector"),
                        "{{connector}} failed",
                    ),
                    Query(
                        rate("kafka_connect_task_error_total_records_skipped_total", "connector"),
                        "{{connector}} skipped",
                    ),
                    width=12,
                ),
                graph(
                    "Since the last bad record",
                    SECONDS,
                    Query("time() - kafka_connect_task_error_last_error_timestamp / 1000", _TASK),
                    about="Empty while there has been none.",
                    width=24,
                ),
            ),
        ),
    ),
)
