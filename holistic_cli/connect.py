"""Where the verbs find Kafka and Postgres: in the environment, else in the local stack that is up."""

import contextlib
import io
import os
from collections.abc import Sequence
from pathlib import Path

from keypoints.errors import Terminal


class NoServers(Terminal):
    """Neither the environment nor a local stack says where the servers are."""


def use_stack() -> None:
    """Put the running local stack's addresses into the environment where it does not name servers already.

    Raises NoServers when Kafka's address is neither given nor known from a local stack.
    """
    missing = [name for name in ("KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL") if not os.environ.get(name)]
    if not missing:
        return
    try:
        from local_stack import default_data_dir, find_stack
    except ModuleNotFoundError:
        stack = None
    else:
        stack = find_stack(default_data_dir())
    if stack is not None:
        os.environ.setdefault("KAFKA_BOOTSTRAP_SERVERS", stack.kafka_bootstrap_servers)
        os.environ.setdefault("DATABASE_URL", stack.database_url)
        if stack.schema_registry_url:
            os.environ.setdefault("SCHEMA_REGISTRY_URL", stack.schema_registry_url)
        os.environ.setdefault("HOLISTIC_ARCHIVE_DIR", str(stack.data_dir / "archive"))
    elif "KAFKA_BOOTSTRAP_SERVERS" in missing:
        raise NoServers(
            "no Kafka is configured, and no local stack is up",
            hint="run `holistic up`, or set KAFKA_BOOTSTRAP_SERVERS (and DATABASE_URL) to servers of your own",
        )


def start_stack_if_needed(*, quiet: bool) -> None:
    """As `use_stack`, but the local stack is started, and its topics made, when it is not up.

    Topics are made on servers of one's own as well.
    """
    from holistic_cli.stack import up

    with contextlib.redirect_stdout(io.StringIO()) if quiet else contextlib.nullcontext():
        up(as_json=quiet)
    use_stack()


def name_files(paths: Sequence[Path] | None) -> str | None:
    """Files as a service's setting names them: separated by commas; None where none are given."""
    return ",".join(str(path) for path in paths) if paths else None
