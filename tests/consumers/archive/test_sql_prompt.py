"""Asking the archive again and again: what is typed, piped in or in a file, and what is answered."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from consumers.archive.sql import ask_parquet, ask_postgres
from consumers.archive.sql_script import split_statements
from holistic_cli.sql_completion import ArchiveCompleter
from holistic_cli.sql_prompt import SqlPrompt, open_history
from tests.consumers.archive.archived import Archived
from tests.consumers.archive.made_frames import make_batch

servers = pytest.mark.servers

LEAVE = "\\q\r"


@pytest.fixture
def converse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[str], str]:
    """What is said to somebody who types this at the prompt of an empty archive of Parquet files."""

    def type_and_read(keys: str) -> str:
        prompt = SqlPrompt("parquet", lambda sql, canceller: ask_parquet(tmp_path, sql, canceller), now_s=lambda: 1.0)
        with create_pipe_input() as typed:
            typed.send_text(keys)
            prompt.run(InMemoryHistory(), typed, DummyOutput())
        return capsys.readouterr().out

    return type_and_read


def test_a_question_may_take_several_lines_and_ends_with_a_semicolon(converse: Callable[[str], str]) -> None:
    said = converse(f"SELECT 40\r+ 2 AS answer;\r{LEAVE}")
    assert "answer" in said
    assert "42" in said
    assert "1 row" in said


def test_a_semicolon_within_quotes_ends_nothing(converse: Callable[[str], str]) -> None:
    assert "a;b" in converse(f"SELECT 'a;\x08;'\r|| 'b' AS text;\r{LEAVE}")


def test_a_mistake_is_said_and_the_next_question_answered(converse: Callable[[str], str]) -> None:
    said = converse(f"SELECT strem_id FROM frames;\rSELECT 42 AS answer;\r{LEAVE}")
    assert "strem_id" in said
    assert "42" in said


def test_the_commands_are_those_of_psql(converse: Callable[[str], str]) -> None:
    assert "Ctrl-C ends a question" in converse(f"\\?\r{LEAVE}")
    views = converse(f"\\d\r{LEAVE}")
    assert "pose_landmarks" in views
    assert "pose_landmark(part, landmark)" in views
    columns = converse(f"\\d frames\r{LEAVE}")
    assert "captured_at" in columns
    assert "TIMESTAMP WITH TIME ZONE" in columns
    assert "0.0 ms" in converse(f"\\timing\rSELECT 1;\r{LEAVE}")
    assert "answer │ 42" in converse(f"\\x\rSELECT 42 AS answer;\r{LEAVE}")
    assert "there is no \\dance" in converse(f"\\dance\r{LEAVE}")


@pytest.mark.parametrize("leaving", ["\\q\r", "quit\r", "exit;\r", "\x04"])
def test_there_are_several_ways_out(converse: Callable[[str], str], leaving: str) -> None:
    assert "helps" in converse(leaving)


def test_ctrl_c_drops_the_line_and_not_the_conversation(converse: Callable[[str], str]) -> None:
    said = converse(f"SELECT nonsense\x03SELECT 42 AS answer;\r{LEAVE}")
    assert "42" in said
    assert "nonsense" not in said


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("SELECT count(*) FROM pose_l", "pose_landmarks"),
        ("SELECT * FROM frames JOIN wor", "world_joints"),
        ("SELECT capt", "captured_at"),
        ("SELECT (pose_landmark(pose, 'left_wr", "left_wrist"),
        ("SELECT * FROM hand_landmarks WHERE name = 'index_finger_t", "index_finger_tip"),
        ("\\d jo", "joints"),
        ("\\ti", "\\timing"),
    ],
)
def test_tab_completes_what_can_be_meant(before: str, expected: str) -> None:
    found = [one.text for one in ArchiveCompleter().get_completions(Document(before), CompleteEvent())]
    assert expected in found


def test_what_was_asked_is_remembered_for_its_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    open_history().append_string("SELECT 1;")
    assert list(open_history().load_history_strings()) == ["SELECT 1;"]
    assert (tmp_path / "holistic" / "sql_history").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("text", "statements", "rest"),
    [
        ("SELECT 1; SELECT 2", ("SELECT 1",), "SELECT 2"),
        ("SELECT ';' , \"a;b\" , 'it''s;';", ("SELECT ';' , \"a;b\" , 'it''s;'",), ""),
        ("SELECT E'it\\'s;' ; x", ("SELECT E'it\\'s;'",), "x"),
        ("SELECT $$;$$, $a$ $$ ; $a$;", ("SELECT $$;$$, $a$ $$ ; $a$",), ""),
        ("-- a; b\nSELECT 1 /* ; /* ; */ ; */;", ("-- a; b\nSELECT 1 /* ; /* ; */ ; */",), ""),
        ("SELECT 'open; ", (), "SELECT 'open;"),
        (";;  ; -- nothing\n", (), ""),
    ],
)
def test_statements_end_at_semicolons_that_are_not_quoted(text: str, statements: tuple[str, ...], rest: str) -> None:
    script = split_statements(text)
    assert script.statements == statements
    assert script.all == (statements if not rest else (*statements, rest))


@servers
@pytest.mark.parametrize("store", ["postgres", "parquet"])
def test_questions_can_be_piped_in_or_read_from_a_file(archived: Archived, tmp_path: Path, store: str) -> None:
    archived.keep(make_batch(3, topic=archived.topic))
    questions = "-- how many; really\nSELECT count(*) AS frames FROM frames;\nSELECT '100%;' AS all;\n"
    assert archived.run("sql", "--on", store, "--csv", stdin=questions) == "frames\n3\nall\n100%;\n"
    path = tmp_path / "questions.sql"
    path.write_text(questions)
    assert archived.run("sql", "--on", store, "--csv", "--file", str(path)) == "frames\n3\nall\n100%;\n"
    failed = archived.run(
        "sql", "--on", store, "--csv", stdin="SELECT 1 AS a; SELECT b; SELECT 3 AS c", expected_code=1
    )
    assert failed.startswith("a\n1\n")
    assert "c\n3" not in failed
    assert "no question" in archived.run("sql", "--on", store, stdin="-- nothing", expected_code=2)
    archived.run("sql", "SELECT 1", "--file", str(path), expected_code=2)


class Terminal:
    """A terminal with `holistic sql` in it, and somebody who types and reads."""

    def __init__(self, controller: int, process: "subprocess.Popen[bytes]") -> None:
        self._controller = controller
        self.process = process
        self.seen = ""

    def type(self, text: str) -> None:
        os.write(self._controller, text.encode())

    def read_until(self, text: str, timeout_s: float = 30) -> None:
        """Wait until this has been shown since it was last waited for."""
        deadline = time.monotonic() + timeout_s
        while text not in self.seen:
            ready, _, _ = select.select([self._controller], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"{text!r} is not in {self.seen!r}"
            self.seen += os.read(self._controller, 65536).decode(errors="replace")
        self.seen = self.seen.partition(text)[2]


@contextmanager
def open_terminal(archived: Archived, state: Path, *arguments: str) -> Iterator[Terminal]:
    controller, terminal = pty.openpty()
    environment = {
        **archived.environment(),
        "XDG_STATE_HOME": str(state),
        "TERM": "xterm",
        "PROMPT_TOOLKIT_NO_CPR": "1",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "holistic_cli", "sql", *arguments],
        env=environment, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True,
    )  # fmt: skip
    os.close(terminal)
    try:
        yield Terminal(controller, process)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(controller)


@servers
def test_at_a_terminal_ctrl_c_ends_the_running_question_and_the_next_is_answered(
    archived: Archived, tmp_path: Path
) -> None:
    archived.keep(make_batch(3, topic=archived.topic))
    with open_terminal(archived, tmp_path) as terminal:
        terminal.read_until("postgres>")
        terminal.type("SELECT pg_sleep(600);\r")
        wait_until_running(archived, "pg_sleep(600)")
        terminal.process.send_signal(signal.SIGINT)
        terminal.read_until("cancelled")
        assert running_questions(archived, "pg_sleep(600)") == 0
        terminal.type("SELECT count(*) + 39 AS answer FROM frames;\r")
        terminal.read_until(" 42 ")
        terminal.type("\\q\r")
        assert terminal.process.wait(30) == 0
    assert "pg_sleep(600)" in (tmp_path / "holistic" / "sql_history").read_text()


def running_questions(archived: Archived, text: str) -> int:
    question = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' "
        f"AND pid <> pg_backend_pid() AND query LIKE '%{text}%'"
    )
    with ask_postgres(archived.database_url, question) as answer:
        return int(next(answer.rows)[0])


def wait_until_running(archived: Archived, text: str) -> None:
    deadline = time.monotonic() + 30
    while not running_questions(archived, text):
        assert time.monotonic() < deadline
