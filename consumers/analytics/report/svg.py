"""Figures of matplotlib as SVG within a page: the same bytes for the same drawing, in the page's own colours."""

import io
import re
import warnings
from collections.abc import Mapping
from typing import Any, Final

import matplotlib
from markupsafe import Markup, escape
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

INK: Final = "#010101"
MUTED: Final = "#020202"
GRID: Final = "#030303"
PAPER: Final = "#040404"
COLOURS_OF_CATEGORIES: Final[Mapping[str, str]] = {
    "shape": "#0a0001",
    "movement": "#0a0002",
    "anomaly": "#0a0003",
    "fault": "#0a0004",
    "reaction": "#0a0005",
}
BODY: Final = "#0b0001"
COVERED: Final = "#0b0002"
_VARIABLES: Final[Mapping[str, str]] = {
    INK: "ink",
    MUTED: "muted",
    GRID: "grid",
    PAPER: "paper",
    BODY: "body",
    COVERED: "covered",
    **{colour: category for category, colour in COLOURS_OF_CATEGORIES.items()},
}
"""Colours that stand for variables of the page's style sheet, which differ in light and dark."""

_SETTINGS: Final[Mapping[Any, Any]] = {
    # Text stays text: it can be found, copied, and read aloud.
    "svg.fonttype": "none",
    "svg.hashsalt": "holistic report",
    "font.family": ["DejaVu Sans"],
    "font.size": 8,
    "hatch.linewidth": 0.6,
    "path.simplify": False,
}
_NO_METADATA: Final = dict.fromkeys(("Creator", "Date", "Format", "Type"))


def settings() -> Any:
    """A context in which nothing of a user's own settings of matplotlib changes what is drawn."""
    defaults: dict[Any, Any] = {
        name: value for name, value in matplotlib.rcParamsDefault.items() if not name.startswith("backend")
    }
    return matplotlib.rc_context({**defaults, **_SETTINGS})


def write_svg(figure: Figure, *, name: str, title: str, description: str) -> Markup:
    """The figure as an element of a page; within `settings`.

    `name` is its own in the page. Title and description are what is said where it is not seen.
    """
    FigureCanvasSVG(figure)
    written = io.StringIO()
    with warnings.catch_warnings():
        # The page's reader has fonts with letters that the one of the layout lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(written, format="svg", metadata=_NO_METADATA, transparent=True)
    _, _, content = written.getvalue().partition("<svg")
    _, _, content = content.partition(">")
    width, height = figure.get_size_inches() * 72
    # Another figure of the page has elements of the same names.
    content = re.sub(r'(\bid="|url\(#|xlink:href="#)', rf"\g<1>{name}-", content).replace("xlink:href", "href")
    for colour, variable in _VARIABLES.items():
        content = content.replace(colour, f"var(--{variable})")
    # Matplotlib has escaped all text in it.
    return Markup(  # noqa: S704
        f'<svg class="{name}" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-labelledby="{name}-title {name}-description">\n'
        f'<title id="{name}-title">{escape(title)}</title>\n'
        f'<desc id="{name}-description">{escape(description)}</desc>{content}'
    )
