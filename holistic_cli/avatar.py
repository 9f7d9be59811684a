"""`holistic avatar`: the service itself; and monitor and export, which are in `avatar_monitor` and `avatar_export`"""

from pathlib import Path
from typing import Annotated, Literal

import typer

from holistic_cli import avatar_export, avatar_monitor

avatar = typer.Typer(invoke_without_command=True, rich_markup_mode="markdown", add_completion=False)
avatar.command("monitor")(avatar_monitor.monitor)
avatar.command("export")(avatar_export.export)


@avatar.callback()
def run(
    context: typer.Context,
    target: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TARGET",
            help="A receiver: HOST:PORT (VMC), vmc://HOST:PORT?profile=vseeface&parts=body,face, ifm://HOST; "
            "may be repeated (HOLISTIC_VMC_TARGETS, else this host).",
        ),
    ] = None,
    start: Annotated[
        Literal["latest", "earliest"] | None,
        typer.Option("--from", help="Where a new group begins: latest is live, earliest shows old frames too."),
    ] = None,
    speed: Annotated[
        float | None, typer.Option(help="Show frames as far apart as they were captured, so many times faster.")
    ] = None,
    stream: Annotated[str | None, typer.Option(help="Stream the receivers show; else the first one seen.")] = None,
    topic: Annotated[str | None, typer.Option(help="Topic to read (HOLISTIC_TOPIC, else the suite's own).")] = None,
    group: Annotated[str | None, typer.Option(help="Consumer group to read as, instead of `avatar`.")] = None,
    latency_log: Annotated[
        Path | None, typer.Option(help="File that gets a line of JSON for every frame sent, with its times.")
    ] = None,
    http_port: Annotated[
        int | None,
        typer.Option(help="Port of page, REST API, health, metrics (HOLISTIC_HTTP_PORT, else 8085); 0: any."),
    ] = None,
    config_files: Annotated[
        list[Path] | None,
        typer.Option("--config", metavar="FILE", help="File of connector settings (properties or JSON)."),
    ] = None,
) -> None:
    """Move avatars by the keypoints on the topic: body, hands and face, of one performer or a hundred.

    VSeeFace, Warudo, VNyan, EVMC4U and others receive VMC packets on port 39539; the viewer is the page
    http://localhost:8085/avatar/. Runs until interrupted.
    """
    if context.invoked_subcommand is not None:
        return
    from consumers.avatar.run import run_avatar
    from consumers.avatar.settings import read_avatar_settings
    from holistic_cli.connect import name_files, use_stack
    from kafka_io.settings import read_kafka_settings
    from observability.logs import configure_logging

    use_stack()
    settings = read_avatar_settings(
        config_files=name_files(config_files),
        vmc_targets=";".join(target) if target else None,
        avatar_from=start,
        avatar_speed=speed,
        avatar_stream=stream,
        avatar_latency_log=latency_log,
        topic=topic,
        http_port=http_port,
    )
    configure_logging(settings.log_format)
    raise typer.Exit(run_avatar(settings, read_kafka_settings(), {"name": group} if group else {}))
