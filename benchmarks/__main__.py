"""Every benchmark in turn, as ratios and rates of one run, beside what we aim for.

    python -m benchmarks [--only NAME]… [--json FILE]

Each `bench_*.py` is a program of its own that prints one JSON object with `--json`. Those that need Kafka or Postgres
find them in KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL; without these a local stack is started for the run.
"""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

HERE: Final = Path(__file__).parent
TIMEOUT_S: Final = 900


@dataclass(frozen=True, slots=True)
class Goal:
    """At least `value` is what we aim for in one figure of one benchmark, or at most where that is said."""

    benchmark: str
    figure: str
    value: float
    unit: str
    at_most: bool = False

    def is_reached(self, figure: float) -> bool:
        """Whether what was measured is good enough."""
        return figure <= self.value if self.at_most else figure >= self.value


GOALS: Final = (
    Goal("codec", "encode_times_faster", 20, "× fastavro"),
    Goal("codec", "decode_times_faster", 10, "× fastavro"),
    Goal("producer", "ratio_to_bare_loop", 0.95, "× a bare MediaPipe loop"),
    Goal("producer", "one_stream_of_bare_loop", 0.97, "× a bare MediaPipe loop"),
    Goal("producer", "two_streams_of_bare_loop", 1.5, "× a bare MediaPipe loop"),
    Goal("producer", "largest_landmark_difference", 0, "from the bare loop", at_most=True),
    Goal("upload", "besides_inference_ms_p99", 15, "ms", at_most=True),
    Goal("memory", "growth_over_frames", 1.1, "× after warm-up", at_most=True),
    Goal("memory", "growth_over_streams", 1.1, "× after warm-up", at_most=True),
    Goal("runtime", "noop_sink_frames_per_s", 15_000, "frames/s"),
    Goal("runtime", "idle_cpu_percent", 2, "% of a core", at_most=True),
    Goal("worker", "late_of_apart", 0.3, "× as many late rows as put apart", at_most=True),
    Goal("archive", "postgres_frames_per_s", 6_000, "frames/s"),
    Goal("archive", "postgres_of_raw_copy", 0.4, "× raw COPY"),
    Goal("archive", "postgres_peak_mb", 300, "MB", at_most=True),
    Goal("archive", "parquet_frames_per_s", 12_000, "frames/s"),
    Goal("archive", "parquet_bytes_a_recorded_frame", 5_500, "bytes", at_most=True),
    Goal("queries", "parquet_landmark_average_s", 0.3, "s over a million frames", at_most=True),
    Goal("queries", "postgres_stream_hour_joint_s", 0.2, "s among a million frames", at_most=True),
    Goal("analytics", "frames_per_cpu_s", 3_000, "frames/s a core"),
    Goal("avatar", "solver_frames_per_s", 5_000, "frames/s a core"),
    Goal("avatar", "stage_frames_shown_share", 0.99, "of 100 performers' frames"),
    Goal("outputs", "hundred_performers_core_share", 0.5, "of a core", at_most=True),
    Goal("outputs", "hundred_performers_of_bare_sending", 3, "× sending the same datagrams", at_most=True),
    Goal("stage", "ten_record_to_datagram_ms_p50", 5, "ms", at_most=True),
    Goal("stage", "ten_record_to_datagram_ms_p99", 15, "ms", at_most=True),
    Goal("stage", "ten_frames_shown_share", 0.99, "of 10 performers' frames"),
    Goal("stage", "hundred_frames_shown_share", 0.95, "of 100 performers' frames"),
    Goal("performers", "generated_frames_per_s", 5_000, "frames/s a core"),
    Goal("load", "achieved_rate", 799, "frames/s"),
    Goal("load", "cpu_cores", 0.4, "cores", at_most=True),
)


def run_benchmark(path: Path, environment: dict[str, str]) -> dict[str, object]:
    """The figures one benchmark prints. Raises RuntimeError with its output when it fails."""
    done = subprocess.run(
        [sys.executable, str(path), "--json"],
        env=environment,
        cwd=HERE.parent,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if done.returncode == 0 and not done.stdout.strip():
        return {"skipped": done.stderr.strip()}
    if done.returncode != 0:
        raise RuntimeError(f"{path.name} failed with exit code {done.returncode}:\n{done.stdout}{done.stderr}")
    figures: dict[str, object] = json.loads(done.stdout[done.stdout.index("{") :])
    return figures


def find_servers(data_dir: Path, console: Console) -> dict[str, str]:
    """Environment with the servers' addresses: those given, or a local stack's started in `data_dir`."""
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    if environment.get("KAFKA_BOOTSTRAP_SERVERS") and environment.get("DATABASE_URL"):
        return environment
    from local_stack import start_stack

    console.print("starting a local stack for this run …")
    stack = start_stack(data_dir)
    environment["KAFKA_BOOTSTRAP_SERVERS"] = stack.kafka_bootstrap_servers
    environment["DATABASE_URL"] = stack.database_url
    return environment


def draw_table(name: str, figures: dict[str, object]) -> Table:
    """One benchmark's figures, its goals marked as reached or not."""
    goals = {goal.figure: goal for goal in GOALS if goal.benchmark == name}
    table = Table("figure", "measured", "goal", "", title=name, title_justify="left")
    for figure, value in figures.items():
        if figure == "skipped":
            table.add_row(str(value))
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        goal = goals.get(figure)
        verdict = "" if goal is None else "[green]reached" if goal.is_reached(value) else "[red]not reached"
        aim = "" if goal is None else f"{'≤' if goal.at_most else '≥'} {goal.value:,g} {goal.unit}"
        table.add_row(figure, f"{value:,.2f}", aim, verdict)
    return table


def main(
    only: Annotated[list[str] | None, typer.Option(help="Run this benchmark only; may be given again.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all figures to this file too.")] = None,
) -> None:
    """Run the benchmarks and print what they measured. Exit code 1 when one of them failed to run."""
    console = Console()
    results: dict[str, dict[str, object]] = {}
    failures: list[str] = []
    with tempfile.TemporaryDirectory(prefix="holistic-bench-", ignore_cleanup_errors=True) as directory:
        environment = find_servers(Path(directory), console)
        try:
            for path in sorted(HERE.glob("bench_*.py")):
                name = path.stem.removeprefix("bench_")
                if only and name not in only:
                    continue
                console.print(f"[dim]{name} …[/dim]")
                try:
                    results[name] = run_benchmark(path, environment)
                except (RuntimeError, subprocess.TimeoutExpired, json.JSONDecodeError) as error:
                    failures.append(name)
                    console.print(f"[red]{name}: {error}")
                else:
                    console.print(draw_table(name, results[name]))
        finally:
            if environment.get("KAFKA_BOOTSTRAP_SERVERS") != os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
                from local_stack import stop_stack

                stop_stack(Path(directory))
    if json_file is not None:
        json_file.write_text(json.dumps(results, indent=2) + "\n")
    if failures:
        console.print(f"[red]failed to run: {', '.join(failures)}")
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
