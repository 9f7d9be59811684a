"""The first page to look at: does it flow, how late, what is wrong."""

from typing import Final

from deploy.grafana.dashboard import Dashboard, Section
from deploy.grafana.panels import (
    A_SECOND,
    COUNT,
    FRAMES,
    SECONDS,
    Query,
    graph,
    mean,
    number,
    quantiles,
    rate,
    table,
)
from deploy.grafana.shared_panels import delivery, errors, lag_records, lag_seconds, task_states

SERVICES: Final = 'job=~"archive|analytics|avatar|watch|producer|images"'
_NO_FILES: Final = '{connector!~".*parquet.*"}'

OVERVIEW: Final = Dashboard(
    "holistic-overview",
    "Holistic Stream: overview",
    "Frames a second through every stage, how far behind and how late each is, and what goes wrong.",
    (
        Section(
            "Now",
            (
                number("Processes that answer", COUNT, f"sum(up{{{SERVICES}}})"),
                number("Processes that do not", COUNT, f"count(up{{{SERVICES}}}) - sum(up{{{SERVICES}}})", bad=1),
                number(
                    "Alerts", COUNT, 'count(ALERTS{alertstate="firing",severity!="info"}) or vector(0)', warn=1, bad=3
                ),
                number(
                    "Frames put, all connectors",
                    FRAMES,
                    "sum(rate(kafka_connect_sink_task_sink_record_send_total[1m]))",
                ),
                number("Furthest behind", SECONDS, "max(connector:holistic_lag_seconds:max)", warn=10, bad=60),
                number(
                    "99 % within",
                    SECONDS,
                    f"max(connector:holistic_delivery_seconds:p99_5m{_NO_FILES})",
                    about="From capture to the sink; the objective is 0.4 s. Files are left out: they wait by design.",
                    warn=0.4,
                    bad=1,
                ),
            ),
        ),
        Section(
            "Flow",
            (
                graph(
                    "Frames a second, by stage",
                    FRAMES,
                    Query(
                        rate("holistic_producer_pictures_total", "job", '{outcome="acknowledged"}'),
                        "published by {{job}}",
                    ),
                    Query(
                        rate("kafka_connect_sink_task_sink_record_read_total", "connector"),
                        "{{connector}} read",
                    ),
                    Query(
                        rate("kafka_connect_sink_task_sink_record_send_total", "connector"),
                        "{{connector}} put",
                    ),
                    Query(rate("holistic_postgres_rows_total"), "rows in Postgres"),
                    Query(rate("holistic_parquet_rows_total"), "rows in Parquet"),
                    Query(rate("holistic_avatar_frames_shown_total"), "shown by avatars"),
                    about="Parquet's rows come in bursts: a file is listed once it is finished.",
                    width=12,
                ),
                graph(
                    "What analytics says",
                    A_SECOND,
                    Query(rate("holistic_analytics_events_total", "category"), "{{category}}"),
                    width=12,
                    stacked=True,
                ),
            ),
        ),
        Section(
            "Lateness",
            (
                lag_records(),
                lag_seconds(),
                delivery(),
                graph(
                    "From capture to the datagram",
                    SECONDS,
                    *quantiles("holistic_avatar_capture_to_datagram_seconds", "job", "{{job}}"),
                    about="The objective is 0.04 s for 99 %.",
                ),
                graph(
                    "From a picture to Kafka's answer",
                    SECONDS,
                    Query(mean("holistic_producer_waiting_seconds", "job"), "{{job}} waiting"),
                    Query(mean("holistic_producer_inference_seconds", "job"), "{{job}} landmarks"),
                    Query(mean("holistic_producer_publishing_seconds", "job"), "{{job}} publishing"),
                    about="Means.",
                    stacked=True,
                ),
                graph(
                    "Time of a save",
                    SECONDS,
                    *quantiles("holistic_analytics_save_seconds", "job", "analytics"),
                    *quantiles("holistic_postgres_write_seconds", "job", "frames to Postgres"),
                ),
            ),
        ),
        Section(
            "What is wrong",
            (
                task_states(),
                errors(width=12),
                graph(
                    "Pictures that gave no frame",
                    A_SECOND,
                    Query(
                        rate("holistic_producer_pictures_total", "job, outcome, reason", '{outcome!="acknowledged"}'),
                        "{{job}} {{outcome}}: {{reason}}",
                    ),
                    width=12,
                ),
                table("Alerts that fire", 'ALERTS{alertstate="firing"}', ("severity", "alertname", "connector", "job")),
            ),
        ),
    ),
)
