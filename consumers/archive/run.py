"""The archive as a process: connectors for the stores asked for, run until told to stop."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

from connect_runtime.courtesy import stand_back
from connect_runtime.durable_log import open_durable_log
from connect_runtime.service import ServiceOptions, run_connectors
from consumers.archive.connectors import Store, make_connector
from consumers.archive.metrics import watch_disk
from consumers.archive.parquet.location import find_folder
from consumers.archive.settings import ArchiveSettings, read_archive_settings
from kafka_io.settings import KafkaSettings, read_kafka_settings
from observability.logs import configure_logging
from observability.metrics import Metrics


def run_archive(
    stores: Sequence[Store] = tuple(Store),
    settings: ArchiveSettings | None = None,
    kafka: KafkaSettings | None = None,
) -> int:
    """Archive until SIGTERM or SIGINT, drain, and return the exit code. Raises Terminal for settings that are wrong."""
    settings = settings or read_archive_settings()
    kafka = kafka or read_kafka_settings()
    configure_logging(settings.log_format)
    stand_back(settings.nice)
    options = ServiceOptions(settings.http_port, settings.http_host, on_durable=open_durable_log(settings.durable_log))
    connectors = [make_connector(store, settings, kafka, metrics=options.metrics) for store in stores]
    folder = find_folder(settings.archive_dir)
    if Store.PARQUET in stores and folder is not None:
        watch_disk(options.metrics.registry, folder)
    with _following_iceberg(settings, options.metrics):
        return run_connectors(connectors, kafka, options)


def _following_iceberg(settings: ArchiveSettings, metrics: Metrics) -> AbstractContextManager[None]:
    if not settings.archive_iceberg:
        return nullcontext()
    # Here, for it takes a while and some memory.
    from consumers.archive.iceberg.follower import FollowerOptions, follow_beside

    return follow_beside(
        settings.require_database_url(),
        settings.archive_dir,
        metrics,
        FollowerOptions(interval_s=settings.archive_iceberg_interval_s),
    )
