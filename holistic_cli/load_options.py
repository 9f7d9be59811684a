"""How acts, mixes, ramps, bursts and faults are written on the command line of `holistic load`."""

import re
from typing import TYPE_CHECKING, Final

import typer

if TYPE_CHECKING:
    from performers.acts import ActKind
    from performers.faults import FaultKind
    from performers.tempo import Burst

_NUMBER: Final = r"\d+(?:\.\d+)?"
_RAMP: Final = re.compile(rf"({_NUMBER})\.\.({_NUMBER})")
_BURST: Final = re.compile(rf"({_NUMBER})x({_NUMBER})s/({_NUMBER})s")


def read_acts(names: str) -> "tuple[ActKind, ...]":
    """`idle,wave`: acts one after another."""
    return _read_names(names.split(","), "--acts")


def read_mix(text: str) -> "tuple[tuple[tuple[ActKind, ...], float], ...]":
    """`idle:5,wave+idle:2`: acts (one after another), and the weight, else 1, of the streams that do them."""
    mix = []
    for entry in _split(text):
        names, _, weight = entry.partition(":")
        mix.append((_read_names(names.split("+"), "--mix"), _read_number(weight or "1", "--mix", entry)))
    return tuple(mix)


def read_ramp(text: str) -> tuple[float, float]:
    """`100..800`: frames a second at the begin and at the end."""
    found = _RAMP.fullmatch(text.strip())
    if found is None:
        raise typer.BadParameter(
            f"{text!r} is no ramp: write it as 100..800, frames a second at begin and end", param_hint="--ramp"
        )
    return float(found[1]), float(found[2])


def read_burst(text: str) -> "Burst":
    """`3x1s/10s`: three times the rate for the last second of every ten."""
    from performers.tempo import Burst

    found = _BURST.fullmatch(text.strip())
    if found is None:
        raise typer.BadParameter(
            f"{text!r} is no burst: write it as 3x1s/10s, three times the rate for 1 s of every 10 s",
            param_hint="--burst",
        )
    return Burst(float(found[1]), float(found[2]), float(found[3]))


def read_faults(text: str) -> "dict[FaultKind, float]":
    """`dropout:0.01,late:0.02`: the share of each stream's frames that a kind of fault befalls."""
    from performers.faults import FaultKind

    shares: dict[FaultKind, float] = {}
    for entry in _split(text):
        kind, _, share = entry.partition(":")
        known = [known.value for known in FaultKind]
        if kind not in known:
            raise typer.BadParameter(f"unknown: {kind}; known are {', '.join(known)}", param_hint="--fault")
        shares[FaultKind(kind)] = _read_number(share, "--fault", entry)
    return shares


def _read_names(names: list[str], option: str) -> "tuple[ActKind, ...]":
    from performers.acts import ActKind

    wanted = [name.strip() for name in names if name.strip()]
    known = [kind.value for kind in ActKind]
    wrong = [name for name in wanted if name not in known]
    if wrong or not wanted:
        raise typer.BadParameter(
            f"unknown: {', '.join(wrong) or 'none given'}; known are {', '.join(known)}", param_hint=option
        )
    return tuple(ActKind(name) for name in wanted)


def _split(text: str) -> list[str]:
    return [entry.strip() for entry in text.split(",") if entry.strip()]


def _read_number(text: str, option: str, entry: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(
            f"{entry!r} needs a number after a colon, as in {entry.partition(':')[0]}:0.01", param_hint=option
        ) from None
