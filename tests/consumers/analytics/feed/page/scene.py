"""What a minute of three streams looks like: synthetic performers, and what analytics might say of them."""

import time
from collections.abc import Iterator
from typing import Any

from keypoints.frame import HolisticFrame
from performers.acts import Act, ActKind
from performers.performer import Performer
from tests.consumers.analytics.feed.serving import made_event

ADA, BEN, DOOR = "ada", "ben", "front door"


def made_frames(stream: str = ADA, seconds: float = 2.0) -> list[HolisticFrame]:
    """Somebody who shows a thumb, up to now."""
    script = [Act(ActKind.THUMBS_UP, 0.2, 6.0), Act(ActKind.SPEAK, 0.0, 6.0)]
    start_us = int((time.time() - seconds) * 1e6)
    return list(Performer(stream, script, seed=3).frames(seconds, 15, start_us=start_us, epoch=1))


def made_scene() -> list[dict[str, Any]]:
    """Events of the last minute, in the order of their ends; two go on."""
    now_s = time.time()

    def during(
        gesture: int, stream: str, kind: str, category: str, subject: str, ago_s: float, length_s: float, **more: Any
    ) -> Iterator[dict[str, Any]]:
        about = {"category": category, "subject": subject, "hand": subject if subject in {"left", "right"} else None}
        times = {"started_s": now_s - ago_s, "ended_s": now_s - ago_s + length_s}
        for phase in ("start", "end"):
            yield made_event(gesture, stream=stream, kind=kind, phase=phase, **about, **times, **more)

    def once(
        gesture: int, stream: str, kind: str, category: str, subject: str, ago_s: float, **more: Any
    ) -> dict[str, Any]:
        both = list(during(gesture, stream, kind, category, subject, ago_s, 0.8, **more))
        return both[1] | {"phase": "occurred", "event_id": f"{stream}-{gesture}-{kind}-occurred"}

    squats = [
        once(20 + turn, BEN, "squat", "movement", "body", 52 - 5 * turn, evidence={"repetition": turn + 1, **_SQUAT})
        for turn in range(5)
    ]
    going = [
        next(during(30, ADA, "thumbs_up", "shape", "right", 6, 0)),
        next(during(31, BEN, "raised_hand", "movement", "left", 11, 0)),
    ]
    return [
        *during(1, ADA, "open", "shape", "right", 56, 4),
        *during(2, ADA, "thumbs_up", "shape", "left", 52, 6),
        *during(3, ADA, "wave", "movement", "right", 44, 5, evidence={"swings": 4}),
        once(4, ADA, "lights_on", "reaction", "right", 38),
        *squats,
        *during(5, ADA, "speaking", "movement", "face", 32, 10),
        *during(
            6, DOOR, "frozen_frames", "fault", "capture", 30, 8, severity="warning", evidence={"longest_ms": 712.5}
        ),
        *during(7, BEN, "immobile", "anomaly", "body", 25, 9, severity="warning", evidence={"still_s": 9.1}),
        once(8, DOOR, "fall", "anomaly", "body", 14, severity="critical", evidence={"drop_body_scales": 1.31}),
        once(9, ADA, "nod", "movement", "head", 12),
        *going,
    ]


_SQUAT = {"depth_deg": 84.2371, "tempo_s": 2.94}
