"""What a bench found, as tables for people."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from holistic_cli.whole_table import print_whole

if TYPE_CHECKING:
    from proving.history import Ratio
    from proving.report import Audit, Effect, Headline, Step
    from proving.scaling import Scaling
    from proving.soak import Soak


def print_headline(headline: "Headline") -> None:
    """The hold, where its time goes, the climb and the audit."""
    console = Console(emoji=False)
    hold = headline.hold
    print_whole(_tell_effects(f"{hold.achieved_rate:.0f} frames/s for {hold.seconds:.0f} s", hold.effects))
    print_whole(_tell_parts(hold))
    if headline.parts:
        print_whole(_tell_stages(headline.parts))
    if headline.climb:
        print_whole(_tell_climb([hold, *headline.climb]))
    ceiling = headline.ceiling
    if ceiling.held_rate is not None:
        console.print(f"highest rate held: [bold]{ceiling.held_rate:.0f} frames/s[/bold]")
    if ceiling.cut_short:
        console.print(f"at {ceiling.broke_at:g} it ended: {escape(ceiling.cut_short)}")
    elif ceiling.broke_at is not None:
        console.print(f"at {ceiling.broke_at:g} fell behind: {', '.join(ceiling.behind)}; {ceiling.limit}")
    audit = headline.audit
    console.print(_tell_audit(audit))
    for shortfall in headline.shortfalls:
        console.print(f"[yellow]not reached:[/yellow] {shortfall}")


def print_scaling(scaling: "Scaling") -> None:
    """A row a trial."""
    parts = ("archive", "analytics", "avatar", "kafka", "postgres")
    table = Table("trial", "frames/s", "held", "ms/frame", *parts)
    table.title = "processor time a frame, in ms"
    for trial in scaling.trials:
        step = trial.step
        cost = [
            f"{trial.ms_a_frame.get(part, 0.0):.3f}" for part in ("archive", "analytics", "avatar", "kafka", "postgres")
        ]
        table.add_row(
            trial.name, f"{step.achieved_rate:.0f}", "yes" if step.held else ", ".join(step.behind),
            f"{sum(trial.ms_a_frame.values()):.3f}", *cost,
        )  # fmt: skip
    print_whole(table)


def print_soak(soak: "Soak") -> None:
    """Effects, memory, and the verdict."""
    console = Console(emoji=False)
    print_whole(_tell_effects(f"{soak.achieved_rate:.0f} frames/s for {soak.seconds / 60:.0f} min", soak.effects))
    table = Table("part", "processors", "MB at first", "MB at last", "most", "growth")
    for part, course in soak.memory.items():
        table.add_row(
            part, f"{soak.cores.get(part, 0.0):.2f}", f"{course.first_mb:.0f}", f"{course.last_mb:.0f}",
            f"{course.most_mb:.0f}", f"{course.growth:.3f}",
        )  # fmt: skip
    print_whole(table)
    audit = soak.audit
    console.print(_tell_audit(audit))
    console.print("flat, with nobody behind" if soak.good else f"grown: {soak.grown}; behind: {soak.behind}")


def print_ratios(ratios: "Iterable[Ratio]") -> None:
    """A row a figure."""
    table = Table("figure", "before", "after", "ratio")
    for ratio in ratios:
        times = "-" if ratio.ratio is None else f"{ratio.ratio:.3f}"
        table.add_row(ratio.figure, f"{ratio.before:,.3f}", f"{ratio.after:,.3f}", times)
    print_whole(table)


def _tell_audit(audit: "Audit") -> str:
    stores = f"{audit.records} records, {audit.missing} missing, {audit.doubled} there twice"
    return f"audit: {stores}; {audit.untold} results never told"


def _tell_effects(title: str, effects: "Mapping[str, Effect]") -> Table:
    table = Table(
        "effect", "frames", "a second", "mean ms", "p50", "p99", "worst", "waited first", "waited last", title=title
    )
    for name, effect in effects.items():
        times = [_in_ms(value) for value in (effect.mean_ms, effect.p50_ms, effect.p99_ms, effect.worst_ms)]
        waited = [f"{effect.lag_first:.0f}", f"{effect.lag_last:.0f}"]
        table.add_row(name, f"{effect.count} ({effect.share:.1%})", f"{effect.per_s:.1f}", *times, *waited)
    return table


def _tell_parts(step: "Step") -> Table:
    table = Table("part", "processors", "most MB")
    for part, cores in step.cores.items():
        size = step.memory_mb.get(part)
        table.add_row(part, f"{cores:.3f}", "" if size is None else f"{size:.0f}")
    return table


def _tell_stages(parts: Mapping[str, Mapping[str, float]]) -> Table:
    table = Table("part", "stage", "processors", title="where the time goes")
    total = 0.0
    for part, stages in parts.items():
        for stage, cores in sorted(stages.items(), key=lambda item: -item[1]):
            table.add_row(part, stage if stage != part else "all of it", f"{cores:.3f}")
            total += cores
        table.add_section()
    table.add_row("all", "", f"{total:.3f}")
    return table


def _tell_climb(steps: "Iterable[Step]") -> Table:
    table = Table(
        "asked", "achieved", "held", "machine", "row p99", "saved p99", "event p99", "datagram p99", title="the climb"
    )
    for step in steps:
        p99 = [
            _in_ms(step.effects[name].p99_ms)
            for name in ("Postgres row", "analytics saved", "event", "avatar datagram")
        ]
        held = "yes" if step.held else f"behind: {', '.join(step.behind)}"
        table.add_row(f"{step.asked_rate:g}", f"{step.achieved_rate:.1f}", held, f"{step.cores['machine']:.2f}", *p99)
    return table


def _in_ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
