"""Roles over REST: who plays which avatar, and where it is shown. Any replica answers for all."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path
from starlette.responses import Response

from consumers.avatar.cast.book import RoleBook
from consumers.avatar.cast.role import Role, TargetCheck, make_role

_Stream = Annotated[str, Path(description="The stream, or * for all streams without a role of their own.")]
_Fields = Annotated[dict[str, Any], Body(description="The role's fields; what is left out says nothing.")]


def roles_router(book: RoleBook, check_target: TargetCheck, now_ms: Callable[[], int]) -> APIRouter:
    """`/avatar/roles`: list, read, replace, change, take away, and ask for a calibration."""
    router = APIRouter(prefix="/avatar/roles", tags=["roles"])

    @router.get("", summary="All roles, by stream")
    def list_roles() -> dict[str, Role]:
        return dict(book.all())

    @router.get("/{stream:path}", summary="A stream's own role")
    def read(stream: _Stream) -> Role:
        return book.own_role(stream)

    @router.put("/{stream:path}", summary="Give a stream its role, in place of the one it had")
    def replace(stream: _Stream, fields: _Fields) -> Role:
        return book.give(make_role({**fields, "stream": stream}, check_target))

    @router.patch("/{stream:path}", summary="Change some of a role; null takes a field back")
    def change(stream: _Stream, fields: _Fields) -> Role:
        before = book.all().get(stream, Role(stream=stream)).model_dump(exclude_defaults=True)
        merged = {name: value for name, value in {**before, **fields}.items() if value is not None}
        return book.give(make_role({**merged, "stream": stream}, check_target))

    @router.post("/{stream:path}/calibrate", status_code=202, summary="Take the face of the next moment for neutral")
    def calibrate(stream: _Stream) -> Role:
        before = book.all().get(stream, Role(stream=stream))
        return book.give(before.model_copy(update={"calibrate_at_ms": now_ms()}))

    @router.delete("/{stream:path}", status_code=204, summary="Take a stream's own role away")
    def take_away(stream: _Stream) -> Response:
        book.take_away(stream)
        return Response(status_code=204)

    return router
