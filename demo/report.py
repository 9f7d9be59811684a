"""The demo's result as a person likes to read it."""

from pathlib import Path
from typing import Final

from rich.console import Console, ConsoleRenderable, Group
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Column, Table
from rich.text import Text

from consumers.archive.sql import ask_postgres
from demo.journey import JourneyReport
from demo.latency import Latency

_SVG_FORMAT_FONT: Final = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


def question_for(report: JourneyReport) -> str:
    """A question whose answer shows that named landmarks of these very frames can be asked for."""
    streams = ", ".join("'" + stream.replace("'", "''") + "'" for stream in report.streams)
    return (
        "SELECT stream_id, count(*) AS frames,\n"
        "       count(right_hand) AS with_right_hand,\n"
        "       round(avg((pose_landmark(pose, 'nose')).y)::numeric, 3) AS nose_y,\n"
        "       round((max((pose_landmark(pose, 'right_wrist')).y)\n"
        "            - min((pose_landmark(pose, 'right_wrist')).y))::numeric, 3)\n"
        "         AS wrist_travel\n"
        f"FROM frames WHERE stream_id IN ({streams})\n"
        "GROUP BY stream_id ORDER BY stream_id"
    )


def draw_report(report: JourneyReport, database_url: str) -> Group:
    """The journey, the gestures, a question in SQL with its answer, and the verdict."""
    parts: list[ConsoleRenderable] = [_draw_journey(report), Text(), _draw_gestures(report), Text()]
    if report.streams:
        parts += [
            Panel(Syntax(question_for(report), "sql", background_color="default", word_wrap=True), title="holistic sql")
        ]
        parts += [_ask(question_for(report), database_url), Text()]
    parts.append(_draw_verdict(report))
    return Group(*parts)


def save_picture(console: Console, path: Path) -> None:
    """What a recording console has shown, as an SVG that names no fonts of anybody's site."""
    svg = console.export_svg(title="holistic demo", clear=False)
    before, _, rest = svg.partition("@font-face")
    _, _, after = rest.rpartition("@font-face")
    body = after.partition("}")[2]
    path.write_text(
        (before + body)
        .replace("Fira Code, monospace", _SVG_FORMAT_FONT)
        .replace("font-family: Fira Code", f"font-family: {_SVG_FORMAT_FONT}"),
        encoding="utf-8",
    )


def _draw_journey(report: JourneyReport) -> Table:
    counts = report.counts
    table = Table(title="One frame's whole journey", title_justify="left", title_style="bold", show_header=False)
    table.add_column()
    table.add_column(justify="right", style="bold")
    table.add_column(style="dim")
    table.add_row("captured", f"{counts.frames_read}", f"frames of {', '.join(report.streams)}")
    table.add_row("landmarks", f"{counts.frames_with_person}", "of them show a person")
    table.add_row("published to Kafka", f"{counts.published}", f"{counts.acknowledged} acknowledged")
    table.add_row("in Postgres", f"{report.postgres.rows}", _describe(report.to_postgres_ms, "capture → durable"))
    table.add_row("in Parquet", f"{report.parquet.rows}", "the same offsets, once each")
    table.add_row("gestures", f"{len(report.gestures)}", "in Postgres and on holistic-gesture-events")
    table.add_row("avatar packets", f"{report.avatar_packets}", _describe(report.to_avatar_ms, "capture → packet"))
    gaps = report.postgres.gaps + report.parquet.gaps
    duplicates = report.postgres.duplicates + report.parquet.duplicates
    table.add_row("gaps, duplicates", f"{gaps}, {duplicates}", "both stores against the topic, by offset")
    return table


def _describe(latency: Latency | None, way: str) -> str:
    if latency is None:
        return "no latency measured"
    return f"{way}: mean {latency.mean:.0f} ms, p50 {latency.p50:.0f}, p99 {latency.p99:.0f}"


def _draw_gestures(report: JourneyReport) -> Table:
    table = Table("stream", "of", "gesture", title="Gestures and movements", title_justify="left", title_style="bold")
    for name in ("from", "for", "confidence"):
        table.add_column(name, justify="right")
    for gesture in report.gestures:
        held = "still held" if gesture.duration_s is None else f"{gesture.duration_s:.2f} s"
        start = f"{gesture.started_after_s:.2f} s"
        kind = gesture.kind.replace("_", " ")
        table.add_row(gesture.stream_id, gesture.subject, kind, start, held, f"{gesture.confidence:.2f}")
    return table


def _ask(question: str, database_url: str) -> Table:
    with ask_postgres(database_url, question) as answer:
        # Folded, not cut: on a narrow terminal a name must still be one that can be asked for.
        table = Table(*(Column(name, overflow="fold") for name in answer.columns))
        for row in answer.rows:
            table.add_row(*("∅" if value is None else str(value) for value in row))
    return table


def _draw_verdict(report: JourneyReport) -> Text:
    if report.problems:
        return Text("\n".join(["It does not add up:", *(f"  {problem}" for problem in report.problems)]), style="red")
    return Text(f"Everything adds up, after {report.seconds:.1f} s.", style="bold green")
