"""The interface as protobuf sees it, made from the .proto file when it is first asked for.

No generated code is kept: it would have to be made anew with every change and every protobuf, and making it takes some
milliseconds.
"""

import tempfile
from functools import cache
from pathlib import Path
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_tools import protoc

from keypoints.errors import Terminal

PACKAGE: Final = "holistic.v1"
SERVICE: Final = f"{PACKAGE}.HolisticLandmarks"

_FILE: Final = "holistic/v1/landmarks.proto"
_ROOM: Final = Path(__file__).resolve().parents[1]
# An installed package and a container image have the files within the room, a checkout has them beside it.
_PLACES: Final = (_ROOM / "protos", _ROOM.parent / "protos")


class NoInterface(Terminal):
    """The .proto file is not there, or cannot be compiled. Fields: path."""


@cache
def message_class(name: str) -> Any:
    """The class of the messages `name` of the package. Raises NoInterface."""
    return message_factory.GetMessageClass(_load_pool().FindMessageTypeByName(f"{PACKAGE}.{name}"))


@cache
def _load_pool() -> descriptor_pool.DescriptorPool:
    """Protobuf's own pool, in which server reflection looks as well."""
    pool = descriptor_pool.Default()
    for file in _compile(_find_directory()).file:
        pool.AddSerializedFile(file.SerializeToString())
    return pool


def _find_directory() -> Path:
    for place in _PLACES:
        if (place / _FILE).is_file():
            return place
    raise NoInterface(f"{_FILE} is in none of {', '.join(map(str, _PLACES))}", path=_FILE)


def _compile(directory: Path) -> descriptor_pb2.FileDescriptorSet:
    with tempfile.NamedTemporaryFile(suffix=".binpb") as compiled:
        arguments = ["protoc", f"-I{directory}", f"--descriptor_set_out={compiled.name}", "--include_imports", _FILE]
        if protoc.main(arguments) != 0:
            raise NoInterface(f"{directory / _FILE} cannot be compiled", path=str(directory / _FILE))
        return descriptor_pb2.FileDescriptorSet.FromString(compiled.read())
