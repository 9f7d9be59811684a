"""Connectors: listed, described, paused, stopped, restarted and set."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from starlette.responses import JSONResponse, Response

from connect_runtime.control.errors import BadRequest, Conflict, NotAllowed, NotFound, NotGranted
from connect_runtime.control.herder import Herder
from connect_runtime.control.status import ConnectorStatus, TaskView
from connect_runtime.plugins import CLASS_KEY
from connect_runtime.rest.version import SUITE_VERSION
from connect_runtime.secrets import mask_config, restore_masked

JsonObject = Annotated[dict[str, Any], Body()]


def connectors_router(herder: Herder) -> APIRouter:
    """Everything under `/connectors` but offsets."""
    router = APIRouter(prefix="/connectors", tags=["connectors"])
    _add_listing(router, herder)
    _add_config(router, herder)
    _add_wishes(router, herder)
    _add_tasks(router, herder)
    return router


def _add_listing(router: APIRouter, herder: Herder) -> None:
    @router.get("", summary="Names of all connectors, or more of each with expand=status and expand=info")
    def list_connectors(expand: Annotated[list[str] | None, Query()] = None) -> Any:
        if expand is None:
            return herder.connectors()
        describe = {"status": lambda name: show_status(herder.status(name)), "info": lambda name: _info(herder, name)}
        return {
            name: {part: describe[part](name) for part in expand if part in describe} for name in herder.connectors()
        }

    @router.post("", summary="Refused: connectors are what the service was deployed with")
    def create_connector(body: JsonObject) -> Response:
        config = body.get("config")
        name = str(body.get("name") or "")
        if name in herder.connectors():
            raise Conflict(f"Connector {name} already exists", connector=name)
        if not isinstance(config, dict) or not config.get(CLASS_KEY):
            raise BadRequest(f"Connector config {{name={name}}} contains no connector type")
        raise _not_deployed(herder, name)

    @router.get("/{name}", summary="Settings and tasks of a connector")
    def read_connector(name: str) -> dict[str, Any]:
        return _info(herder, name)

    @router.delete("/{name}", summary="Refused: stop the connector, or deploy the service without it")
    def delete_connector(name: str) -> Response:
        herder.config(name)
        raise NotAllowed(
            f"Connector {name} is part of this deployment and cannot be deleted: "
            f"'PUT /connectors/{name}/stop' ends its tasks for as long as you like",
            connector=name,
        )

    @router.get("/{name}/status", summary="State of a connector and of its tasks on all replicas")
    def read_status(name: str) -> dict[str, Any]:
        return show_status(herder.status(name))

    @router.get("/{name}/topics", summary="Topics a connector reads")
    def read_topics(name: str) -> dict[str, Any]:
        return {name: {"topics": herder.topics(name)}}

    @router.put("/{name}/topics/reset", summary="Refused: topics are those of the settings")
    def reset_topics(name: str) -> Response:
        herder.config(name)
        raise NotGranted("Topic tracking reset is disabled.", connector=name)


def _add_config(router: APIRouter, herder: Herder) -> None:
    @router.get("/{name}/config", summary="Settings of a connector, secrets masked")
    def read_config(name: str) -> dict[str, str]:
        return _shown_config(herder, name)

    @router.put("/{name}/config", summary="Replace all settings; every replica restarts the connector's tasks")
    def put_config(name: str, body: JsonObject) -> dict[str, Any]:
        if name not in herder.connectors():
            raise _not_deployed(herder, name)
        herder.put_config(name, _meant_config(herder, name, body))
        return _info(herder, name)

    @router.patch("/{name}/config", summary="Change some settings; null takes one away")
    def patch_config(name: str, body: JsonObject) -> dict[str, Any]:
        herder.config(name)
        herder.patch_config(name, _meant_config(herder, name, body))
        return _info(herder, name)


def _add_wishes(router: APIRouter, herder: Herder) -> None:
    @router.put("/{name}/pause", status_code=202, summary="Read no further, stay in the group", response_class=Response)
    def pause(name: str) -> None:
        herder.pause(name)

    @router.put("/{name}/resume", status_code=202, summary="Go on", response_class=Response)
    def resume(name: str) -> None:
        herder.resume(name)

    @router.put("/{name}/stop", status_code=204, summary="End all tasks, leave the group", response_class=Response)
    def stop(name: str) -> None:
        herder.stop(name)

    @router.post("/{name}/restart", summary="Start a connector again, and its tasks with includeTasks")
    def restart(
        name: str,
        include_tasks: Annotated[bool, Query(alias="includeTasks")] = False,
        only_failed: Annotated[bool, Query(alias="onlyFailed")] = False,
    ) -> Response:
        status = herder.restart(name, include_tasks, only_failed)
        if not include_tasks and not only_failed:
            return Response(status_code=204)
        return JSONResponse(show_status(status), 202)


def _add_tasks(router: APIRouter, herder: Herder) -> None:
    @router.get("/{name}/tasks", summary="A connector's tasks on all replicas, with their settings")
    def list_tasks(name: str) -> list[dict[str, Any]]:
        config = _shown_config(herder, name)
        config["task.class"] = config[CLASS_KEY].removesuffix("Connector") + "Task"
        tasks = herder.status(name).tasks
        return [{"id": {"connector": name, "task": task.task_id}, "config": config} for task in tasks]

    @router.get("/{name}/tasks/{task_id}/status", summary="State of one task")
    def read_task(name: str, task_id: int) -> dict[str, Any]:
        task = herder.status(name).task(task_id)
        if task is None:
            raise NotFound(f"No status found for task {name}-{task_id}", connector=name, task=task_id)
        return _show_task(task)

    @router.post(
        "/{name}/tasks/{task_id}/restart", status_code=204, summary="Start one task again", response_class=Response
    )
    def restart_task(name: str, task_id: int) -> None:
        herder.restart_task(name, task_id)


def show_status(status: ConnectorStatus) -> dict[str, Any]:
    """A connector's status in Kafka Connect's form."""
    connector: dict[str, Any] = {"state": status.state.value, "worker_id": status.worker_id, "version": SUITE_VERSION}
    if status.trace is not None:
        connector["trace"] = status.trace
    tasks = [_show_task(task) for task in status.tasks]
    return {"name": status.name, "connector": connector, "tasks": tasks, "type": "sink"}


def _show_task(task: TaskView) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": task.task_id, "state": task.state.value, "worker_id": task.worker_id, "version": SUITE_VERSION
    }  # fmt: skip
    if task.trace is not None:
        shown["trace"] = task.trace
    return shown


def _info(herder: Herder, name: str) -> dict[str, Any]:
    config = _shown_config(herder, name)
    tasks = [{"connector": name, "task": task.task_id} for task in herder.status(name).tasks]
    return {"name": name, "config": config, "tasks": tasks, "type": "sink"}


def _shown_config(herder: Herder, name: str) -> dict[str, str]:
    return mask_config(herder.config(name), herder.spec(name).sink_keys)


def _meant_config(herder: Herder, name: str, body: dict[str, Any]) -> dict[str, Any]:
    """What was sent, with the masks of secrets that were only shown turned back into them."""
    given = {key: value for key, value in body.items() if value is not None}
    texts = {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in given.items()}
    return {**body, **restore_masked(texts, herder.config(name), herder.spec(name).sink_keys)}


def _not_deployed(herder: Herder, name: str) -> BadRequest:
    names = ", ".join(herder.connectors())
    return BadRequest(
        f"Connector {name} is not part of this deployment, which runs {names}: connectors are added by deploying",
        connector=name,
    )
