"""`python -m deploy.security.sbom`: writes what each image is made of, as CycloneDX JSON, one file an image.

From the hash-pinned files that the Dockerfile installs, so that what is listed is what ships. Python's packages alone:
the base image's own are its supplier's to list, and `npm sbom --sbom-format cyclonedx` in `web/avatar` lists those of
the avatars' page.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

_REPOSITORY: Final = Path(__file__).resolve().parents[2]
_COPIED: Final = re.compile(r"\brequirements/([a-z-]+)\.txt\b")
_PIN: Final = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
_BUILDS_ONLY: Final = frozenset({"page"})
"""Node, for a stage whose output alone is copied."""
FORMAT_VERSION: Final = "1.6"


def list_requirements(dockerfile: str) -> list[str]:
    """Names of the requirements that images are made of."""
    return sorted(set(_COPIED.findall(dockerfile)) - _BUILDS_ONLY)


def list_pins(requirements: str) -> dict[str, str]:
    """Package, its name in the form of PyPI's, → version."""
    return {normalise(name): version for name, version in _PIN.findall(requirements)}


def normalise(name: str) -> str:
    """A package's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def write_sbom(name: str, directory: Path) -> Path:
    """The file written for one of the requirements. Raises CalledProcessError with what the program said."""
    target = directory / f"{name}.cdx.json"
    command = [
        sys.executable, "-m", "cyclonedx_py", "requirements", str(_REPOSITORY / "requirements" / f"{name}.txt"),
        "--pyproject", str(_REPOSITORY / "pyproject.toml"), "--spec-version", FORMAT_VERSION, "--short-PURLs",
        "--output-reproducible", "--output-file", str(target),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    return target


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code."""
    description = __doc__.split("\n\n")[0]
    parser = argparse.ArgumentParser(prog="python -m deploy.security.sbom", description=description)
    parser.add_argument("--out", type=Path, default=Path("build/sbom"), help="directory (default: build/sbom)")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    for name in list_requirements((_REPOSITORY / "Dockerfile").read_text(encoding="utf-8")):
        try:
            print(write_sbom(name, options.out))
        except subprocess.CalledProcessError as error:
            print(f"{name}: {error.stderr.strip()}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
