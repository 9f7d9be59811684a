"""What is wrong with messages, as a receiver would notice it."""

from math import isfinite, sqrt
from typing import Final

from consumers.avatar.humanoid.skeleton import Bone
from consumers.avatar.monitor.osc import OscMessage
from consumers.avatar.monitor.specification import TAGS_OF_ADDRESS, THROUGH

_BONE_NAMES: Final = frozenset(bone.unity_name for bone in Bone)
_BONE: Final = "/VMC/Ext/Bone/Pos"
_SHAPE: Final = "/VMC/Ext/Blend/Val"
_MOST_OFF_UNIT: Final = 1e-3
_LONGEST_NAME: Final = 60


def find_problem(message: OscMessage) -> str | None:
    """What is wrong with a message of VMC, or None."""
    forms = TAGS_OF_ADDRESS.get(message.address)
    if forms is None:
        known = message.address.startswith(THROUGH)
        return None if known else f"unknown address {message.address[:_LONGEST_NAME]}"
    if message.tags not in forms:
        asked = " or ".join(f"'{form}'" for form in forms)
        return f"{message.address} with types '{message.tags[:_LONGEST_NAME]}' where {asked} belongs"
    numbers = [argument for argument in message.arguments if isinstance(argument, float)]
    if not all(map(isfinite, numbers)):
        return f"{_name(message)} has a number that is none"
    if message.tags.startswith("s" + 7 * "f"):
        return _find_problem_of_pose(message, numbers)
    if message.address == _SHAPE and not 0.0 <= numbers[0] <= 1.0:
        return f"{_name(message)} is {numbers[0]:g}, outside 0 to 1"
    return None


def is_readable(message: OscMessage) -> bool:
    """Whether a message has an address, types and numbers that can be shown, whatever else is wrong with it."""
    numbers = [argument for argument in message.arguments if isinstance(argument, float)]
    return message.tags in TAGS_OF_ADDRESS.get(message.address, ()) and all(map(isfinite, numbers))


def _find_problem_of_pose(message: OscMessage, numbers: list[float]) -> str | None:
    length = sqrt(sum(number * number for number in numbers[3:7]))
    if abs(length - 1.0) > _MOST_OFF_UNIT:
        return f"{_name(message)} has a rotation of length {length:.3g}, not 1"
    if message.address == _BONE:
        if message.arguments[0] not in _BONE_NAMES:
            return f"{_name(message)} is no bone of a humanoid"
        if not any(numbers[:3]):
            return f"{_name(message)} has no place (zeros): receivers collapse the model"
    return None


def _name(message: OscMessage) -> str:
    of = message.arguments[0] if message.arguments and isinstance(message.arguments[0], str) else ""
    return f"{message.address} {of}".strip()[: 2 * _LONGEST_NAME]
