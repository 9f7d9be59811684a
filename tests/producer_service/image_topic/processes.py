"""Members in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.conftest import REPOSITORY
from tests.producer_service.image_topic.conftest import ImageTopic


@contextmanager
def member(images: ImageTopic, *arguments: str, **given: object) -> Iterator[subprocess.Popen[str]]:
    """A member in a process of its own, killed at the end of the block if it is still there.

    `slow_picture_s` is how long it takes for a picture, the other settings are the service's.
    """
    slow_picture_s = given.pop("slow_picture_s", 0)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.producer_service.image_topic.member", *arguments],
        env={
            **os.environ,
            **images.environment(streams_a_worker=16, **given),
            "SLOW_PICTURE_S": str(slow_picture_s),
        },
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
