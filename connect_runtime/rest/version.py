"""What versions the API gives."""

from typing import Final

from observability.version import SUITE_VERSION

__all__ = ["CONNECT_VERSION", "SUITE_VERSION"]

CONNECT_VERSION: Final = "4.1.1"
"""The Kafka Connect whose API this is: clients choose by it what they may ask."""
