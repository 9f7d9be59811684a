"""A run that would end on a full disk does not begin."""

from pathlib import Path

import pytest

from proving.room import NoRoom, check_room, taking_notes


def test_a_run_larger_than_the_disk_is_refused_with_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(NoRoom, match="are free where") as refused:
        check_room(tmp_path, frames=1e12)
    assert refused.value.hint


def test_a_small_run_begins_and_has_its_directory(tmp_path: Path) -> None:
    check_room(tmp_path / "home", frames=10)
    assert (tmp_path / "home").is_dir()


def test_notes_are_in_their_place_in_the_end_wherever_they_were_taken(tmp_path: Path) -> None:
    kept_in = tmp_path / "logs"
    kept_in.mkdir()
    (kept_in / "service.log").write_text("of the service")
    with taking_notes(kept_in) as folder:
        (folder / "sent.jsonl").write_text("a line\n")
    assert (kept_in / "sent.jsonl").read_text() == "a line\n"
    assert (kept_in / "service.log").read_text() == "of the service"
    assert folder == kept_in or not folder.exists()


def test_notes_of_a_run_that_failed_are_kept_too(tmp_path: Path) -> None:
    def fail() -> None:
        with taking_notes(tmp_path) as folder:
            (folder / "sent.jsonl").write_text("a line\n")
            raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        fail()
    assert (tmp_path / "sent.jsonl").exists()
