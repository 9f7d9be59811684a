"""`holistic analytics`"""

from pathlib import Path
from typing import Annotated

import typer


def analytics(
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting by Kafka Connect's name, as tasks.max=2."),
    ] = None,
    topic: Annotated[str | None, typer.Option(help="Topic to read (HOLISTIC_TOPIC, else the suite's own).")] = None,
    http_port: Annotated[
        int | None, typer.Option(help="Port of REST API, health, metrics (HOLISTIC_HTTP_PORT, else 8084); 0: any.")
    ] = None,
    config_files: Annotated[
        list[Path] | None,
        typer.Option("--config", metavar="FILE", help="File of connector settings (properties or JSON)."),
    ] = None,
) -> None:
    """Say what people do: hand shapes, movements, exercises counted, falls and other anomalies, faults of the capture.

    In Postgres (views gesture_events, movement_counts, anomalies, activity_by_minute) and on holistic-gesture-events.
    Runs until interrupted. Start it again, here or elsewhere, and the streams are shared among them.
    Read along with `holistic watch`, and afterwards with `holistic report STREAM`, or
    `holistic sql "SELECT * FROM gesture_events ORDER BY started_at" --on postgres`.
    """
    from consumers.analytics.run import run_analytics
    from consumers.analytics.settings import read_analytics_settings
    from holistic_cli.connect import name_files, use_stack
    from kafka_io.settings import read_kafka_settings
    from observability.logs import configure_logging

    pairs = [setting.partition("=") for setting in settings or []]
    if any(not key or not separator for key, separator, _ in pairs):
        raise typer.BadParameter("give settings as KEY=VALUE", param_hint="--set")
    use_stack()
    read = read_analytics_settings(config_files=name_files(config_files), topic=topic, http_port=http_port)
    configure_logging(read.log_format)
    raise typer.Exit(run_analytics(read, read_kafka_settings(), {key: value for key, _, value in pairs}))
