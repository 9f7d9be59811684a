"""Logs: the last lines, new lines, and no growth without end."""

from __future__ import annotations

from pathlib import Path

from local_stack.log_files import LogReader, open_log, read_last_lines, trim_log


def test_the_last_lines_of_a_long_log_are_read_from_its_end(tmp_path: Path) -> None:
    log = tmp_path / "kafka.log"
    log.write_text("".join(f"line {number} {'x' * 90}\n" for number in range(5000)))
    assert [line.split()[1] for line in read_last_lines(log, 3)] == ["4997", "4998", "4999"]
    assert len(read_last_lines(log, 10_000)) == 5000


def test_a_log_that_is_not_there_has_no_lines(tmp_path: Path) -> None:
    assert read_last_lines(tmp_path / "kafka.log", 10) == []
    assert LogReader(tmp_path / "kafka.log").read_new_lines() == []


def test_only_finished_new_lines_are_followed(tmp_path: Path) -> None:
    path = tmp_path / "kafka.log"
    with open_log(path) as log:
        log.write(b"before\n")
        log.flush()
        reader = LogReader(path)
        log.write("ein Wört".encode()[:-3])
        log.flush()
        assert reader.read_new_lines() == []
        log.write("ört".encode()[1:] + b"\nmore\n")
        log.flush()
        assert reader.read_new_lines() == ["ein Wört", "more"]
        assert reader.read_new_lines() == []


def test_a_too_large_log_is_emptied_under_its_writer_and_followed_on(tmp_path: Path) -> None:
    path = tmp_path / "kafka.log"
    with open_log(path) as log:
        log.write(b"old\n" * 100)
        log.flush()
        reader = LogReader(path)
        assert not trim_log(path, largest_bytes=400)
        assert trim_log(path, largest_bytes=399)
        log.write(b"new\n")
        log.flush()
        assert path.read_bytes() == b"new\n"
        assert (tmp_path / "kafka.log.1").read_bytes() == b"old\n" * 100
        assert reader.read_new_lines() == ["new"]
