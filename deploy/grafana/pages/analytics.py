"""Analytics: what is found, how event time goes on, how it is saved and brought to others."""

from typing import Final

from deploy.grafana.dashboard import Dashboard, Section
from deploy.grafana.panels import (
    A_SECOND,
    COUNT,
    EVENTS,
    SECONDS,
    SHARE,
    TIME_PASSING,
    Query,
    graph,
    heat,
    number,
    quantiles,
    rate,
)
from deploy.grafana.shared_panels import (
    cpu,
    delivery,
    errors,
    frames_put,
    lag_records,
    lag_seconds,
    memory,
    task_states,
)

_JOB: Final = '{job="analytics"}'

ANALYTICS: Final = Dashboard(
    "holistic-analytics",
    "Holistic Stream: analytics",
    "Gestures, actions and anomalies, and the live feed that shows them.",
    (
        Section(
            "Now",
            (
                number("Streams under way", COUNT, "sum(holistic_analytics_streams)"),
                number("Events", EVENTS, "sum(rate(holistic_analytics_events_total[1m]))"),
                number("Furthest behind", SECONDS, f"max(holistic_task_lag_seconds{_JOB})", warn=10, bad=60),
                number("Waiting to be published", COUNT, "sum(holistic_analytics_outbox_events)", warn=500, bad=1000),
                number("Webhook messages waiting", COUNT, "max(holistic_webhooks_pending)", warn=50, bad=100),
                number("Recognisers that broke", COUNT, "sum(holistic_analytics_recogniser_failures_total)", bad=1),
            ),
        ),
        Section("Tasks", (task_states(',job="analytics"'),)),
        Section(
            "What is found",
            (
                graph(
                    "Events",
                    A_SECOND,
                    Query(
                        rate("holistic_analytics_events_total", "category, phase"),
                        "{{category}} {{phase}}",
                    ),
                    width=12,
                    stacked=True,
                ),
                graph("Windows closed", A_SECOND, Query(rate("holistic_analytics_windows_total"), "windows"), width=6),
                graph("Streams", COUNT, Query("holistic_analytics_streams", "{{instance}} {{task}}"), width=6),
            ),
        ),
        Section(
            "Event time",
            (
                frames_put(_JOB),
                graph(
                    "Event time that passes a second",
                    TIME_PASSING,
                    Query("deriv(holistic_analytics_watermark_seconds[1m])", "{{instance}} {{task}}"),
                    about="Each partition with a live stream adds about 1, a replay more; 0 is stalled.",
                ),
                graph(
                    "Share of frames out of order",
                    SHARE,
                    Query(
                        "sum(rate(holistic_analytics_late_frames_total[$__rate_interval])) "
                        f"/ sum(rate(kafka_connect_sink_task_sink_record_send_total{_JOB}[$__rate_interval]))",
                        "late",
                    ),
                    most=1,
                ),
                graph(
                    "Records still read without a word",
                    COUNT,
                    Query("holistic_analytics_quiet_records", "{{instance}} {{task}}"),
                    about="After offsets were moved, until the state is what it was there.",
                ),
                graph(
                    "Recognisers that broke",
                    A_SECOND,
                    Query(rate("holistic_analytics_recogniser_failures_total", "instance"), "{{instance}}"),
                ),
                delivery(_JOB),
            ),
        ),
        Section(
            "Saves, and what leaves",
            (
                graph(
                    "Time of a save", SECONDS, *quantiles("holistic_analytics_save_seconds", "instance", "{{instance}}")
                ),
                heat("Time of saves", SECONDS, "holistic_analytics_save_seconds", width=8),
                graph(
                    "Events not acknowledged", COUNT, Query("holistic_analytics_outbox_events", "{{instance}} {{task}}")
                ),
                graph(
                    "Webhook messages",
                    A_SECOND,
                    Query(rate("holistic_webhooks_delivered_total", "rule"), "{{rule}} delivered"),
                    Query(rate("holistic_webhooks_retried_total", "rule"), "{{rule}} tried again"),
                    Query(rate("holistic_webhooks_failed_total", "rule"), "{{rule}} given up"),
                    Query(rate("holistic_webhooks_expired_total", "rule"), "{{rule}} too old"),
                    about="Empty without rules.",
                    width=12,
                ),
                graph(
                    "Webhook messages waiting",
                    COUNT,
                    Query("max(holistic_webhooks_pending)", "waiting"),
                    about="Empty without rules.",
                    width=12,
                ),
            ),
        ),
        Section(
            "Live feed",
            (
                graph(
                    "Events read",
                    A_SECOND,
                    Query(rate("holistic_feed_events_read_total"), "read"),
                    Query(rate("holistic_feed_events_repeated_total"), "had been sent before"),
                    Query(rate("holistic_feed_events_unreadable_total"), "unreadable"),
                ),
                graph(
                    "Readers",
                    COUNT,
                    Query("sum by (of) (holistic_feed_readers)", "of {{of}}"),
                    Query(
                        "sum by (of) (increase(holistic_feed_readers_cut_off_total[$__rate_interval]))",
                        "cut off, of {{of}}",
                    ),
                ),
                graph("Topics followed", COUNT, Query("min by (of) (holistic_feed_following)", "{{of}}"), most=1),
            ),
        ),
        Section(
            "Connector and processes",
            (
                lag_records(_JOB),
                lag_seconds(_JOB),
                errors(_JOB),
                cpu('{job=~"analytics|watch"}'),
                memory('{job=~"analytics|watch"}'),
            ),
        ),
    ),
)
