"""The version of this suite that is installed."""

from importlib.metadata import PackageNotFoundError, version
from typing import Final


def _read_suite_version() -> str:
    try:
        return version("holistic-stream")
    except PackageNotFoundError:
        # Run from a checkout that was never installed.
        return "0"


SUITE_VERSION: Final = _read_suite_version()
