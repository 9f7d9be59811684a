"""Every process: what it is, since when, and what it uses."""

from typing import Final

from deploy.grafana.dashboard import Dashboard, Section
from deploy.grafana.pages.overview import SERVICES
from deploy.grafana.panels import A_SECOND, BYTES, COUNT, SECONDS, SHARE, Query, graph, rate, table
from deploy.grafana.shared_panels import cpu, memory

_ALL: Final = f"{{{SERVICES}}}"
_EACH: Final = "{{job}} {{instance}}"

PROCESSES: Final = Dashboard(
    "holistic-processes",
    "Holistic Stream: processes",
    "CPU, memory, files and garbage collections of every process; the producer's workers are on its own page.",
    (
        Section(
            "What runs",
            (
                graph("Answers", COUNT, Query(f"up{_ALL}", _EACH), most=1),
                graph("Up for", SECONDS, Query(f"time() - process_start_time_seconds{_ALL}", _EACH)),
                graph("Time of a scrape", SECONDS, Query(f"scrape_duration_seconds{_ALL}", _EACH)),
                table("Versions", "holistic_build_info", ("job", "instance", "version"), width=12),
                table("Pythons", f"python_info{_ALL}", ("job", "instance", "version", "implementation"), width=12),
            ),
        ),
        Section(
            "What it uses",
            (
                cpu(_ALL),
                memory(_ALL),
                graph(
                    "Files open, of those it may",
                    SHARE,
                    Query(f"process_open_fds{_ALL} / process_max_fds", _EACH),
                    most=1,
                ),
                graph("Virtual memory", BYTES, Query(f"process_virtual_memory_bytes{_ALL}", _EACH)),
            ),
        ),
        Section(
            "Garbage collections",
            (
                graph(
                    "Collections of the oldest generation",
                    A_SECOND,
                    Query(f'rate(python_gc_collections_total{{{SERVICES},generation="2"}}[$__rate_interval])', _EACH),
                    about="Each looks at everything there is, and stops the process meanwhile.",
                ),
                graph(
                    "Collections of all generations",
                    A_SECOND,
                    Query(rate("python_gc_collections_total", "job, instance", _ALL), _EACH),
                ),
                graph(
                    "Objects collected",
                    A_SECOND,
                    Query(rate("python_gc_objects_collected_total", "job, instance", _ALL), _EACH),
                    about="In cycles; what is freed by counting references is not here.",
                ),
            ),
        ),
    ),
)
