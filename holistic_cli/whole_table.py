"""Tables of which nothing is cut, and text that cannot move a terminal's cursor."""

import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.table import Table

_WIDEST: Final = 500
_PICTURES: Final = (
    {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "\u2421"} | dict.fromkeys(range(0x80, 0xA0), "\ufffd")
)
_PICTURES_IN_LINES: Final = {code: picture for code, picture in _PICTURES.items() if chr(code) not in "\n\t"}


def print_whole(table: "Table") -> None:
    """Print a table: where the terminal has little room without lines, and piped elsewhere as wide as it is."""
    from rich.console import Console
    from rich.measure import Measurement

    console = Console(emoji=False)
    needed = Measurement.get(console, console.options.update(max_width=_WIDEST), table).maximum
    if needed > console.width and sys.stdout.isatty():
        table.box, table.padding = None, (0, 1, 0, 0)
    elif needed > console.width:
        console = Console(emoji=False, width=needed)
    console.print(table)


def show_controls(text: str, *, keep_lines: bool = False) -> str:
    """Text of others with a picture for each control character (␛), for they would reach the terminal as orders."""
    return text.translate(_PICTURES_IN_LINES if keep_lines else _PICTURES)
