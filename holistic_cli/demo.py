"""`holistic demo [SOURCE]`"""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    source: Annotated[
        Path | None,
        typer.Argument(
            help="A picture, folder of pictures or video; without it a photograph and a synthetic performer.",
            exists=True,
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    picture: Annotated[
        Path | None, typer.Option("--save-picture", help="Save what is shown as an SVG.", show_default=False)
    ] = None,
) -> None:
    """Send frames through everything once, and check that every number adds up.

    Starts the local stack unless KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL name servers, then archive, analytics and
    avatar as processes of their own; ends 1 when anything is lost, doubled or unexplained.
    """
    import json
    import os
    import tempfile

    from rich.console import Console

    from demo.journey import Journey, run_journey
    from holistic_cli.connect import start_stack_if_needed
    from kafka_io.settings import read_kafka_settings
    from producer_service.landmarks.native_noise import native_noise_filtered

    on_screen = Console(emoji=False, stderr=True, quiet=as_json)
    start_stack_if_needed(quiet=as_json)
    with tempfile.TemporaryDirectory(prefix="holistic-demo-") as directory:
        journey = Journey(
            source=source,
            kafka=read_kafka_settings(),
            database_url=os.environ["DATABASE_URL"],
            archive_dir=os.environ.setdefault("HOLISTIC_ARCHIVE_DIR", str(Path("archive-data").absolute())),
            work_dir=Path(directory),
        )
        with native_noise_filtered():
            report = run_journey(journey, lambda step: on_screen.print(f"[dim]… {step}[/dim]"))
    if as_json:
        typer.echo(json.dumps(report.as_dict()))
    else:
        from demo.report import draw_report, save_picture

        console = Console(emoji=False, record=picture is not None, width=100 if picture else None)
        console.print(draw_report(report, journey.database_url))
        if picture is not None:
            save_picture(console, picture)
    if report.problems:
        raise typer.Exit(1)
