"""The images, built once a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from deploy.build_images import TARGETS, build_images, image_name
from tests.conftest import in_ci
from tests.deploy.containers import Image, can_contain, open_image
from tests.deploy.kubernetes_objects import find_kubectl


@pytest.fixture(scope="session")
def built_images(require_tool: Callable[[str], str]) -> tuple[str, ...]:
    """Every image, built by the script a person would use."""
    for tool in ("buildah", "debootstrap", "unshare", "nsenter"):
        require_tool(tool)
    if not can_contain():
        reason = "running an image here needs root and Linux namespaces"
        if in_ci():
            pytest.fail(reason)
        pytest.skip(reason)
    build_images(TARGETS, tag="test")
    return TARGETS


@pytest.fixture(scope="session")
def open_built_image(built_images: tuple[str, ...]) -> Iterator[Callable[[str], Image]]:
    """`open_built_image("archive")` gives that image's files and config."""
    opened: dict[str, Image] = {}
    with ExitStack() as kept:

        def open_it(target: str) -> Image:
            assert target in built_images
            if target not in opened:
                opened[target] = kept.enter_context(open_image(image_name(target, "test")))
            return opened[target]

        yield open_it


@pytest.fixture(scope="session")
def kubectl() -> str:
    found = find_kubectl()
    if found is None:
        pytest.skip("needs kubectl 1.21 or later (Debian 12's own is older, and knows no components)")
    return found
