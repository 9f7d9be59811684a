"""What a restore brought back and the ledger says is to be nowhere: erased again, by the digests of names."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from connect_runtime.forgetting.places import Place, Subject
from connect_runtime.forgetting.streams import ForgottenStreams


@dataclass(frozen=True, slots=True)
class ErasedAgain:
    """Streams that were found though they are forgotten, and the records that went with them, by place."""

    streams: int
    records: dict[str, int]


def erase_forgotten(
    forgotten: ForgottenStreams,
    names: Iterable[str],
    places: Sequence[Place],
    *,
    execute: bool = True,
    tell: Callable[[str], None] = lambda _what: None,
) -> ErasedAgain:
    """Look for each of these streams in the ledger, and erase from every place what it says of them.

    The ledger knows digests only, so `names` must be all the names there are in the places. Without `execute` it is
    only counted. Killed at any step, the next call does the rest. Raises Transient or Terminal.
    """
    found = 0
    records = {place.name: 0 for place in places}
    for name in sorted(set(names)):
        entry = forgotten.find(name)
        if entry is None:
            continue
        subject = Subject(name, entry.until_us)
        erased = False
        for place in places:
            tell(f"{'erasing from' if execute else 'looking into'} {place.name}")
            what = place.erase(subject) if execute else place.find(subject)
            records[place.name] += what.records
            erased = erased or bool(what.records)
        found += erased
    return ErasedAgain(found, records)
