"""Versions side by side: an older one meets newer tables, a writer has them changed under it, and the way back."""

from collections.abc import Callable

import pytest

from consumers.archive.postgres.errors import PostgresRefused
from consumers.archive.postgres.migrate import downgrade, migrate
from tests.consumers.archive.made_frames import make_batch
from tests.consumers.archive.postgres_under_test import TEST, ask, open_sink, run, stored_offsets

pytestmark = pytest.mark.servers


def stored(database_url: str) -> list[int]:
    """Offsets, from the table itself: an older version has other views."""
    return [offset for (offset,) in ask(database_url, 'SELECT "offset" FROM frames_by_day ORDER BY 1')]


@pytest.mark.parametrize("revision", ["0004", "0003", "0002"])
def test_an_older_version_can_be_gone_back_to_with_all_frames_and_on_again(database_url: str, revision: str) -> None:
    with open_sink(database_url) as sink:
        sink.put(make_batch(10))
        sink.flush()
    named = downgrade(database_url, revision, execute=False)
    assert ask(database_url, "SELECT version_num FROM archive_alembic_version") == [("0005",)]
    undone = downgrade(database_url, revision)
    assert undone == named
    assert [step[:4] for step in undone] == ["0005", "0004", "0003"][: 5 - int(revision)]
    assert ask(database_url, "SELECT version_num FROM archive_alembic_version") == [(revision,)]
    assert stored(database_url) == list(range(10))
    assert migrate(database_url).before == revision
    with open_sink(database_url) as sink:
        sink.put(make_batch(10, first_offset=10))
        sink.flush()
    assert stored_offsets(database_url) == list(range(20))


def test_a_replica_that_writes_while_another_changes_the_tables_goes_on(database_url: str) -> None:
    with open_sink(database_url) as sink:
        for number, move in enumerate((None, "0004", "0003", None)):
            if move is None:
                migrate(database_url)
            else:
                downgrade(database_url, move)
            sink.put(make_batch(10, first_offset=number * 10))
            sink.flush()
            assert sink.durable_offsets() == {TEST: number * 10 + 10}
    assert stored_offsets(database_url) == list(range(40))


def test_tables_of_a_newer_version_are_refused_and_left_alone(database_url: str) -> None:
    with open_sink(database_url) as sink:
        run(database_url, "UPDATE archive_alembic_version SET version_num = '9999'")
        with pytest.raises(PostgresRefused, match="9999") as refused:
            migrate(database_url)
        assert "newer version" in str(refused.value.hint)
        # Who was there before goes on.
        sink.put(make_batch(10))
        sink.flush()
    assert stored_offsets(database_url) == list(range(10))


def test_a_step_that_never_was_is_not_gone_back_to(make_database: Callable[[], str], database_url: str) -> None:
    for url, revision in ((database_url, "0042"), (database_url, "base"), (make_database(), "0004")):
        with pytest.raises(PostgresRefused, match=f"never at {revision}"):
            downgrade(url, revision)
