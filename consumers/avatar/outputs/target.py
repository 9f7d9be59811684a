"""How people write where an avatar goes, and the outputs made of it.

A target is a URL: `vmc://127.0.0.1:39539?profile=vseeface&parts=body,face&vrm=model.vrm`, `vmc-performer://host`,
`ifm://host`, `ifm-phone://own-address`; or plain `host:port`, which is VMC with the default profile. Several are
separated by commas or semicolons.
"""

import re
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.gltf.rest_skeleton import read_rest_offsets
from consumers.avatar.humanoid.skeleton import REST_OFFSETS_M
from consumers.avatar.outputs.ifacialmocap import IFACIALMOCAP_PORT, IfacialmocapOutput, IfacialmocapPhone
from consumers.avatar.outputs.output import Output
from consumers.avatar.outputs.target_query import PROFILE_KEYS, choose, read_parts, read_port, read_profile, refuse
from consumers.avatar.outputs.udp import Address, BadTarget, parse_address
from consumers.avatar.outputs.vmc.missing_bones import plan_folds, skip_places
from consumers.avatar.outputs.vmc.output import VmcOutput
from consumers.avatar.outputs.vmc.parts import ALL_PARTS, Part
from consumers.avatar.outputs.vmc.performer_packets import PerformerPackets
from consumers.avatar.outputs.vmc.profiles import DEFAULT_PROFILE, PERFORMER_PORT, Profile

ReadRestOffsets = Callable[[Path], NDArray[np.float64]]
"""Reads float64[55, 3] from a .vrm: each bone's place at rest, in metres."""


class Kind(StrEnum):
    """What is spoken to a target."""

    VMC = "vmc"
    VMC_PERFORMER = "vmc-performer"
    IFACIALMOCAP = "ifm"
    IFACIALMOCAP_PHONE = "ifm-phone"


_KEYS: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.VMC: (*PROFILE_KEYS, "parts", "vrm"),
    Kind.VMC_PERFORMER: ("names", "gaze", "camera", "bundles", "without", "parts", "vrm"),
    Kind.IFACIALMOCAP: ("version", "parts"),
    Kind.IFACIALMOCAP_PHONE: ("answer", "parts"),
}
_PORTS: Final = {
    Kind.VMC_PERFORMER: PERFORMER_PORT,
    Kind.IFACIALMOCAP: IFACIALMOCAP_PORT,
    Kind.IFACIALMOCAP_PHONE: IFACIALMOCAP_PORT,
}
"""Where each kind listens unless said; of VMC's Marionettes the profile says it."""


@dataclass(frozen=True, slots=True)
class Target:
    """A receiver: what it is spoken to, where, how, and of which parts.

    `vrm` is the model that it shows, for the places of its bones; `version` the form of iFacialMocap's text;
    `answer_port` where programs listen that ask for it.
    """

    kind: Kind
    address: Address
    text: str
    profile: Profile = DEFAULT_PROFILE
    parts: frozenset[Part] = ALL_PARTS
    vrm: Path | None = None
    version: int = 1
    answer_port: int = IFACIALMOCAP_PORT

    def __str__(self) -> str:
        return self.text


def parse_target(text: str) -> Target:
    """One target. Raises BadTarget, which says what is wrong in it."""
    text = text.strip()
    scheme, separator, rest = text.rpartition("://")
    kind = Kind(choose(text, "kind of target", scheme, list(Kind))) if separator else Kind.VMC
    place, _, written = rest.partition("?")
    query = _read_query(text, kind, written)
    profile = read_profile(text, query)
    try:
        address = parse_address(place.removesuffix("/"), _PORTS.get(kind, profile.port))
    except BadTarget as wrong:
        refuse(text, f"{place!r} is not HOST or HOST:PORT", wrong.hint or "")
    return Target(
        kind=kind,
        address=address,
        text=text,
        profile=profile,
        parts=read_parts(text, query),
        vrm=Path(query["vrm"]) if "vrm" in query else None,
        version=int(choose(text, "version", query.get("version", "1"), ["1", "2"])),
        answer_port=read_port(text, "answer", query.get("answer", str(IFACIALMOCAP_PORT))),
    )


def parse_targets(text: str) -> tuple[Target, ...]:
    """Targets separated by commas or semicolons, none if there are none. Raises BadTarget.

    Lists within a target have commas too: behind a `?`, a comma begins a new target only before something with a colon.
    """
    written: list[str] = []
    for group in re.split(r"[;\n]", text):
        within_query = False
        for piece in group.split(","):
            if within_query and ":" not in piece:
                written[-1] += "," + piece.strip()
            elif piece.strip():
                written.append(piece)
                within_query = "?" in piece
    return tuple(parse_target(one) for one in written)


def make_output(target: Target, read_offsets: ReadRestOffsets = read_rest_offsets) -> Output:
    """The output that sends to a target; `read_offsets` reads the model that it names.

    Raises BadTarget when its host's name cannot be resolved or its model not be read, and GlbError for what is none.
    """
    if target.kind is Kind.IFACIALMOCAP:
        return IfacialmocapOutput(target.address, target.version, target.parts)
    if target.kind is Kind.IFACIALMOCAP_PHONE:
        return IfacialmocapPhone(target.address, target.parts, target.answer_port)
    offsets_m = skip_places(REST_OFFSETS_M, plan_folds(target.profile.without))
    if target.vrm is not None:
        try:
            offsets_m = read_offsets(target.vrm)
        except OSError as error:
            refuse(target.text, f"the model cannot be read ({error.strerror})", "Check the name behind vrm=.")
    if target.kind is Kind.VMC_PERFORMER:
        return VmcOutput(target.address, target.profile, target.parts, offsets_m, PerformerPackets)
    return VmcOutput(target.address, target.profile, target.parts, offsets_m)


def make_outputs(targets: Iterable[Target], read_offsets: ReadRestOffsets = read_rest_offsets) -> tuple[Output, ...]:
    """An output for each target, or none at all: those made are closed when a later one cannot be. Raises as above."""
    with ExitStack() as made:
        outputs = []
        for target in targets:
            output = make_output(target, read_offsets)
            made.callback(output.close)
            outputs.append(output)
        made.pop_all()
    return tuple(outputs)


def _read_query(text: str, kind: Kind, written: str) -> dict[str, str]:
    query: dict[str, str] = {}
    for pair in filter(None, written.split("&")):
        key, equals, value = pair.partition("=")
        choose(text, "setting", key, list(_KEYS[kind]))
        if not equals or not value or key in query:
            refuse(text, f"{key} has no value, or two", f"Write {key}=VALUE once.")
        query[key] = unquote(value)
    return query
