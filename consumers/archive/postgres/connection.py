"""Connections to Postgres that notice a dead server."""

from typing import Final

import psycopg2
from psycopg2 import extensions

from connect_runtime.database_words import FORM, is_database_address
from consumers.archive.postgres.errors import PostgresRefused, explain_postgres_error

_CONNECT_TIMEOUT_S: Final = 5
_SILENCE_S: Final = 20
_STATEMENT_TIMEOUT_MS: Final = 60_000
# A writer stopped in the middle of a transaction must not hold its keys against the member that took over from it.
_IDLE_IN_TRANSACTION_MS: Final = 5_000


def connect(database_url: str, application_name: str) -> extensions.connection:
    """A connection that fails within seconds when the server is gone or stalls. Raises PostgresUnavailable;
    PostgresRefused for an address that is none."""
    if not is_database_address(database_url):
        raise PostgresRefused("DATABASE_URL is no address of a Postgres", hint=FORM, sqlstate=None)
    try:
        return psycopg2.connect(
            database_url,
            application_name=application_name,
            connect_timeout=_CONNECT_TIMEOUT_S,
            keepalives_idle=_SILENCE_S,
            keepalives_interval=5,
            keepalives_count=3,
            tcp_user_timeout=_SILENCE_S * 1000,
            options=(
                f"-c statement_timeout={_STATEMENT_TIMEOUT_MS} "
                f"-c idle_in_transaction_session_timeout={_IDLE_IN_TRANSACTION_MS} -c timezone=UTC"
            ),
        )
    except psycopg2.Error as error:
        raise explain_postgres_error(error, "connecting to Postgres") from error
