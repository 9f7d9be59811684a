"""A run that would end on a full disk does not begin."""

from pathlib import Path

import pytest

from proving.room import NoRoom, check_room


def test_a_run_larger_than_the_disk_is_refused_with_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(NoRoom, match="are free where") as refused:
        check_room(tmp_path, frames=1e12)
    assert refused.value.hint


def test_a_small_run_begins_and_has_its_directory(tmp_path: Path) -> None:
    check_room(tmp_path / "home", frames=10)
    assert (tmp_path / "home").is_dir()
