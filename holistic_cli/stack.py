"""`holistic up`, `status`, `logs` and `down`: the local stack of Kafka, Postgres and, if wanted, a schema registry."""

from pathlib import Path
from typing import Annotated, Literal

import typer

DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", envvar="HOLISTIC_HOME", help="Where the stack keeps everything.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def up(
    data_dir: DataDir = None,
    schema_registry: Annotated[
        bool, typer.Option("--schema-registry", help="Start an Apicurio registry too (159 MB the first time).")
    ] = False,
    kafka_port: Annotated[int | None, typer.Option(help="Kafka's port; by default a free one, kept.")] = None,
    postgres_port: Annotated[int | None, typer.Option(help="Postgres's port; by default a free one, kept.")] = None,
    registry_port: Annotated[int | None, typer.Option(help="The registry's port; by default a free one, kept.")] = None,
    as_json: AsJson = False,
    export: Annotated[
        bool, typer.Option("--export", help='Print `export …` lines: eval "$(holistic up --export)".')
    ] = False,
) -> None:
    """Start Kafka and Postgres here, or find them up, and create the suite's topics.

    With KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL set, those servers are checked and used instead.
    """
    from holistic_cli.stack_screen import StepsOnScreen, show_endpoints
    from local_stack import WantedPorts, default_data_dir, start_stack
    from local_stack.external import external_servers, prepare_servers

    directory = data_dir or default_data_dir()
    external = external_servers(directory)
    with StepsOnScreen(quiet=as_json or export) as steps:
        if external is not None:
            steps.say("using the servers of KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL")
            from kafka_io.settings import read_kafka_settings

            prepare_servers(external, read_kafka_settings())
            endpoints = external
        else:
            ports = WantedPorts(kafka_port, postgres_port, registry_port)
            endpoints = start_stack(directory, schema_registry, steps, ports)
    show_endpoints(endpoints, ours=external is None, as_json=as_json, export=export)


def status(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Say what is up, what crashed and was started again, and where it answers. Ends 1 unless all of it is ready."""
    from holistic_cli.stack_screen import show_report
    from local_stack import default_data_dir
    from local_stack.external import external_servers
    from local_stack.report import report_servers, report_stack

    directory = data_dir or default_data_dir()
    external = external_servers(directory)
    report = report_stack(directory) if external is None else report_servers(external)
    show_report(report, as_json=as_json)
    if not report.ready:
        raise typer.Exit(1)


def logs(
    part: Annotated[
        Literal["kafka", "postgres", "registry", "supervisor"] | None,
        typer.Argument(help="Whose log; by default everyone's."),
    ] = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines.")] = 40,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new lines, until Ctrl-C.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Show the end of the logs of the local stack."""
    from local_stack import default_data_dir
    from local_stack.layout import Layout
    from local_stack.log_files import follow_logs, read_last_lines

    layout = Layout((data_dir or default_data_dir()).expanduser().absolute())
    known = sorted(path.stem for path in layout.logs_dir.glob("*.log"))
    chosen = [part] if part else known
    width = max((len(name) for name in chosen), default=0)

    def show(name: str, line: str) -> None:
        typer.echo(line if part else f"{name:<{width}} | {line}")

    if not any(name in known for name in chosen):
        typer.echo(f"No log of {part or 'any part'} in {layout.logs_dir}: it was never started there.", err=True)
        raise typer.Exit(1)
    for name in chosen:
        for line in read_last_lines(layout.log_of(name), lines):
            show(name, line)
    if follow:
        for name, line in follow_logs({name: layout.log_of(name) for name in chosen}):
            show(name, line)


def down(
    data_dir: DataDir = None,
    delete_data: Annotated[
        bool, typer.Option("--delete-data", help="Delete all topics and tables too, after asking.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Stop the local stack; its data stay for the next `holistic up` unless they are to be deleted."""
    import json

    from local_stack import default_data_dir, stop_stack
    from local_stack import delete_data as delete_stack_data

    directory = (data_dir or default_data_dir()).expanduser().absolute()
    if delete_data and not yes:
        typer.confirm(f"Delete every topic and table of the local stack in {directory}?", abort=True)
    stopped = stop_stack(directory)
    if delete_data:
        delete_stack_data(directory)
    if as_json:
        typer.echo(json.dumps({"data_dir": str(directory), "stopped": stopped, "deleted": delete_data}))
        return
    typer.echo(f"The local stack in {directory} {'is stopped' if stopped else 'was not up'}.")
    if delete_data:
        typer.echo("Its data are deleted.")
