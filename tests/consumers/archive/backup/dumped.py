"""A database written to a file, lost, and made anew from it, by the tools that come with Postgres."""

import os
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
from psycopg2 import sql

from local_stack.postgres_server import find_programs


def dump(database_url: str, file: Path) -> None:
    """As docs/backup.md has it."""
    _run("pg_dump", "--format=custom", f"--file={file}", database_url)


def lose(database_url: str, stack_url: str) -> None:
    """Drop the database, whoever uses it."""
    _on_server(stack_url, "DROP DATABASE {} WITH (FORCE)", database_url)


def restore(file: Path, database_url: str, stack_url: str) -> None:
    """Into a new database of the same name."""
    _on_server(stack_url, "CREATE DATABASE {}", database_url)
    _run("pg_restore", "--exit-on-error", f"--dbname={database_url}", str(file))


def _on_server(stack_url: str, statement: str, database_url: str) -> None:
    connection = psycopg2.connect(stack_url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL(statement).format(sql.Identifier(urlsplit(database_url).path.strip("/"))))
    finally:
        connection.close()


def _run(program: str, *arguments: str) -> None:
    done = subprocess.run(
        [find_programs() / program, *arguments],
        env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
        text=True,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
