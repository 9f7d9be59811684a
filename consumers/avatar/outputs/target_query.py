"""What may stand behind the `?` of a target."""

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Final, Literal, NoReturn

from consumers.avatar.humanoid.skeleton import Bone
from consumers.avatar.outputs.udp import BadTarget
from consumers.avatar.outputs.vmc.camera import Camera
from consumers.avatar.outputs.vmc.parts import ALL_PARTS, Part
from consumers.avatar.outputs.vmc.profiles import DEFAULT_PROFILE, PROFILES, Names, Profile

PROFILE_KEYS: Final = (
    *("profile", "names", "ok", "hips", "unknown", "fingers", "gaze", "bundles", "scale", "camera", "without"),
)
"""What changes how a VMC target is sent to."""

_BONES: Final = {bone.unity_name: bone for bone in Bone if bone is not Bone.HIPS}
"""Bones that a model may lack, by the names they have on the wire."""

_LARGEST: Final = 1e6
"""Of a setting's numbers: what is sent has four bytes for each."""

_OK_VALUES: Final[dict[str, Literal[1, 3, 4]]] = {"1": 1, "3": 3, "4": 4}


def refuse(text: str, what: str, hint: str) -> NoReturn:
    """Raise BadTarget, saying what is wrong in it."""
    raise BadTarget(f"{what} in target {text!r}", hint=hint, target=text)


def choose(text: str, what: str, word: str, choices: list[str]) -> str:
    """The word, if it is one of the choices. Raises BadTarget, which says what there is."""
    if word in choices:
        return word
    near = get_close_matches(word, choices, n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    refuse(text, f"there is no {what} {word!r}", f"{hint}There are: {', '.join(choices)}.")


def read_port(text: str, key: str, written: str) -> int:
    """A port number. Raises BadTarget."""
    if not written.isascii() or not written.isdigit() or not 0 < int(written) < 65536:
        refuse(text, f"{key}={written} is no port", f"Write {key}=49983.")
    return int(written)


def read_parts(text: str, query: Mapping[str, str]) -> frozenset[Part]:
    """`parts=body,face`: only these; `parts=-legs,-root`: all but these. Raises BadTarget."""
    if "parts" not in query:
        return ALL_PARTS
    words = [word.strip() for word in query["parts"].split(",") if word.strip()]
    named = {Part(choose(text, "part", word.removeprefix("-"), list(Part))) for word in words}
    without = [word.startswith("-") for word in words]
    if not words or any(without) != all(without):
        refuse(text, "parts are neither a list nor all left out", "Write parts=body,face or parts=-legs,-root.")
    return ALL_PARTS - named if all(without) else frozenset(named)


def read_profile(text: str, query: Mapping[str, str]) -> Profile:
    """The profile named, changed by what else is asked for. Raises BadTarget."""
    profile = DEFAULT_PROFILE
    if "profile" in query:
        profile = PROFILES[choose(text, "profile", query["profile"], list(PROFILES))]
    if "names" in query:
        words = [word.strip() for word in query["names"].split(",") if word.strip()]
        profile = replace(
            profile,
            names=tuple(Names(choose(text, "set of names", word, list(Names))) for word in dict.fromkeys(words)),
        )
    if "ok" in query:
        values = choose(text, "number of values of OK", query["ok"], list(_OK_VALUES))
        profile = replace(profile, ok_values=_OK_VALUES[values])
    if "unknown" in query:
        chosen = choose(text, "treatment of unknown bones", query["unknown"], ["omit", "rest"])
        profile = replace(profile, sends_unknown=chosen == "rest")
    if "gaze" in query:
        chosen = choose(text, "kind of gaze", query["gaze"], ["bones", "expressions"])
        profile = replace(profile, looks_by_expression=chosen == "expressions")
    profile = replace(
        profile,
        moves_hips=_is_asked(text, query, "hips", profile.moves_hips),
        sends_fingers=_is_asked(text, query, "fingers", profile.sends_fingers),
        bundles=_is_asked(text, query, "bundles", profile.bundles),
    )
    if "scale" in query:
        (scale,) = _read_numbers(text, "scale", query["scale"], 1, 1)
        if not scale > 0.0:
            refuse(text, f"the scale {query['scale']!r} is not above 0", "Write scale=1.0, or leave it out.")
        profile = replace(profile, root_scale=scale)
    if "without" in query:
        words = [word.strip() for word in query["without"].split(",") if word.strip()]
        missing = frozenset(_BONES[choose(text, "bone to be without", word, list(_BONES))] for word in words)
        profile = replace(profile, without=missing)
    if "camera" in query:
        profile = replace(profile, camera=_read_camera(text, query["camera"]))
    return profile


def _is_asked(text: str, query: Mapping[str, str], key: str, unless_said: bool) -> bool:
    return choose(text, f"answer to {key}", query[key], ["yes", "no"]) == "yes" if key in query else unless_said


def _read_camera(text: str, written: str) -> Camera:
    x, y, z, yaw, *others = _read_numbers(text, "camera", written, 4, 6)
    pitch, field_of_view = (others + [0.0, 30.0][len(others) :])[:2]
    try:
        return Camera((x, y, z), yaw, pitch, field_of_view)
    except ValueError as wrong:
        refuse(
            text, str(wrong), "Write camera=X,Y,Z,YAW,PITCH,FOV in metres and degrees, as camera=0,1.4,1.5,180,0,30."
        )


def _read_numbers(text: str, key: str, written: str, least: int, most: int) -> list[float]:
    try:
        numbers = [float(word) for word in written.split(",")]
    except ValueError:
        numbers = []
    if not least <= len(numbers) <= most:
        count = str(least) if least == most else f"{least} to {most}"
        refuse(text, f"{key}={written} is not {count} numbers", "Camera: X,Y,Z,YAW,PITCH,FOV; scale: one number.")
    if any(abs(number) > _LARGEST for number in numbers):
        refuse(text, f"{key}={written} has a number beyond {_LARGEST:.0f}", "Metres and degrees are meant.")
    return numbers
