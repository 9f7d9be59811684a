"""A wrong DATABASE_URL, as whoever wrote it is told of it."""

import pytest

from connect_runtime.database_words import hint_at_database, is_database_address
from consumers.archive.postgres.connection import connect
from consumers.archive.settings import read_archive_settings
from keypoints.errors import Terminal

NO_ADDRESSES = ("mysql://ada:open-sesame@host/db", "open-sesame", "postgresql://ada:open-sesame@host:port/db", "")


@pytest.mark.parametrize("address", NO_ADDRESSES)
def test_what_is_no_address_of_a_postgres_is_said_to_be_none_and_not_shown(address: str) -> None:
    assert not is_database_address(address)
    with pytest.raises(Terminal) as caught:
        connect(address, "test")
    with pytest.raises(Terminal) as read:
        read_archive_settings(database_url=address)
    for error in (caught.value, read.value):
        told = f"{error.message} {error.hint}"
        assert "DATABASE_URL" in told
        assert "postgresql://user:password@host:port/database" in told
        assert "open-sesame" not in told


@pytest.mark.parametrize("address", ["postgresql://ada:pw@host:5432/db?sslmode=require", "postgres://host/db"])
def test_both_spellings_of_an_address_are_taken(address: str) -> None:
    assert is_database_address(address)


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ('FATAL:  password authentication failed for user "ada"', "user and password in DATABASE_URL"),
        ('FATAL:  database "holistc" does not exist', "name at the end of DATABASE_URL"),
        ('could not translate host name "pg" to address', "host in DATABASE_URL spelt right"),
        ("connection to server failed: Connection refused", "host and port in DATABASE_URL"),
        ("server closed the connection unexpectedly", "is Postgres up"),
    ],
)
def test_each_way_not_to_get_in_has_its_advice(said: str, hint: str) -> None:
    assert hint in hint_at_database(said)
