"""What versions the API gives."""

from importlib.metadata import PackageNotFoundError, version
from typing import Final

CONNECT_VERSION: Final = "4.1.1"
"""The Kafka Connect whose API this is: clients choose by it what they may ask."""


def _read_suite_version() -> str:
    try:
        return version("holistic-stream")
    except PackageNotFoundError:
        # Run from a checkout that was never installed.
        return "0"


SUITE_VERSION: Final = _read_suite_version()
