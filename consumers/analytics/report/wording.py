"""Figures in words: numbers with their units, times, and how long something took."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple

from consumers.analytics.finding import Evidence

NOT_KNOWN: Final = "not known"
_UNITS: Final[Mapping[str, str]] = {
    "body_scales_per_s": "body scales a second",
    "scales_per_s": "body scales a second",
    "body_scales": "body scales",
    "eye_widths": "eye widths",
    "percent": "%",
    "scales": "body scales",
    "deg": "°",
    "fps": "frames a second",
    "hz": "Hz",
    "s": "s",
    "m": "m",
}
"""By the end of a name that says them, longer ends first."""


class Quantity(NamedTuple):
    """A piece of evidence, as people read it."""

    name: str
    text: str


def write_words(name: str) -> str:
    """`thumbs_up` as "thumbs up"."""
    return name.replace("_", " ")


def write_count(number: int) -> str:
    return f"{number:,}"


def write_number(number: float | None, digits: int = 1) -> str:
    """To so many digits after the point."""
    return NOT_KNOWN if number is None else f"{number:,.{digits}f}"


def write_percent(percent: float | None) -> str:
    return NOT_KNOWN if percent is None else f"{percent:.1f} %"


def write_share(share: float) -> str:
    """0 … 1, as percent."""
    return f"{100 * share:.0f} %"


def write_duration(seconds: float | None) -> str:
    """Seconds below a minute to a tenth; above, the two greatest units."""
    if seconds is None:
        return NOT_KNOWN
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(seconds / 60)
    if minutes < 1440:
        return f"{minutes // 60} h {minutes % 60} min"
    hours = round(seconds / 3600)
    return f"{hours // 24:,} d {hours % 24} h"


def write_date(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"


def write_clock(at: datetime) -> str:
    """The time of day, to the second."""
    return f"{at:%H:%M:%S}"


def write_moment(at: datetime) -> str:
    """Day and time, to the second."""
    return f"{at:%Y-%m-%d %H:%M:%S}"


def write_evidence(evidence: Evidence) -> list[Quantity]:
    """Each piece by its name without the unit, and with it; those that are not known are left out."""
    return [_write_piece(name, value) for name, value in evidence.items() if value is not None]


def name_column(name: str) -> str:
    """`depth_deg` as "depth, °"."""
    words, unit = _split_unit(name)
    return f"{words}, {unit}" if unit else words


def write_cell(value: float | int | str | bool | None) -> str:
    """A piece of evidence in a column that says its unit; nothing where it could not be told."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, str):
        return write_words(value)
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _write_piece(name: str, value: float | int | str | bool | None) -> Quantity:
    words, unit = _split_unit(name)
    if isinstance(value, bool | str) or not unit:
        return Quantity(words, write_cell(value))
    if unit == "s":
        return Quantity(words, f"{write_cell(value)} s")
    return Quantity(words, f"{write_cell(value)}{'' if unit == '°' else ' '}{unit}")


def _split_unit(name: str) -> tuple[str, str]:
    if name == "seconds":
        return "lasted", "s"
    for end, unit in _UNITS.items():
        if name.endswith(f"_{end}"):
            return write_words(name.removesuffix(f"_{end}")), unit
    return write_words(name), ""
