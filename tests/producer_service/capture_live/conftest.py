"""Cameras that are gone after the test."""

from collections.abc import Iterator

import pytest

from tests.producer_service.capture_live.watching import (
    AnyCamera,
    MakeCamera,
)


@pytest.fixture
def make_camera() -> Iterator[MakeCamera]:
    """`make_camera(RtspCamera, …)`, closed after the test."""
    made: list[AnyCamera] = []

    def make(kind: type[AnyCamera], *arguments: object, **options: object) -> AnyCamera:
        made.append(kind(*arguments, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for camera in made:
        camera.listener.close()
