"""Forget a stream: put it in the ledger, wait for who is still writing, erase, and look again until nothing is left."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from connect_runtime.forgetting.ledger import note_receipt, write_forgotten
from connect_runtime.forgetting.places import Found, Lingering, Place, Subject, newest_of
from connect_runtime.forgetting.receipt import FORMAT, seal, show_time
from connect_runtime.forgetting.streams import ForgottenStream
from kafka_io.settings import KafkaSettings

SETTLE_S: Final = 10.0
"""A service looks at the ledger once a second, and then makes what it holds durable: that takes it seconds."""
_PASSES: Final = 20

NEVER_KEPT: Final = {
    "producer spill": "producers keep no records on disk",
    "avatar": "it keeps no records",
}
"""Where people look in vain, and why."""
NOT_COVERED: Final = (
    "logs and traces, which name streams and keep their own retention",
    "backups, replicas' disks and the database's write-ahead log, which keep theirs",
    "files people exported, and topics outside the suite that others copied records to",
    "what programs outside the suite made of the records",
)
"""What no receipt speaks for."""


@dataclass(frozen=True, slots=True)
class ForgetRequest:
    """Who is to be forgotten, by whom it was asked, and whether nothing is ever to come of the stream again."""

    stream_id: str
    asked_by: str
    for_ever: bool = False
    settle_s: float = SETTLE_S


@dataclass(frozen=True, slots=True)
class Around:
    """What a forgetting has around it: the clock (microseconds since 1970), and how it waits (seconds)."""

    now_us: Callable[[], int]
    wait: Callable[[float], object]
    tell: Callable[[str], None] = lambda _what: None


def look(places: Sequence[Place], subject: Subject, tell: Callable[[str], None] = lambda _what: None) -> list[Found]:
    """What there is in each place; changes nothing."""
    found: list[Found] = []
    for place in places:
        tell(f"looking into {place.name}")
        found.append(place.find(subject))
    return found


def forget(
    kafka: KafkaSettings,
    request: ForgetRequest,
    places: Sequence[Place],
    find_lingering: Callable[[int], Sequence[Lingering]],
    around: Around,
) -> dict[str, Any]:
    """Forget the stream, and return the receipt. `find_lingering` is told the newest record's time.

    Killed at any step, the next call does the rest. Raises Transient or Terminal.
    """
    began_us = around.now_us()
    at_first = look(places, Subject(request.stream_id, None), around.tell)
    # A record dated ahead of now is one of before all the same.
    until_us = None if request.for_ever else max(began_us, (newest_of(at_first) or 0) + 1)
    # The ledger first: whatever comes from now on is kept out, and what is being written is seen by a later pass.
    entry = write_forgotten(kafka, request.stream_id, until_us, began_us)
    subject = Subject(request.stream_id, entry.until_us)
    removed = _erase_until_gone(places, subject, request.settle_s, around)
    left = look(places, subject, around.tell)
    newest_us = newest_of([*at_first, *(found for passes in removed for found in passes)])
    lingering = find_lingering(newest_us if newest_us is not None else entry.until_us or began_us)
    content = _write(request, entry, (began_us, around.now_us()), places, (at_first, removed, left), lingering)
    receipt = seal(content)
    note_receipt(kafka, entry, receipt["sha256"])
    return receipt


def _erase_until_gone(places: Sequence[Place], subject: Subject, settle_s: float, around: Around) -> list[list[Found]]:
    """What each pass removed. The last two, some time apart, found nothing."""
    passes: list[list[Found]] = []
    while len(passes) < _PASSES:
        if passes:
            around.tell("waiting for what is being written")
            around.wait(settle_s / 2)
        found: list[Found] = []
        for place in places:
            around.tell(f"erasing from {place.name}")
            found.append(place.erase(subject))
        passes.append(found)
        # The first pass may be over before any service has looked at the ledger.
        if len(passes) > 2 and not any(one.records for found in passes[-2:] for one in found):
            break
    return passes


def _write(
    request: ForgetRequest,
    entry: ForgottenStream,
    times_us: tuple[int, int],
    places: Sequence[Place],
    counted: tuple[Sequence[Found], Sequence[Sequence[Found]], Sequence[Found]],
    lingering: Sequence[Lingering],
) -> dict[str, Any]:
    at_first, removed, left = counted
    return {
        "format": FORMAT,
        "stream": {"salt": entry.salt, "digest": entry.digest},
        "asked_by": request.asked_by,
        "began_at": show_time(times_us[0]),
        "ended_at": show_time(times_us[1]),
        "forgotten_until": show_time(entry.until_us) or "for ever",
        "complete": not any(found.records for found in left),
        "places": [
            {
                "place": place.name,
                "found": found.records,
                "removed": sum(passed[number].records for passed in removed),
                "details": [dict(passed[number].details) for passed in removed if passed[number].details],
                "left": remaining.records,
                "verified": place.proof,
            }
            for number, (place, found, remaining) in enumerate(zip(places, at_first, left, strict=True))
        ],
        "passes": len(removed),
        "remains": [
            {"place": one.place, "until": show_time(one.until_us) or "it is deleted", "why": one.why}
            for one in lingering
        ],
        "never_kept": dict(NEVER_KEPT),
        "not_covered": list(NOT_COVERED),
    }
