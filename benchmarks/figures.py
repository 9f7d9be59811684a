"""How a benchmark says what it measured: a line a figure, or one JSON object."""

import json
import sys
from collections.abc import Mapping


def print_figures(figures: Mapping[str, object], as_json: bool | None = None) -> None:
    """Print them all; where `as_json` is not given, the command line's `--json` says how."""
    if as_json is None:
        as_json = "--json" in sys.argv[1:]
    if as_json:
        sys.stdout.write(json.dumps(figures) + "\n")
        return
    width = max(map(len, figures), default=0)
    for name, value in figures.items():
        sys.stdout.write(f"{name:<{width}} {_write(value):>16}\n")


def _write(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
