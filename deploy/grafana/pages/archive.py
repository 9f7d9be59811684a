"""The archive: rows, transactions, files, and the disk."""

from typing import Final

from deploy.grafana.dashboard import Dashboard, Section
from deploy.grafana.panels import (
    A_SECOND,
    BYTES,
    BYTES_A_SECOND,
    COUNT,
    FRAMES,
    SECONDS,
    SHARE,
    Query,
    graph,
    heat,
    number,
    quantiles,
    rate,
)
from deploy.grafana.shared_panels import cpu, delivery, errors, lag_records, lag_seconds, memory, task_states

_CONNECTORS: Final = '{job="archive"}'

ARCHIVE: Final = Dashboard(
    "holistic-archive",
    "Holistic Stream: archive",
    "Frames into Postgres and Parquet.",
    (
        Section(
            "Now",
            (
                number("Rows into Postgres", FRAMES, "sum(rate(holistic_postgres_rows_total[1m]))"),
                number("Rows into Parquet", FRAMES, "sum(rate(holistic_parquet_rows_total[5m]))"),
                number("Furthest behind", SECONDS, f"max(holistic_task_lag_seconds{_CONNECTORS})", warn=10, bad=60),
                number(
                    "Disk left",
                    SHARE,
                    "min(holistic_archive_disk_free_bytes / holistic_archive_disk_size_bytes)",
                    warn=0.15,
                    bad=0.03,
                ),
                number(
                    "Full in",
                    SECONDS,
                    "min(holistic_archive_disk_free_bytes "
                    "/ clamp_min(-deriv(holistic_archive_disk_free_bytes[1h]), 1))",
                    about="If the disk fills as it did in the last hour.",
                ),
                number("Put aside for their date", COUNT, "sum(holistic_postgres_rows_out_of_range_total)", warn=1),
            ),
        ),
        Section("Tasks", (task_states(',job="archive"'),)),
        Section(
            "Postgres",
            (
                graph("Rows", FRAMES, Query(rate("holistic_postgres_rows_total", "instance"), "{{instance}}")),
                graph(
                    "Transactions",
                    A_SECOND,
                    Query(rate("holistic_postgres_write_seconds_count", "instance"), "{{instance}}"),
                ),
                graph(
                    "Time of a transaction",
                    SECONDS,
                    *quantiles("holistic_postgres_write_seconds", "instance", "{{instance}}"),
                ),
                heat("Time of transactions", SECONDS, "holistic_postgres_write_seconds", width=12),
                graph(
                    "Rows put aside because their day is not kept",
                    FRAMES,
                    Query(rate("holistic_postgres_rows_out_of_range_total", "instance"), "{{instance}}"),
                    width=12,
                ),
            ),
        ),
        Section(
            "Parquet",
            (
                graph(
                    "Files listed", A_SECOND, Query(rate("holistic_parquet_files_total", "instance"), "{{instance}}")
                ),
                graph(
                    "Rows in a file",
                    COUNT,
                    Query(
                        "sum(rate(holistic_parquet_rows_total[10m])) / sum(rate(holistic_parquet_files_total[10m]))",
                        "mean",
                    ),
                    about="Many small files cost queries time; `compact` joins them.",
                ),
                graph(
                    "Bytes a row",
                    BYTES,
                    Query(
                        "sum(rate(holistic_parquet_bytes_total[10m])) / sum(rate(holistic_parquet_rows_total[10m]))",
                        "mean",
                    ),
                ),
                graph(
                    "Time to finish a partition's files",
                    SECONDS,
                    *quantiles("holistic_parquet_finish_seconds", "instance", "{{instance}}"),
                ),
                graph(
                    "Bytes written",
                    BYTES_A_SECOND,
                    Query(rate("holistic_parquet_bytes_total", "instance"), "{{instance}}"),
                ),
                graph(
                    "Disk",
                    BYTES,
                    Query("holistic_archive_disk_free_bytes", "{{instance}} free"),
                    Query("holistic_archive_disk_size_bytes", "{{instance}} size"),
                ),
            ),
        ),
        Section(
            "Iceberg, where it is kept",
            (
                graph("Frames the table lacks", COUNT, Query("holistic_iceberg_frames_behind", "{{instance}}")),
                graph(
                    "Since it was last complete",
                    SECONDS,
                    Query("time() - (holistic_iceberg_last_sync_timestamp_seconds > 0)", "{{instance}}"),
                ),
                graph(
                    "Snapshots",
                    A_SECOND,
                    Query("rate(holistic_iceberg_commits_total[$__rate_interval])", "{{instance}} added"),
                    Query("rate(holistic_iceberg_sync_failures_total[$__rate_interval])", "{{instance}} failed"),
                ),
            ),
        ),
        Section(
            "Connectors and processes",
            (
                lag_records(_CONNECTORS),
                lag_seconds(_CONNECTORS),
                delivery(_CONNECTORS),
                errors(_CONNECTORS),
                cpu(_CONNECTORS),
                memory(_CONNECTORS),
            ),
        ),
    ),
)
