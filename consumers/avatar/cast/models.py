"""Models that roles may name: the .vrm files of one directory, by their names alone."""

import logging
from collections.abc import Collection
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import FileResponse, Response

from keypoints.errors import Terminal

log = logging.getLogger(__name__)

_TYPE = "model/gltf-binary"


class NoSuchModel(Terminal):
    """A model that is not in the directory of models. Fields: model."""

    status = 404


def find_model(directory: Path | None, name: str) -> Path:
    """The file of a model. Raises NoSuchModel, also for whatever is no plain name of a file there."""
    if directory is None:
        raise NoSuchModel(
            f"there is no model {name}: this service has none", hint="set HOLISTIC_AVATAR_MODELS", model=name
        )
    path = directory / name
    if Path(name).name != name or path.suffix.lower() != ".vrm" or not _is_file(path):
        raise NoSuchModel(
            f"there is no model {name}",
            hint=f"those there are: {', '.join(list_models(directory)) or 'none'}",
            model=name,
        )
    return path


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        # Its name is longer than any file's.
        return False


def find_model_of_target(directory: Path | None, own: Collection[Path | None], path: Path) -> Path:
    """The model a target names. Whoever may write roles names models of the directory; any file (`own`) only those
    who start the service. Raises NoSuchModel."""
    return path if path in own else find_model(directory, str(path))


def list_models(directory: Path | None) -> list[str]:
    """Names of the models there are."""
    if directory is None or not directory.is_dir():
        return []
    return sorted(path.name for path in directory.iterdir() if path.suffix.lower() == ".vrm" and path.is_file())


def models_router(directory: Path | None) -> APIRouter:
    """`/avatar/models`: which there are, and each of them."""
    if directory is not None and not directory.is_dir():
        log.warning(
            "there is no directory of models %s",
            directory,
            extra={"hint": "make it, or set HOLISTIC_AVATAR_MODELS to the one that there is"},
        )
    router = APIRouter(prefix="/avatar/models", tags=["roles"])

    @router.get("", summary="Models that roles may name")
    def list_all() -> list[str]:
        return list_models(directory)

    @router.get("/{name}", summary="A model, as a .vrm file")
    def read(name: str) -> Response:
        return FileResponse(find_model(directory, name), media_type=_TYPE, headers={"Cache-Control": "no-cache"})

    return router
