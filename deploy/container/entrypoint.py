"""Starts a container's command with its secrets: each NAME_FILE variable below is read into NAME first.

The command replaces this process (exec), so it is PID 1 and receives the container's signals itself.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

SECRET_VARIABLES = (
    "DATABASE_URL",
    "KAFKA_SASL_USERNAME",
    "KAFKA_SASL_PASSWORD",
    "KAFKA_SASL_OAUTH_CLIENT_SECRET",
    "KAFKA_SSL_PASSWORD",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "HOLISTIC_WEBHOOK_SECRET",
    "HOLISTIC_FEED_KEY",
)

UNSET_WHERE_EMPTY = ("SCHEMA_REGISTRY_URL",)
"""What a compose file cannot leave out, only leave empty."""


def read_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """The values of the secret variables that are given as files.

    Raises SystemExit naming the variable when a value is given twice, or its file cannot be read or is empty.
    """
    secrets: dict[str, str] = {}
    for name in SECRET_VARIABLES:
        file = environment.get(f"{name}_FILE")
        if not file:
            continue
        if environment.get(name):
            raise SystemExit(f"both {name} and {name}_FILE are set: keep one")
        try:
            secrets[name] = Path(file).read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            raise SystemExit(f"{name}_FILE={file} cannot be read: {error.strerror}") from None
        if not secrets[name]:
            raise SystemExit(f"{name}_FILE={file} is empty")
    return secrets


def main(command: list[str]) -> None:
    if not command:
        raise SystemExit("no command to run")
    given = {name: value for name, value in os.environ.items() if value or name not in UNSET_WHERE_EMPTY}
    environment = {**given, **read_secrets(given)}
    os.execvpe(command[0], command, environment)  # noqa: S606 - the image's own command, no shell between


if __name__ == "__main__":
    main(sys.argv[1:])
