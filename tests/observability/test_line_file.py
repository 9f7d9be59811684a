"""A full disk costs the lines of a file that only measures, and nothing else."""

import io
import logging
from pathlib import Path

import pytest

from keypoints.errors import Terminal
from observability.line_file import LineFile


class Disk(io.RawIOBase):
    """A file on a disk with so much room."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room
        self.content = b""

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        assert isinstance(data, bytes)
        if not self.room:
            raise OSError(28, "No space left on device")
        taken = data[: self.room]
        self.room -= len(taken)
        self.content += taken
        return len(taken)


@pytest.fixture
def on_disk(tmp_path: Path) -> tuple[LineFile, Disk]:
    lines, disk = LineFile(tmp_path / "lines", "HOLISTIC_LINES"), Disk(12)
    lines.close()
    lines._file = disk  # type: ignore[assignment]
    return lines, disk


def test_lines_a_full_disk_does_not_take_are_left_out_and_counted(
    on_disk: tuple[LineFile, Disk], caplog: pytest.LogCaptureFixture
) -> None:
    lines, disk = on_disk
    caplog.set_level(logging.WARNING)
    for number in range(5):
        lines.append(b"line %d\n" % number)
    disk.room = 100
    lines.append(b"line 5\n")
    lines.append(b"line 6\n")
    assert disk.content.split(b"\n") == [b"line 0", b"line ", b"line 5", b"line 6", b""]
    told = [line.getMessage().removeprefix(f"{lines._path} ") for line in caplog.records]
    assert told == [
        "takes no more lines, which are left out until it does: No space left on device",
        "takes lines again; 4 were left out",
    ]


def test_a_really_full_device_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    lines = LineFile(Path("/dev/full"), "HOLISTIC_LINES")
    lines.append(b"line\n")
    lines.close()
    assert "No space left on device" in caplog.text


def test_a_file_that_cannot_be_opened_is_named_with_its_setting(tmp_path: Path) -> None:
    with pytest.raises(Terminal, match=r"HOLISTIC_LINES: .*none/lines cannot be written: No such file") as refused:
        LineFile(tmp_path / "none" / "lines", "HOLISTIC_LINES")
    assert refused.value.hint is not None
