"""The producer: what comes in, what becomes of it, and the workers that look at it."""

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
    heat,
    number,
    quantiles,
    rate,
)
from deploy.grafana.shared_panels import cpu, memory

_JOBS: Final = '{job=~"producer|images"}'

PRODUCER: Final = Dashboard(
    "holistic-producer",
    "Holistic Stream: producer",
    "Pictures in, keypoints out: received = acknowledged + dropped + rejected.",
    (
        Section(
            "Now",
            (
                number("Published", FRAMES, 'sum(rate(holistic_producer_pictures_total{outcome="acknowledged"}[1m]))'),
                number("Streams open", COUNT, "sum(holistic_producer_streams)"),
                number("Workers ready", COUNT, 'sum(holistic_producer_workers{state="ready"})', warn=1, bad=0.5),
                number("Reach Kafka", SHARE, "avg(holistic_producer_kafka_reached)", warn=1, bad=0.5),
                number("Waiting on disk", COUNT, "sum(holistic_producer_spilled_frames)", warn=1),
                number(
                    "Workers replaced", COUNT, "sum(increase(holistic_producer_workers_replaced_total[1h]))", warn=3
                ),
            ),
        ),
        Section(
            "The ledger",
            (
                graph(
                    "What becomes of pictures",
                    FRAMES,
                    Query(rate("holistic_producer_pictures_total", "job, outcome"), "{{job}} {{outcome}}"),
                    Query(rate("holistic_producer_received_total", "job"), "{{job}} received"),
                    width=12,
                ),
                graph(
                    "Why some gave no frame",
                    FRAMES,
                    Query(
                        rate("holistic_producer_pictures_total", "job, outcome, reason", '{outcome!="acknowledged"}'),
                        "{{job}} {{outcome}}: {{reason}}",
                    ),
                    width=12,
                    stacked=True,
                ),
                graph("In flight", COUNT, Query("holistic_producer_in_flight", "{{job}} {{instance}}")),
                graph(
                    "Wait for their turn", COUNT, Query("holistic_producer_waiting_pictures", "{{job}} {{instance}}")
                ),
                graph(
                    "Streams, and uploads under way",
                    COUNT,
                    Query("holistic_producer_streams", "{{job}} {{instance}} streams"),
                    Query("holistic_producer_uploads", "{{job}} {{instance}} uploads"),
                ),
            ),
        ),
        Section(
            "Time of a picture",
            (
                graph(
                    "Waiting for its turn",
                    SECONDS,
                    *quantiles("holistic_producer_waiting_seconds", "job", "{{job}}"),
                    width=6,
                ),
                graph("Decoding", SECONDS, *quantiles("holistic_producer_decoding_seconds", "job", "{{job}}"), width=6),
                graph(
                    "Finding landmarks",
                    SECONDS,
                    *quantiles("holistic_producer_inference_seconds", "job", "{{job}}"),
                    width=6,
                ),
                graph(
                    "Publishing", SECONDS, *quantiles("holistic_producer_publishing_seconds", "job", "{{job}}"), width=6
                ),
                heat("Finding landmarks, all pictures", SECONDS, "holistic_producer_inference_seconds"),
                heat("Publishing, all frames", SECONDS, "holistic_producer_publishing_seconds"),
            ),
        ),
        Section(
            "Kafka and the spill",
            (
                graph(
                    "Kafka is reached", COUNT, Query("holistic_producer_kafka_reached", "{{job}} {{instance}}"), most=1
                ),
                graph("Frames on disk", COUNT, Query("holistic_producer_spilled_frames", "{{job}} {{instance}}")),
                graph(
                    "The spill's disk",
                    BYTES,
                    Query("holistic_producer_spill_bytes", "{{job}} {{instance}}"),
                    Query("holistic_producer_spill_limit_bytes", "{{job}} {{instance}} limit"),
                ),
            ),
        ),
        Section(
            "Workers and processes",
            (
                graph(
                    "Workers",
                    COUNT,
                    Query(
                        "sum by (job, instance, state) (holistic_producer_workers)", "{{job}} {{instance}} {{state}}"
                    ),
                ),
                graph(
                    "Workers replaced",
                    A_SECOND,
                    Query("rate(holistic_producer_workers_replaced_total[$__rate_interval])", "{{job}} {{instance}}"),
                ),
                graph(
                    "Memory of all workers", BYTES, Query("holistic_producer_worker_rss_bytes", "{{job}} {{instance}}")
                ),
                cpu(_JOBS),
                memory(_JOBS),
            ),
        ),
        Section(
            "The topic of images",
            (
                graph(
                    "Images",
                    FRAMES,
                    Query(rate("holistic_images_read_total"), "read"),
                    Query(rate("holistic_images_published_total"), "published"),
                    Query(rate("holistic_images_already_published_total"), "had been published"),
                    Query(rate("holistic_images_dead_letters_total"), "gave no frame"),
                    Query(rate("holistic_images_gone_total"), "gone before they were read"),
                ),
                graph(
                    "Partitions and streams",
                    COUNT,
                    Query("holistic_images_partitions", "{{instance}} partitions"),
                    Query("holistic_images_streams", "{{instance}} streams"),
                    Query("holistic_images_waiting", "{{instance}} images waiting"),
                ),
                graph(
                    "Partitions read again",
                    A_SECOND,
                    Query(rate("holistic_images_partitions_read_again_total", "instance"), "{{instance}}"),
                ),
            ),
        ),
    ),
)
