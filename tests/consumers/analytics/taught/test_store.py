"""Taught gestures in a real database."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from consumers.analytics.database import connect, migrate
from consumers.analytics.repertoire import Repertoire
from consumers.analytics.taught.movements import MovementCatalogue
from consumers.analytics.taught.shapes import TaughtShapes
from consumers.analytics.taught.store import TaughtStore, TaughtUnreadable
from tests.consumers.analytics.taught.own_gestures import NOW, show_shaka, taught_eight, taught_shaka

pytestmark = pytest.mark.servers


@pytest.fixture
def engine(make_database: Callable[[], str]) -> Iterator[Engine]:
    made = connect(make_database())
    yield made
    made.dispose()


@pytest.fixture
def store(engine: Engine) -> TaughtStore:
    migrate(engine)
    return TaughtStore(engine)


def test_what_is_kept_is_read_to_the_last_bit(store: TaughtStore) -> None:
    gestures = [taught_eight(), taught_shaka()]
    store.keep(gestures)
    read = store.read()
    assert read == gestures
    assert [gesture.version for gesture in read] == [gesture.version for gesture in gestures]
    before, after = (TaughtShapes(some).score(show_shaka(3))[1] for some in (gestures, read))
    assert before.tobytes() == after.tobytes()
    assert MovementCatalogue(gestures).version == MovementCatalogue(read).version


def test_teaching_again_takes_the_place_of_what_was(store: TaughtStore) -> None:
    store.keep([taught_shaka()])
    again = replace(taught_shaka(upright=True), taught_at=NOW + timedelta(days=1))
    store.keep([again])
    assert store.read() == [again]


def test_what_is_removed_is_gone_and_what_was_not_there_is_said(store: TaughtStore) -> None:
    store.keep([taught_shaka(), taught_eight()])
    assert store.remove(["shaka", "never"]) == ["shaka"]
    assert [gesture.name for gesture in store.read()] == ["eight"]


def test_what_was_taught_before_its_name_was_built_in_stops_nobody(
    store: TaughtStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.keep([taught_shaka(), replace(taught_eight(), name="Squat")])
    read = store.read()
    assert [gesture.name for gesture in read] == ["Squat", "shaka"]
    repertoire = Repertoire.of(read)
    assert list(repertoire.taught_versions) == ["shaka"]
    assert repertoire.taught_movements.version == MovementCatalogue([]).version
    [warning] = caplog.messages
    assert "Squat is not looked for" in warning


def test_a_database_that_analytics_never_used_has_nothing_taught(engine: Engine) -> None:
    assert TaughtStore(engine).read() == []
    assert TaughtStore(engine).remove(["shaka"]) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("examples = jsonb_set(examples, '{flat}', 'true')", "was changed by hand"),
        ("examples = '{}'", "is not what this version writes"),
    ],
)
def test_a_row_that_was_changed_is_named(store: TaughtStore, engine: Engine, change: str, said: str) -> None:
    store.keep([taught_shaka()])
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE analytics.taught_gestures SET {change}"))
    with pytest.raises(TaughtUnreadable, match=f"shaka {said}") as refused:
        store.read()
    assert "holistic gestures remove shaka" in str(refused.value.hint)
