#!/usr/bin/env python3
"""Builds the services' images with buildah, without a container engine or a daemon.

    sudo deploy/build_images.py                     every image, on a base made here by debootstrap
    deploy/build_images.py archive avatar           only these
    BASE_IMAGE=python:3.11-slim deploy/build_images.py

This machine's pip settings (index, proxy, certificates) are lent to the build as secrets: none stays in an image. So is
the registry that NPM_CONFIG_REGISTRY names for the page of the avatar viewer.
"""

import argparse
import ast
import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from deploy.stand_in_base import ensure_stand_in_base  # noqa: E402 - found by the line above when run as a script

TARGETS = ("topics", "avatar", "analytics", "archive", "producer", "tools")
PIP_SETTINGS = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "retries")
CA_IN_BUILD = "/run/secrets/ca_certificates"


def image_name(target: str, tag: str = "latest") -> str:
    """What docker-compose.yml calls the image of a target."""
    return f"localhost/holistic-stream/{target}:{tag}"


def build_images(targets: Sequence[str], tag: str = "latest", base_image: str | None = None) -> dict[str, float]:
    """Builds the targets in order; layers made before are used again. Returns the seconds each took.

    Raises subprocess.CalledProcessError when a build fails; what buildah printed is on stderr.
    """
    base = base_image or ensure_stand_in_base()
    took_s: dict[str, float] = {}
    with pip_secrets() as secrets:
        for target in targets:
            started_s = time.monotonic()
            subprocess.run(build_command(target, image_name(target, tag), base, secrets), check=True, stdout=sys.stderr)
            took_s[target] = time.monotonic() - started_s
    return took_s


def build_command(target: str, name: str, base: str, secrets: Sequence[str]) -> list[str]:
    """The docker format is what carries a health check; OCI's has no place for it."""
    revision = subprocess.run(
        ["git", "-C", str(REPOSITORY), "rev-parse", "HEAD"], check=False, text=True, capture_output=True
    ).stdout.strip()
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    return [
        *("buildah", "bud", "--isolation=chroot", "--network=host", "--format=docker", "--layers", "--quiet"),
        *("--build-arg", f"BASE_IMAGE={base}"),
        *("--build-arg", f"VERSION={version}", "--build-arg", f"REVISION={revision or 'unknown'}"),
        *(f"--secret={secret}" for secret in secrets),
        *("--target", target, "--tag", name, str(REPOSITORY)),
    ]


@contextmanager
def pip_secrets() -> Iterator[list[str]]:
    """This machine's pip settings and certificates as files for `--secret`: this user's alone, and removed after."""
    settings = read_pip_settings()
    with tempfile.TemporaryDirectory(prefix="holistic-pip-") as directory:
        secrets: list[str] = []
        lines = ["[global]"]
        certificates = settings.get("cert") or os.environ.get("SSL_CERT_FILE")
        if certificates and Path(certificates).is_file():
            secrets.append(f"id=ca_certificates,src={certificates}")
            lines.append(f"cert = {CA_IN_BUILD}")
        lines += [f"{name} = {settings[name]}" for name in PIP_SETTINGS if name in settings]
        config = Path(directory) / "pip.conf"
        config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        secrets.append(f"id=pip_config,src={config}")
        registry = os.environ.get("NPM_CONFIG_REGISTRY")
        if registry:
            npm_config = Path(directory) / "npmrc"
            npm_config.write_text(f"registry={registry}\n", encoding="utf-8")
            secrets.append(f"id=npm_config,src={npm_config}")
        yield secrets


def read_pip_settings() -> dict[str, str]:
    """pip's settings from its files and PIP_ variables, as `pip config list` merges them; the variables win."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], check=False, text=True, capture_output=True
    ).stdout
    from_files: dict[str, str] = {}
    from_environment: dict[str, str] = {}
    for line in listed.splitlines():
        key, _, quoted = line.partition("=")
        section, _, name = key.rpartition(".")
        value = " ".join(str(ast.literal_eval(quoted)).split())
        (from_environment if section == ":env:" else from_files)[name.removeprefix("default-")] = value
    return {**from_files, **from_environment}


def image_megabytes(name: str) -> float:
    """An image's size unpacked, base included, in MB of 10^6 bytes."""
    listed = subprocess.run(["buildah", "images", "--json", name], check=True, text=True, capture_output=True).stdout
    number, unit = str(json.loads(listed)[0]["size"]).split()
    return float(number) * {"KB": 1e-3, "MB": 1.0, "GB": 1e3}[unit.upper()]


def measure(target: str, tag: str, seconds: float) -> dict[str, object]:
    """What is worth knowing of an image just built."""
    name = image_name(target, tag)
    return {"image": name, "megabytes": image_megabytes(name), "seconds": round(seconds, 1)}


def parse_arguments() -> argparse.Namespace:
    every = ", ".join(TARGETS)
    parser = argparse.ArgumentParser(description="Build the services' images with buildah.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {every} (default: all)")
    parser.add_argument("--tag", default="latest")
    parser.add_argument("--base-image", default=os.environ.get("BASE_IMAGE"), help="default: one made by debootstrap")
    parser.add_argument("--json", action="store_true", help="print names, sizes and seconds as one JSON object")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.targets) - set(TARGETS))
    if unknown:
        parser.error(f"no such image: {', '.join(unknown)} (there are {every})")
    return arguments


def main() -> int:
    arguments = parse_arguments()
    try:
        took_s = build_images(arguments.targets or TARGETS, arguments.tag, arguments.base_image)
    except subprocess.CalledProcessError as error:
        print(f"{error}\n{error.stderr or ''}", file=sys.stderr)
        return 1
    built = {target: measure(target, arguments.tag, seconds) for target, seconds in took_s.items()}
    if arguments.json:
        print(json.dumps(built))
    else:
        for facts in built.values():
            print(f"{facts['image']:<50}{facts['megabytes']:>8.0f} MB{facts['seconds']:>8.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
