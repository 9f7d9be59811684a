"""What stands in the way of a file is said, and nothing is left."""

from pathlib import Path

import pytest

from consumers.archive.export.files import FileNotWritten, write_together


@pytest.mark.parametrize(
    ("name", "said", "to_do"),
    [("a" * 300, "File name too long", "shorter name"), ("nowhere/a.bvh", "No such file", "does the folder exist")],
)
def test_a_file_that_cannot_be_is_said_with_what_to_do(tmp_path: Path, name: str, said: str, to_do: str) -> None:
    with (
        pytest.raises(FileNotWritten, match=said) as refusal,
        write_together([tmp_path / "good.glb", tmp_path / name], overwrite=False),
    ):
        raise AssertionError("there is nothing to be filled")
    assert to_do in (refusal.value.hint or "")
    assert not list(tmp_path.iterdir())
