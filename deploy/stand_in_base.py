"""A base image made on this machine by debootstrap, for builds where the official Python image cannot be fetched."""

import shutil
import subprocess
import tempfile
from pathlib import Path

SUITE = "bookworm"
PACKAGES = ("python3", "python3-venv", "ca-certificates")
IMAGE = f"localhost/holistic-base:{SUITE}-1"
"""The number changes with the recipe below; an image of that name in buildah's storage is used as it is."""

NOT_KEPT = (
    "var/cache/apt",
    "var/lib/apt/lists",
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "usr/share/info",
)
"""What the official slim image does not hold either."""


def ensure_stand_in_base() -> str:
    """The stand-in's image name, made first when buildah's storage does not hold it yet (about a minute, as root)."""
    known = subprocess.run(["buildah", "inspect", "--type=image", IMAGE], capture_output=True, check=False)
    if known.returncode != 0:
        with tempfile.TemporaryDirectory(prefix="holistic-base-") as directory:
            make_base(Path(directory) / "rootfs")
    return IMAGE


def make_base(rootfs: Path) -> None:
    """Debootstraps a minimal Debian with Python into an image.

    Raises subprocess.CalledProcessError with debootstrap's or buildah's own words in its output.
    """
    include = ",".join(PACKAGES)
    say(["debootstrap", "--variant=minbase", f"--include={include}", SUITE, str(rootfs)])
    for path in NOT_KEPT:
        shutil.rmtree(rootfs / path, ignore_errors=True)
    container = say(["buildah", "from", "scratch"])
    try:
        say(["buildah", "add", container, str(rootfs), "/"])
        say(["buildah", "config", "--cmd", '["python3"]', container])
        say(["buildah", "commit", container, IMAGE])
    finally:
        say(["buildah", "rm", container])


def say(command: list[str]) -> str:
    """Runs a command to its end and returns what it printed, trimmed."""
    return subprocess.run(command, check=True, text=True, capture_output=True).stdout.strip()
