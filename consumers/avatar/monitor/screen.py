"""What was seen, drawn for a terminal."""

from math import ceil
from typing import Final

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from consumers.avatar.monitor.seen import Seen
from consumers.avatar.monitor.summary import turn_degrees

Cells = list[Text | str]

_STALE_AFTER_S: Final = 1.0
_CHANGED_FOR_S: Final = 0.5
_BAR_WIDTH: Final = 10
_PROBLEMS_SHOWN: Final = 8
_BONES_ABREAST: Final = 3
_SHAPES_ABREAST: Final = 3
_TRACKING: Final = {0: "not tracked", 1: "tracked"}


def draw(seen: Seen, ports: list[int], now_s: float) -> RenderableType:
    """The whole view: how much comes, what is wrong, bones and shapes; what changed just now is bold."""
    parts: list[RenderableType] = [_draw_traffic(seen, ports, now_s)]
    if seen.problems:
        parts.append(_draw_problems(seen))
    if seen.bones:
        angles = turn_degrees(seen.bones)
        cells: list[Cells] = [
            [_mark(name, now_s - seen.bones[name].changed_at_s), *(f"{angle:6.1f}" for angle in angles[name])]
            for name in seen.bones
        ]
        parts.append(_lay_abreast("Bones, degrees", ("bone", "x", "y", "z"), cells, _BONES_ABREAST))
    if seen.devices or seen.turns_deg:
        parts.append(_draw_others(seen))
    if seen.shapes:
        cells = [
            [_mark(name, now_s - shape.changed_at_s), _draw_bar(shape.value), f"{shape.value:4.2f}"]
            for name, shape in seen.shapes.items()
        ]
        parts.append(_lay_abreast("Shapes", ("shape", "", ""), cells, _SHAPES_ABREAST))
    return Group(*parts)


def _draw_traffic(seen: Seen, ports: list[int], now_s: float) -> Panel:
    rates = seen.rates_at(now_s)
    where = ", ".join(map(str, ports))
    if seen.last_at_s is None:
        return Panel(f"Nothing has come to port {where} yet.", title="Avatar packets", border_style="yellow")
    age_s = now_s - seen.last_at_s
    tracking = "" if seen.ok is None or len(seen.ok) < 4 else ", " + _TRACKING.get(seen.ok[3], "?")
    text = Text.assemble(
        f"port {where}   {rates.states:.0f} states/s   {rates.datagrams:.0f} datagrams/s   "
        f"{rates.bytes / 1000:.1f} kB/s   senders {len(seen.senders)}   ",
        (f"last {age_s:.2f} s ago", "bold red" if age_s > _STALE_AFTER_S else "green"),
        "\n",
        f"OK {' '.join(map(str, seen.ok)) if seen.ok else '–'}{tracking}   "
        f"T {'–' if seen.sender_time_s is None else f'{seen.sender_time_s:.2f} s'}   "
        f"{seen.datagrams} datagrams and {seen.states} states in all",
    )
    return Panel(text, title="Avatar packets", border_style="red" if seen.problems else "green")


def _draw_problems(seen: Seen) -> Panel:
    worst = seen.problems.most_common(_PROBLEMS_SHOWN)
    lines = [f"{count:6}  {problem}" for problem, count in worst]
    if len(seen.problems) > len(worst):
        lines.append(f"        and {len(seen.problems) - len(worst)} more kinds")
    return Panel(Text("\n".join(lines)), title="Problems", border_style="red")


def _draw_others(seen: Seen) -> Table:
    table = Table("what", "x", "y", "z", title="Devices, metres; the face's turns, degrees", box=None)
    for name, device in seen.devices.items():
        table.add_row(Text(name), *(f"{metres:.3f}" for metres in device.place_m))
    for name, numbers in seen.turns_deg.items():
        table.add_row(Text(f"face {name}"), *(f"{number:.1f}" for number in numbers[:3]))
    return table


def _lay_abreast(title: str, heads: tuple[str, ...], cells: list[Cells], abreast: int) -> Table:
    """A table read from the top down, then from left to right, in `abreast` groups of columns."""
    table = Table(*(abreast * heads), title=title, box=None, padding=(0, 1))
    height = ceil(len(cells) / abreast)
    blank: Cells = [""] * len(heads)
    for row in range(height):
        groups = [cells[at] if (at := row + group * height) < len(cells) else blank for group in range(abreast)]
        table.add_row(*(cell for group in groups for cell in group))
    return table


def _mark(name: str, since_changed_s: float) -> Text:
    return Text(name, "bold" if since_changed_s < _CHANGED_FOR_S else "dim")


def _draw_bar(value: float) -> Text:
    full = round(_BAR_WIDTH * min(max(value, 0.0), 1.0)) if value == value else 0
    return Text("█" * full + "·" * (_BAR_WIDTH - full), "cyan")
