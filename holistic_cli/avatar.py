"""`holistic avatar`"""

from pathlib import Path
from typing import Annotated, Literal

import typer


def avatar(
    target: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HOST:PORT", help="A VMC receiver; may be repeated (HOLISTIC_VMC_TARGETS, else this host)."
        ),
    ] = None,
    start: Annotated[
        Literal["latest", "earliest"] | None,
        typer.Option("--from", help="Where a new group begins: latest is live, earliest shows old frames too."),
    ] = None,
    stream: Annotated[str | None, typer.Option(help="Stream that drives the targets; else the first one seen.")] = None,
    topic: Annotated[str | None, typer.Option(help="Topic to read (HOLISTIC_TOPIC, else the suite's own).")] = None,
    group: Annotated[str | None, typer.Option(help="Consumer group to read as, instead of `avatar`.")] = None,
    latency_log: Annotated[
        Path | None, typer.Option(help="File that gets a line of JSON for every frame sent, with its times.")
    ] = None,
    http_port: Annotated[
        int | None, typer.Option(help="Port of REST API, health, metrics (HOLISTIC_HTTP_PORT, else 8085); 0: any.")
    ] = None,
    config_files: Annotated[
        list[Path] | None,
        typer.Option("--config", metavar="FILE", help="File of connector settings (properties or JSON)."),
    ] = None,
) -> None:
    """Drive an avatar: head, arms, fingers, blinks and mouth, as VMC packets over UDP.

    VSeeFace, Warudo, VNyan, EVMC4U and others receive them on port 39539. Runs until interrupted.
    """
    from consumers.avatar.run import run_avatar
    from consumers.avatar.settings import read_avatar_settings
    from holistic_cli.connect import name_files, use_stack
    from kafka_io.settings import read_kafka_settings
    from observability.logs import configure_logging

    use_stack()
    settings = read_avatar_settings(
        config_files=name_files(config_files),
        vmc_targets=",".join(target) if target else None,
        avatar_from=start,
        avatar_stream=stream,
        avatar_latency_log=latency_log,
        topic=topic,
        http_port=http_port,
    )
    configure_logging(settings.log_format)
    raise typer.Exit(run_avatar(settings, read_kafka_settings(), {"name": group} if group else {}))
