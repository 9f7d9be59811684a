"""What a run of faults came to, as plain values: for machines, and as tables for pages."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from proving.chaos.audit import Finding
from proving.chaos.fault import Row

BEGIN_MARK: Final = "<!-- chaos: begin -->"
END_MARK: Final = "<!-- chaos: end -->"
COLUMNS: Final = ("fault", "what must happen", "lasted", "stood still", "recovered in", "lost", "twice", "ok", "seen")


@dataclass(frozen=True, slots=True)
class ChaosReport:
    """All of a run."""

    machine: Mapping[str, Any]
    seed: int
    rate: float
    streams: int
    took_s: float
    rows: list[Row]
    findings: list[Finding]

    @property
    def ok(self) -> bool:
        """Whether all is green."""
        return all(row.ok for row in self.rows) and all(finding.ok for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        rows = [{**asdict(row), "ok": row.ok} for row in self.rows]
        findings = [{**asdict(finding), "ok": finding.ok} for finding in self.findings]
        return {**asdict(self), "rows": rows, "findings": findings, "ok": self.ok}


def show_row(row: Row) -> tuple[str, ...]:
    """A row's cells, in the order of COLUMNS."""
    return (
        row.name,
        row.must,
        f"{row.lasted_s:.1f} s",
        _with_name(row.stood_still_s, row.stood_still),
        _with_name(row.recovered_s, row.slowest),
        str(row.lost),
        str(row.doubled),
        "yes" if row.ok else "NO",
        "; ".join(filter(None, [row.note, *row.problems])),
    )


def list_markdown(report: ChaosReport) -> Iterator[str]:
    """The tables of a page, line by line."""
    machine = report.machine
    yield (
        f"{report.rate:g} frames/s of {report.streams} streams, seed {report.seed}, {report.took_s / 60:.1f} minutes "
        f"in all, on {machine['processors']} processors ({machine['processor']}), {machine['memory_gb']:g} GB."
    )
    yield ""
    yield from _list_table(COLUMNS, map(show_row, report.rows))
    yield ""
    cells = ((one.name, one.figure, "yes" if one.ok else "NO", "; ".join(one.problems)) for one in report.findings)
    yield from _list_table(("in the end", "what was compared", "ok", "problems"), cells)


def write_markdown(report: ChaosReport, path: Path) -> None:
    """Put the tables between a page's marks, or make a page of them alone. Raises OSError."""
    tables = "\n".join([BEGIN_MARK, "", *list_markdown(report), "", END_MARK])
    page = path.read_text(encoding="utf-8") if path.exists() else f"{BEGIN_MARK}{END_MARK}\n"
    before, _, rest = page.partition(BEGIN_MARK)
    _, _, after = rest.partition(END_MARK)
    path.write_text(f"{before}{tables}{after}", encoding="utf-8")


def _list_table(head: tuple[str, ...], rows: Any) -> Iterator[str]:
    yield _line(head)
    yield _line(("---",) * len(head))
    for row in rows:
        yield _line(row)


def _line(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _with_name(seconds: float | None, name: str) -> str:
    return "never" if seconds is None else f"{seconds:.1f} s ({name})"
