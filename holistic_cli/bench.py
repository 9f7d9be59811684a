"""`holistic bench`: headline, scaling, soak, chaos, compare"""

import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from holistic_cli.bench_chaos import chaos

bench = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", add_completion=False)

Home = Annotated[
    Path | None,
    typer.Option(
        file_okay=False,
        show_default="a temporary directory",
        help="Directory for servers, archive and logs; it is kept.",
    ),
]
Keep = Annotated[
    Path | None,
    typer.Option(file_okay=False, help="Directory of runs: keep this one there, as JSON.", envvar="HOLISTIC_RUNS"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@bench.callback()
def describe() -> None:
    """The whole suite on this machine, with servers of its own: under load, at length, and under fire."""
    # Servers and services are processes of their own: whoever is told to end has to end them first.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(128 + signal.SIGTERM))


@bench.command()
def headline(
    rate: Annotated[float, typer.Option(min=1, help="Frames a second to hold.")] = 800.0,
    seconds: Annotated[float, typer.Option(min=5, help="How long to hold it.")] = 60.0,
    streams: Annotated[int, typer.Option(min=1, help="Performers, each with a receiver of its own.")] = 40,
    climb: Annotated[bool, typer.Option(help="Then go up until somebody falls behind.")] = True,
    profile: Annotated[bool, typer.Option(help="Say where the processor time goes (py-spy; it needs root).")] = True,
    picture: Annotated[Path | None, typer.Option(dir_okay=False, help="Draw it: a file .png or .svg.")] = None,
    keep: Keep = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Hold a rate with archive, analytics and avatar at once; how late, how dear, and where the ceiling is.

    Latency counts from when a frame was due to its effect: its row committed, its file listed, its state saved, the
    event it proved on the topic, its datagram sent. Ends 1 if the rate was not held, or a record is missing or there
    twice.
    """
    from proving.headline import HeadlinePlan, run_headline
    from proving.picture import draw_headline
    from proving.suite import SuiteShape

    plan = HeadlinePlan(
        rate=rate,
        seconds=seconds,
        streams=streams,
        profile_s=HeadlinePlan.profile_s if profile else 0.0,
        climb_from=rate + HeadlinePlan.climb_by,
        climb_s=HeadlinePlan.climb_s if climb else 0.0,
    )
    with _at_home(home) as directory:
        found = run_headline(plan, SuiteShape(performers=streams), directory, _say)
    if picture is not None:
        draw_headline(found, picture)
    _keep(found.as_dict(), keep, "headline")
    if as_json:
        _print_json(found.as_dict())
    else:
        from holistic_cli.bench_tables import print_headline

        print_headline(found)
    raise typer.Exit(0 if found.good else 1)


@bench.command()
def scaling(
    seconds: Annotated[float, typer.Option(min=5, help="How long each.")] = 20.0,
    keep: Keep = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Replicas (1, 2, 4), partitions (6, 24) and streams (10, 100, 1,000): what each costs a frame.

    On one machine more replicas bring no more processors: what is measured is what it costs to share the work out.
    Ends 1 when a frame was lost or there twice.
    """
    from proving.scaling import run_scaling

    with _at_home(home) as directory:
        found = run_scaling(seconds, directory, _say)
    _keep(found.as_dict(), keep, "scaling")
    if as_json:
        _print_json(found.as_dict())
    else:
        from holistic_cli.bench_tables import print_scaling

        print_scaling(found)
    raise typer.Exit(0 if found.good else 1)


@bench.command()
def soak(
    rate: Annotated[float, typer.Option(min=1, help="Frames a second.")] = 400.0,
    minutes: Annotated[float, typer.Option(min=1, help="How long.")] = 60.0,
    streams: Annotated[int, typer.Option(min=1, help="Performers, each with a receiver of its own.")] = 40,
    keep: Keep = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """One load for an hour: does memory stay flat, does everybody keep up, is all of it there once.

    Takes 24 kB of disk a frame, 35 GB in an hour. Ends 1 when a part's memory grew by more than a tenth, a group was
    behind, or a record is missing or there twice. The broker's memory counts from half time: Java fills a heap first.
    """
    from proving.soak import run_soak

    with _at_home(home) as directory:
        found = run_soak(rate, streams, minutes * 60, directory, _say)
    _keep(found.as_dict(), keep, "soak")
    if as_json:
        _print_json(found.as_dict())
    else:
        from holistic_cli.bench_tables import print_soak

        print_soak(found)
    raise typer.Exit(0 if found.good else 1)


@bench.command()
def compare(
    before: Annotated[Path, typer.Argument(dir_okay=False, exists=True, help="A run that was kept.")],
    after: Annotated[Path, typer.Argument(dir_okay=False, exists=True, help="Another.")],
    least: Annotated[float, typer.Option(min=0, help="Leave out what changed by less than this share.")] = 0.05,
    as_json: AsJson = False,
) -> None:
    """Two runs, figure by figure, as ratios: the second over the first."""
    from dataclasses import asdict

    from proving.history import compare_runs, read_run

    ratios = compare_runs(read_run(before), read_run(after))
    if as_json:
        _print_json([asdict(ratio) | {"ratio": ratio.ratio} for ratio in ratios])
        return
    from holistic_cli.bench_tables import print_ratios

    print_ratios([ratio for ratio in ratios if ratio.ratio is None or abs(ratio.ratio - 1) >= least])


bench.command()(chaos)


@contextmanager
def _at_home(home: Path | None) -> Iterator[Path]:
    if home is not None:
        yield home
        return
    with tempfile.TemporaryDirectory(prefix="holistic-bench-", ignore_cleanup_errors=True) as directory:
        yield Path(directory)


def _say(what: str) -> None:
    typer.echo(what, err=True)


def _keep(run: dict[str, object], directory: Path | None, kind: str) -> None:
    if directory is None:
        return
    from datetime import UTC, datetime

    from proving.history import keep_run

    _say(f"kept as {keep_run(run, directory, kind, datetime.now(UTC))}")


def _print_json(answer: object) -> None:
    import orjson

    typer.echo(orjson.dumps(answer))
