"""A stream's state as JSON and back, to the last bit: Python writes and reads the shortest text of a double."""

from typing import Any, Final

from consumers.analytics.shapes.hold import HandHold, Run
from consumers.analytics.shapes.scoring import HandShape
from consumers.analytics.streams import HANDS, StreamState

_RUN_FIELDS: Final = tuple(name for name in Run.__slots__ if name != "shape")
_STREAM_FIELDS: Final = ("topic", "partition", "sequence", "captured_at_us", "clock_us", "seen_at_clock_us")

JsonObject = dict[str, Any]


def write_state(state: StreamState) -> JsonObject:
    """Everything but the stream's name and epoch, which are the row's key."""
    document: JsonObject = {name: getattr(state, name) for name in _STREAM_FIELDS}
    for hand in HANDS:
        hold = state.holds[hand]
        document[hand] = {"held": _write_run(hold.held), "candidate": _write_run(hold.candidate)}
    return document


def read_state(stream_id: str, epoch: int, document: JsonObject) -> StreamState:
    """The state `write_state` wrote. Raises KeyError or TypeError for a document of another make."""
    return StreamState(
        stream_id,
        epoch,
        **{name: document[name] for name in _STREAM_FIELDS},
        holds={
            hand: HandHold(_read_run(document[hand]["held"]), _read_run(document[hand]["candidate"])) for hand in HANDS
        },
    )


def _write_run(run: Run | None) -> JsonObject | None:
    if run is None:
        return None
    return {"shape": run.shape.value} | {name: getattr(run, name) for name in _RUN_FIELDS}


def _read_run(document: JsonObject | None) -> Run | None:
    if document is None:
        return None
    return Run(HandShape(document["shape"]), **{name: document[name] for name in _RUN_FIELDS})
