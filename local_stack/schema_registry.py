"""An Apicurio registry on loopback, which speaks Confluent's API and keeps its schemas in our Postgres."""

from __future__ import annotations

from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING

from local_stack.layout import LOOPBACK
from local_stack.plan import DATABASE_USER, REGISTRY, PartCommand, Ports

if TYPE_CHECKING:
    from pathlib import Path

    from local_stack.layout import Layout

# A database that every cluster has from the start, so that the registry need not wait for one to be made.
_DATABASE = "postgres"
_HEAP = "-Xmx384m"
_PROBE_TIMEOUT_S = 2


def prepare_registry(layout: Layout, ports: Ports, java: Path, program_dir: Path) -> PartCommand:
    """How to run the registry unpacked in `program_dir`."""
    return PartCommand(
        name=REGISTRY,
        arguments=[str(java), _HEAP, "-jar", "quarkus-run.jar"],
        working_dir=str(program_dir),
        stop_signal="SIGTERM",
        environment={
            "QUARKUS_HTTP_HOST": LOOPBACK,
            "QUARKUS_HTTP_PORT": str(ports.registry),
            "QUARKUS_LOG_CONSOLE_COLOR": "false",
            "QUARKUS_HTTP_ACCESS_LOG_ENABLED": "false",
            "APICURIO_STORAGE_KIND": "sql",
            "APICURIO_STORAGE_SQL_KIND": "postgresql",
            "APICURIO_DATASOURCE_URL": f"jdbc:postgresql://{LOOPBACK}:{ports.postgres}/{_DATABASE}",
            "APICURIO_DATASOURCE_USERNAME": DATABASE_USER,
        },
        secret_environment={"APICURIO_DATASOURCE_PASSWORD": str(layout.password_file)},
    )


def registry_answers(port: int) -> bool:
    """Whether the registry lists its subjects."""
    connection = HTTPConnection(LOOPBACK, port, timeout=_PROBE_TIMEOUT_S)
    try:
        connection.request("GET", "/apis/ccompat/v7/subjects")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
