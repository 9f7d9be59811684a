"""`/connectors/{name}/offsets`: what Kafka Connect has for a sink's offsets, and moving them by time."""

import time
from collections.abc import Callable
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Depends, Request

from connect_runtime.control.errors import BadRequest
from connect_runtime.control.herder import Herder
from connect_runtime.control.records import TargetState
from connect_runtime.offsets.alter import NoSuchPartition, alter_offsets, read_group, reset_offsets
from connect_runtime.offsets.forms import Offsets, UnreadableOffsets, read_offsets, read_wish, write_offsets
from connect_runtime.offsets.replay_plan import NothingToReplay, find_topics, look_at, plan_moves
from connect_runtime.spec import read_connector
from kafka_io.errors import KafkaRefused
from kafka_io.group_offsets import GroupIsLive
from kafka_io.settings import KafkaSettings
from keypoints.errors import Terminal

# Whoever stops a connector may ask for its offsets to be moved in the same breath.
_STOP_WAIT_S: Final = 10.0
_STOP_LOOK_S: Final = 0.1

_BODY: Final = {
    "requestBody": {
        "required": True,
        "description": "Kafka Connect's offsets (a number may be text, null forgets a partition's), or instead of them "
        "one place in all partitions: timestamp_ms, to (earliest, latest, a duration ago, a time) or shift_by.",
        "content": {
            "application/json": {
                "schema": {"type": "object"},
                "examples": {
                    "offsets": {
                        "value": {
                            "offsets": [
                                {
                                    "partition": {"kafka_topic": "holistic-tracking-stream", "kafka_partition": 0},
                                    "offset": {"kafka_offset": 1200},
                                }
                            ]
                        }
                    },
                    "time": {"value": {"timestamp_ms": 1790000000000}},
                    "ago": {"value": {"to": "2h"}},
                    "shift": {"value": {"shift_by": -1000}},
                },
            }
        },
    }
}


async def _read_body(request: Request) -> object:
    try:
        return orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the body is no JSON: {error}") from error


def offsets_router(
    herder: Herder, kafka: KafkaSettings, wall_clock: Callable[[], float] = time.time, stop_wait_s: float = _STOP_WAIT_S
) -> APIRouter:
    """The three routes. They raise the errors of `connect_runtime.control.errors`, and Transient when Kafka is away."""
    router = APIRouter(tags=["offsets"])

    @router.get("/connectors/{name}/offsets", summary="The group's committed offsets")
    def show(name: str) -> dict[str, Any]:
        return write_offsets(read_group(kafka, herder.spec(name).name))

    @router.patch("/connectors/{name}/offsets", summary="Move a stopped connector", openapi_extra=_BODY)
    def alter(name: str, body: Annotated[object, Depends(_read_body)]) -> dict[str, Any]:
        spec = herder.spec(name)
        _require_stopped(herder, name, stop_wait_s)
        answer: dict[str, Any] = {"message": f"the offsets of {name} were altered"}
        try:
            topics = find_topics(read_connector(spec), kafka)
            place = read_wish(body, int(wall_clock() * 1000), topics)
            offsets: Offsets
            if place is None:
                offsets = read_offsets(body)
            else:
                moves = plan_moves(name, place, look_at(kafka, spec.name, topics), kafka)
                offsets = {move.partition: move.new for move in moves}
                answer |= write_offsets({move.partition: move.new for move in moves})
            alter_offsets(kafka, spec.name, spec.make_sink, offsets)
        except (UnreadableOffsets, NothingToReplay, NoSuchPartition, KafkaRefused, GroupIsLive) as error:
            raise _refuse(error) from error
        return answer

    @router.delete("/connectors/{name}/offsets", summary="Forget a stopped connector's offsets")
    def reset(name: str) -> dict[str, Any]:
        spec = herder.spec(name)
        _require_stopped(herder, name, stop_wait_s)
        try:
            reset_offsets(kafka, spec.name, spec.make_sink, set(find_topics(read_connector(spec), kafka)))
        except (KafkaRefused, GroupIsLive) as error:
            raise _refuse(error) from error
        return {"message": f"the offsets of {name} were reset"}

    return router


def _refuse(error: Terminal) -> BadRequest:
    return BadRequest(error.message, hint=error.hint)


def _require_stopped(herder: Herder, name: str, wait_s: float) -> None:
    deadline = time.monotonic() + wait_s
    while herder.target_state(name) is TargetState.STOPPED:
        if herder.is_stopped_everywhere(name):
            return
        if time.monotonic() > deadline:
            raise BadRequest(f"the tasks of {name} have not all stopped yet: ask again", connector=name)
        time.sleep(_STOP_LOOK_S)
    raise BadRequest(
        f"offsets can only be altered while {name} is STOPPED: PUT /connectors/{name}/stop stops it", connector=name
    )
