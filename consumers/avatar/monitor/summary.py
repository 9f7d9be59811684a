"""What was seen, as a JSON-able object: one line a second for machines."""

import numpy as np

from consumers.avatar.humanoid.rotations import to_euler
from consumers.avatar.monitor.seen import BoneSeen, Seen

Summary = dict[str, object]


def summarise(seen: Seen, now_s: float) -> Summary:
    """The state of a watch at a moment. Angles are Unity's Euler angles in degrees, values as they were sent."""
    rates = seen.rates_at(now_s)
    return {
        "datagrams": seen.datagrams,
        "states": seen.states,
        "datagrams_per_s": rates.datagrams,
        "bytes_per_s": rates.bytes,
        "states_per_s": rates.states,
        "age_s": None if seen.last_at_s is None else round(now_s - seen.last_at_s, 3),
        "senders": len(seen.senders),
        "ok": None if seen.ok is None else list(seen.ok),
        "sender_time_s": seen.sender_time_s,
        "bones_deg": {name: [round(angle, 1) for angle in angles] for name, angles in turn_degrees(seen.bones).items()},
        "devices_m": {name: [round(metres, 3) for metres in device.place_m] for name, device in seen.devices.items()},
        "face_deg": {name: list(numbers) for name, numbers in seen.turns_deg.items()},
        "shapes": {name: round(shape.value, 3) for name, shape in seen.shapes.items()},
        "problems": dict(seen.problems),
    }


def turn_degrees(bones: dict[str, BoneSeen]) -> dict[str, list[float]]:
    """Euler angles x, y, z of each bone, in degrees."""
    if not bones:
        return {}
    angles = np.degrees(to_euler(np.array([bone.rotation for bone in bones.values()])))
    return dict(zip(bones, angles.tolist(), strict=True))
