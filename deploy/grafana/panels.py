"""Panels of few words: what to ask, in which unit, how wide. What else Grafana has to be told is said here, once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

FRAMES: Final = "suffix: frames/s"
A_SECOND: Final = "cps"
COUNT: Final = "short"
SECONDS: Final = "s"
BYTES: Final = "bytes"
SHARE: Final = "percentunit"
CORES: Final = "suffix: cores"
BYTES_A_SECOND: Final = "Bps"
EVENTS: Final = "suffix: events/s"
DATAGRAMS: Final = "suffix: datagrams/s"
TIME_PASSING: Final = "suffix: s/s"
TEXT: Final = "none"
UNITS: Final = frozenset(
    {FRAMES, A_SECOND, COUNT, SECONDS, BYTES, BYTES_A_SECOND, SHARE, CORES, EVENTS, DATAGRAMS, TIME_PASSING, TEXT}
)
"""Grafana's names of units; `suffix:` is a unit of one's own."""


@dataclass(frozen=True, slots=True)
class Query:
    """What Prometheus is asked, and what the answer's lines are called (`{{label}}` is filled in)."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel: Grafana's `kind`, its queries, and what is particular to the kind (`options`, `defaults`, `extra`)."""

    kind: str
    title: str
    unit: str
    queries: tuple[Query, ...]
    about: str = ""
    width: int = 8
    height: int = 8
    instant: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)


def graph(
    title: str,
    unit: str,
    *queries: Query,
    about: str = "",
    width: int = 8,
    stacked: bool = False,
    most: float | None = None,
) -> Panel:
    """Lines over time, from 0 up; `most` is the largest value there can be."""
    custom = {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 20 if stacked else 5,
        "showPoints": "never",
        "spanNulls": 60_000,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
    }
    defaults: dict[str, Any] = {"custom": custom, "min": 0}
    if most is not None:
        defaults["max"] = most
    options = {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return Panel("timeseries", title, unit, queries, about, width, options=options, defaults=defaults)


def number(
    title: str,
    unit: str,
    expr: str,
    *,
    about: str = "",
    warn: float | None = None,
    bad: float | None = None,
    width: int = 4,
) -> Panel:
    """The newest value, large; yellow from `warn` on, red from `bad` on. Where `bad` is below `warn`, downwards."""
    options = {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "background" if warn is not None or bad is not None else "value",
        "graphMode": "area",
        "textMode": "auto",
        "justifyMode": "auto",
        "orientation": "auto",
    }
    defaults = {"color": {"mode": "thresholds"}, "thresholds": _thresholds(warn, bad)}
    return Panel("stat", title, unit, (Query(expr),), about, width, 4, options=options, defaults=defaults)


def states(
    title: str, query: Query, names: Sequence[tuple[int, str, str]], *, about: str = "", width: int = 24
) -> Panel:
    """Coloured bars over time; `names` are (value, what it means, colour)."""
    mapping = {str(value): {"text": text, "color": colour, "index": value} for value, text, colour in names}
    defaults = {
        "mappings": [{"type": "value", "options": mapping}],
        "color": {"mode": "thresholds"},
        "custom": {"fillOpacity": 80, "lineWidth": 0},
    }
    options = {
        "showValue": "auto",
        "mergeValues": True,
        "rowHeight": 0.8,
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return Panel("state-timeline", title, TEXT, (query,), about, width, options=options, defaults=defaults)


def table(title: str, expr: str, columns: Sequence[str], *, about: str = "", width: int = 24) -> Panel:
    """What is so now: a line for each series, its labels in columns."""
    shown = {name: place for place, name in enumerate(columns)}
    tidy = {
        "id": "organize",
        "options": {"excludeByName": {"Time": True, "Value": True, "__name__": True}, "indexByName": shown},
    }
    return Panel(
        "table", title, TEXT, (Query(expr),), about, width, instant=True,
        options={"showHeader": True, "cellHeight": "sm"}, extra={"transformations": [tidy]},
    )  # fmt: skip


def heat(title: str, unit: str, histogram: str, *, about: str = "", width: int = 12) -> Panel:
    """How many fell into each bucket of a histogram, over time."""
    options = {
        "calculate": False,
        "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64, "fill": "dark-orange", "exponent": 0.5},
        "yAxis": {"unit": unit, "axisPlacement": "left"},
        "cellGap": 1,
        "tooltip": {"mode": "single", "yHistogram": False},
        "legend": {"show": True},
        "filterValues": {"le": 1e-9},
        "rowsFrame": {"layout": "auto"},
    }
    query = Query(f"sum by (le) (rate({histogram}_bucket[$__rate_interval]))", "{{le}}")
    return Panel("heatmap", title, unit, (query,), about, width, options=options)


def rate(counter: str, by: str = "", where: str = "") -> str:
    """By how much a counter grows a second, added up by these labels; `where` is as `{job="archive"}`."""
    grows = f"(rate({counter}{where}[$__rate_interval]))"
    return f"sum by ({by}) {grows}" if by else f"sum{grows}"


def mean(histogram: str, by: str) -> str:
    """The mean of what a histogram counted, by these labels."""
    return f"{rate(f'{histogram}_sum', by)} / {rate(f'{histogram}_count', by)}"


def quantiles(
    histogram: str, by: str, name: str, shares: Iterable[float] = (0.5, 0.99), where: str = ""
) -> tuple[Query, ...]:
    """The times within which these shares of what a histogram counted fell, by a label."""
    return tuple(
        Query(
            f"histogram_quantile({share}, sum by ({by}, le) (rate({histogram}_bucket{where}[$__rate_interval])))",
            f"{name} p{share * 100:g}",
        )
        for share in shares
    )


def _thresholds(warn: float | None, bad: float | None) -> dict[str, Any]:
    """Colours from which values on; the first has none. Where less is worse, red is the first."""
    colours: list[tuple[str, float | None]] = [("green", None), ("yellow", warn), ("red", bad)]
    if warn is None and bad is None:
        colours = [("text", None)]
    elif warn is not None and bad is not None and bad < warn:
        colours = [("red", None), ("yellow", bad), ("green", warn)]
    first, *others = colours
    kept = [first, *(one for one in others if one[1] is not None)]
    return {"mode": "absolute", "steps": [{"color": colour, "value": value} for colour, value in kept]}
