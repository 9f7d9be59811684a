"""The address of a Postgres: whether it is one, and what to do when nothing comes of it."""

from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr

FORM: Final = "it has the form postgresql://user:password@host:port/database"
_HINTS: Final = (
    ("password authentication failed", "are user and password in DATABASE_URL right?"),
    ("no password supplied", "DATABASE_URL names a user and no password"),
    ("does not exist", "is the name at the end of DATABASE_URL that of a database there is? `createdb` makes one"),
    ("could not translate host name", "is the host in DATABASE_URL spelt right?"),
    (
        "no pg_hba.conf entry",
        "pg_hba.conf of Postgres does not let this user in from here, or only with TLS",
    ),
    ("does not support SSL", "Postgres speaks no TLS there: is sslmode in DATABASE_URL meant?"),
    ("certificate verify failed", "does sslrootcert in DATABASE_URL name the authority of the server's certificate?"),
    ("Connection refused", "is Postgres up, and are host and port in DATABASE_URL right?"),
)


def hint_at_database(said: str) -> str:
    """What a person can do, for libpq's words about a connection."""
    return next((hint for words, hint in _HINTS if words in said), "is Postgres up, and DATABASE_URL right?")


def is_database_address(url: str) -> bool:
    """Whether this is a URL of a Postgres. Asked first: libpq repeats one that is none, password and all."""
    try:
        parts = urlsplit(url)
        return parts.scheme in {"postgresql", "postgres"} and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _check(url: SecretStr) -> SecretStr:
    if not is_database_address(url.get_secret_value()):
        raise ValueError(f"it is no address of a Postgres: {FORM}")
    return url


DatabaseUrl = Annotated[SecretStr, AfterValidator(_check)]
"""A setting that holds such an address."""
