"""Panels that more than one dashboard shows."""

from typing import Final

from deploy.grafana.panels import (
    A_SECOND,
    BYTES,
    CORES,
    COUNT,
    FRAMES,
    SECONDS,
    Panel,
    Query,
    graph,
    quantiles,
    rate,
    states,
)

_STATES: Final = (
    (1, "RUNNING", "green"),
    (2, "PAUSED", "yellow"),
    (3, "RESTARTING", "orange"),
    (4, "FAILED", "red"),
    (5, "UNASSIGNED", "purple"),
    (6, "STOPPED", "text"),
)


def task_states(where: str = "") -> Panel:
    """The state of each task over time; a task that another replica took over is there as it is there."""
    known = " or ".join(
        f'max by (connector, task) (kafka_connect_connector_task_status{{state="{name}"{where}}} == 1) * {value}'
        for value, name, _ in _STATES
    )
    return states("Tasks", Query(known, "{{connector}} {{task}}"), _STATES)


def frames_put(where: str = "", width: int = 8) -> Panel:
    """Frames a second each connector's sink takes."""
    query = Query(
        rate("kafka_connect_sink_task_sink_record_send_total", "connector", where),
        "{{connector}}",
    )
    return graph("Frames put", FRAMES, query, width=width)


def lag_records(where: str = "") -> Panel:
    """How many records wait."""
    query = Query(f"sum by (connector) (holistic_task_lag_records{where})", "{{connector}}")
    return graph("Lag in records", COUNT, query, about="Records in Kafka that are not read yet.")


def lag_seconds(where: str = "") -> Panel:
    """How old what was read last is."""
    query = Query(f"max by (connector) (holistic_task_lag_seconds{where})", "{{connector}}")
    return graph("Lag in seconds", SECONDS, query, about="Age of the newest record read, while more wait.")


def delivery(where: str = "", width: int = 8) -> Panel:
    """From capture to the end of the put."""
    return graph(
        "From capture to the sink",
        SECONDS,
        *quantiles("holistic_record_delivery_seconds", "connector", "{{connector}}", where=where),
        about="From a record's timestamp, its capture time, to the end of its put. Recordings count from when they say "
        "they were made.",
        width=width,
    )


def put_seconds(where: str = "") -> Panel:
    """How long the sink takes."""
    return graph(
        "Time of a put", SECONDS, *quantiles("holistic_sink_put_seconds", "connector", "{{connector}}", where=where)
    )


def errors(where: str = "", width: int = 8) -> Panel:
    """What went wrong and was dealt with."""
    counters = (
        ("kafka_connect_task_error_total_retries_total", "retries"),
        ("kafka_connect_task_error_deadletterqueue_produce_requests_total", "dead letters"),
        ("kafka_connect_task_error_deadletterqueue_produce_failures_total", "dead letters not taken"),
        ("kafka_connect_worker_connector_task_restart_total", "restarts"),
        ("holistic_task_offset_commit_failures_total", "commits not taken"),
        ("holistic_task_gap_records_total", "records gone before they were read"),
    )
    queries = (Query(rate(name, "connector", where), f"{{{{connector}}}} {said}") for name, said in counters)
    return graph("Errors", A_SECOND, *queries, width=width)


def memory(where: str) -> Panel:
    """Resident memory of each process."""
    return graph("Memory", BYTES, Query(f"process_resident_memory_bytes{where}", "{{job}} {{instance}}"))


def cpu(where: str) -> Panel:
    """Cores each process uses."""
    query = Query(f"rate(process_cpu_seconds_total{where}[$__rate_interval])", "{{job}} {{instance}}")
    return graph("CPU", CORES, query, about="Near 1 a process does what it can: add replicas.")
