"""Avatars: what is shown, what is not, how late, and to whom."""

from typing import Final

from deploy.grafana.dashboard import Dashboard, Section
from deploy.grafana.panels import (
    A_SECOND,
    COUNT,
    DATAGRAMS,
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
from deploy.grafana.shared_panels import cpu, errors, lag_records, lag_seconds, memory, put_seconds, task_states

_JOB: Final = '{job="avatar"}'
_ALL_FRAMES: Final = (
    "(sum(rate(holistic_avatar_frames_passed_over_total[$__rate_interval])) "
    "+ sum(rate(holistic_avatar_frames_shown_total[$__rate_interval])))"
)

AVATAR: Final = Dashboard(
    "holistic-avatar",
    "Holistic Stream: avatars",
    "Frames that move avatars, and how long it takes.",
    (
        Section(
            "Now",
            (
                number("On stage", COUNT, "sum(holistic_avatar_performers)"),
                number("Watching", COUNT, "sum(holistic_avatar_watchers)"),
                number("Frames shown", FRAMES, "sum(rate(holistic_avatar_frames_shown_total[1m]))"),
                number(
                    "99 % sent within",
                    SECONDS,
                    "histogram_quantile(0.99, "
                    "sum by (le) (rate(holistic_avatar_record_to_datagram_seconds_bucket[5m])))",
                    about="From receiving the record.",
                    warn=0.04,
                    bad=0.1,
                ),
                number(
                    "Too late to be shown",
                    SHARE,
                    'sum(rate(holistic_avatar_frames_passed_over_total{reason=~"stale|late"}[5m])) / clamp_min('
                    "sum(rate(holistic_avatar_frames_passed_over_total[5m])) "
                    "+ sum(rate(holistic_avatar_frames_shown_total[5m])), 1e-9)",
                    warn=0.02,
                    bad=0.1,
                ),
                number("Datagrams", DATAGRAMS, "sum(rate(holistic_avatar_packets_sent_total[1m]))"),
            ),
        ),
        Section("Tasks", (task_states(',job="avatar"'),)),
        Section(
            "Frames",
            (
                graph(
                    "Frames",
                    FRAMES,
                    Query(rate("holistic_avatar_frames_shown_total"), "shown"),
                    Query(rate("holistic_avatar_frames_passed_over_total", "reason"), "{{reason}}"),
                    about="Superseded: a newer one was there, as in every burst.",
                    width=12,
                    stacked=True,
                ),
                graph(
                    "Share of frames that were too late",
                    SHARE,
                    Query(
                        "sum by (reason) (rate(holistic_avatar_frames_passed_over_total"
                        '{reason=~"stale|late"}[$__rate_interval]))'
                        f" / on () group_left () {_ALL_FRAMES}",
                        "{{reason}}",
                    ),
                    width=6,
                ),
                graph(
                    "Jumps that were not shown, a frame",
                    COUNT,
                    Query(
                        "sum(rate(holistic_avatar_outliers_total[$__rate_interval])) "
                        "/ sum(rate(holistic_avatar_frames_shown_total[$__rate_interval]))",
                        "body parts",
                    ),
                    about="Bones, shapes and roots that were elsewhere for a single frame: wrong landmarks.",
                    width=6,
                ),
            ),
        ),
        Section(
            "Time",
            (
                graph(
                    "From capture to the datagram",
                    SECONDS,
                    *quantiles("holistic_avatar_capture_to_datagram_seconds", "instance", "{{instance}}"),
                    width=12,
                ),
                graph(
                    "From receiving the record to the datagram",
                    SECONDS,
                    *quantiles("holistic_avatar_record_to_datagram_seconds", "instance", "{{instance}}"),
                    width=12,
                ),
                heat(
                    "From capture to the datagram, all frames", SECONDS, "holistic_avatar_capture_to_datagram_seconds"
                ),
                heat(
                    "From receiving to the datagram, all frames", SECONDS, "holistic_avatar_record_to_datagram_seconds"
                ),
            ),
        ),
        Section(
            "To whom",
            (
                graph(
                    "Datagrams",
                    A_SECOND,
                    Query(rate("holistic_avatar_packets_sent_total", "instance"), "{{instance}} sent"),
                    Query(rate("holistic_avatar_packets_refused_total", "instance"), "{{instance}} refused"),
                ),
                graph("On stage", COUNT, Query("holistic_avatar_performers", "{{instance}}")),
                graph("Connections that watch", COUNT, Query("holistic_avatar_watchers", "{{instance}}")),
            ),
        ),
        Section(
            "Connector and processes",
            (lag_records(_JOB), lag_seconds(_JOB), put_seconds(_JOB), errors(_JOB), cpu(_JOB), memory(_JOB)),
        ),
    ),
)
