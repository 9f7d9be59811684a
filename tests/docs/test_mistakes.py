"""What docs/mistakes.md quotes is what is really said: each mistake of the page is made here."""

from __future__ import annotations

import logging
import os
import re
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from kafka import errors as kafka_errors

from holistic_cli.main import run as run_holistic
from kafka_io.consumer import make_consumer
from kafka_io.environment import explain_error
from kafka_io.no_connection import UnreachableBrokers
from kafka_io.settings import KafkaSettings
from keypoints.errors import HolisticError
from observability.line_file import LineFile
from tests.conftest import REPOSITORY

if TYPE_CHECKING:
    from local_stack import Endpoints

pytestmark = [pytest.mark.servers, pytest.mark.timeout(120)]

PAGE: Final = REPOSITORY / "docs" / "mistakes.md"
NOBODY: Final = "127.0.0.1:1"
_PATIENCE_MS: Final = (500, 3_000, 12_000)
# The frames that rich and click draw around what they say.
_DRAWN: Final = re.compile(r"[\s│─╭╮╰╯]+")


def find_quotes() -> dict[str, list[str]]:
    """By the message in each heading of the page: what is quoted below it."""
    found: dict[str, list[str]] = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if heading := re.fullmatch(r"### `(.+)`", line):
            found[heading[1]] = []
        elif line.startswith("> "):
            found[next(reversed(found))].append(line.removeprefix("> ").strip("`"))
    return found


@dataclass(frozen=True)
class Stranger:
    """Somebody who makes mistakes: a shell of their own, in a folder of their own."""

    folder: Path
    stack: Endpoints
    database_url: str
    monkeypatch: pytest.MonkeyPatch
    captured: pytest.CaptureFixture[str]
    log: pytest.LogCaptureFixture
    produced: str
    """What `holistic produce` says to everything at once that it cannot read."""

    def run(self, *arguments: str, **variables: str | None) -> str:
        """What `holistic` says to that, with these variables besides those of the stack; None: without one."""
        given = {"KAFKA_BOOTSTRAP_SERVERS": self.stack.kafka_bootstrap_servers, "DATABASE_URL": self.database_url}
        for name, value in {**given, "HOLISTIC_HOME": str(self.folder / "none"), **variables}.items():
            if value is None:
                self.monkeypatch.delenv(name, raising=False)
            else:
                self.monkeypatch.setenv(name, value)
        self.monkeypatch.setattr(sys, "argv", ["holistic", *arguments])
        with pytest.raises(SystemExit) as ended:
            run_holistic()
        told = self.captured.readouterr()
        assert ended.value.code != 0, told
        return "\n".join([told.out, told.err, *self.log.messages])

    def connect(self, servers: str, **settings: str) -> str:
        """What every command says that cannot reach these brokers."""
        kafka = KafkaSettings(bootstrap_servers=servers, **settings)  # type: ignore[arg-type]
        told = ""
        for patience_ms in _PATIENCE_MS:
            told = say(lambda wait_ms=patience_ms: make_consumer(kafka, None, bootstrap_timeout_ms=wait_ms))  # type: ignore[misc]
            if "it does not answer" not in told:
                break
        return told

    def at_database(self, login: str | None = None, name: str | None = None) -> str:
        """The address of the stack's Postgres, with another login or another database."""
        head, _, place = self.stack.database_url.partition("@")
        address, _, own = place.partition("/")
        scheme, _, own_login = head.partition("://")
        return f"{scheme}://{login or own_login}@{address}/{name or own}"

    def write(self, name: str, text: str) -> str:
        (self.folder / name).write_text(text, encoding="utf-8")
        return str(self.folder / name)


def say(doing: Callable[[], object]) -> str:
    """The lines a command leaves behind that fails so."""
    with pytest.raises(HolisticError) as caught:
        doing()
    return explain_error(caught.value).replace("hint: ", "What to do: ")


@contextmanager
def listener(context: ssl.SSLContext | None = None) -> Iterator[str]:
    """The address of something that is no broker, with TLS or without."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with suppress(OSError), client:
                    client.settimeout(2)
                    if context is not None:
                        client = context.wrap_socket(client, server_side=True)
                    client.recv(1_000)

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def speak_tls_to_none(stranger: Stranger) -> str:
    with listener() as address:
        return stranger.connect(address, security_protocol="SSL")


def speak_plainly_to_tls(stranger: Stranger) -> str:
    import trustme

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with listener(context) as address:
        return stranger.connect(address)


def lose_a_broker(stranger: Stranger) -> str:
    UnreachableBrokers(speaks_tls=False).note(NOBODY, kafka_errors.KafkaConnectionError("111 ECONNREFUSED"))
    return "\n".join(stranger.log.messages)


def take_a_taken_port(stranger: Stranger) -> str:
    with listener() as address:
        return stranger.run("avatar", HOLISTIC_HTTP_PORT=address.rpartition(":")[2])


def misspell_a_variable(stranger: Stranger) -> str:
    with listener() as address:
        port = address.rpartition(":")[2]
        return stranger.run("avatar", HOLISTIC_VMC_TARGET="127.0.0.1:39540", HOLISTIC_HTTP_PORT=port)


def fill_the_disk(stranger: Stranger) -> str:
    lines = LineFile(Path("/dev/full"), "HOLISTIC_AVATAR_LATENCY_LOG")
    lines.append(b"line\n")
    lines.close()
    return "\n".join(stranger.log.messages)


def name_no_python(stranger: Stranger) -> str:
    """`make setup` with a program that is no Python we run on."""
    made = subprocess.run(
        ["make", "setup", f"VENV={stranger.folder}/venv", "PYTHON=/bin/false"],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert made.returncode != 0
    return made.stderr


def call_by_another_name(_: Stranger) -> str:
    from consumers.avatar.viewer.access import PageRules

    scope = {"type": "http", "method": "GET", "headers": [(b"host", b"studio.example:8085")]}
    return say(lambda: PageRules().check(scope))


MISTAKES: Final[Mapping[str, Callable[[Stranger], str]]] = {
    "Holistic Stream runs on Python 3.11 or 3.12, and … is neither.": name_no_python,
    "no Kafka is configured, and no local stack is up": lambda one: one.run(
        "streams", KAFKA_BOOTSTRAP_SERVERS=None, DATABASE_URL=None
    ),
    "DATABASE_URL is not set, its sister is": lambda one: one.run("up", DATABASE_URL=None),
    "cannot write to the data directory …": lambda one: one.run(
        "up", KAFKA_BOOTSTRAP_SERVERS=None, DATABASE_URL=None, HOLISTIC_HOME="/proc/none"
    ),
    "No such command '…'.": lambda one: one.run("procude", "talk.mp4"),
    "no broker could be reached (…: nothing listens there)": lambda one: one.connect(NOBODY),
    "no broker could be reached (…: no such host name is known)": lambda one: one.connect("no-such-host.invalid:9092"),
    "no broker could be reached (…: what answers there does not speak TLS)": speak_tls_to_none,
    "no broker could be reached (…: what answers there does not speak Kafka without TLS)": speak_plainly_to_tls,
    "no broker could be reached (…: it takes no login there)": lambda one: one.connect(
        one.stack.kafka_bootstrap_servers,
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_username="ada",
        sasl_password="pw",
    ),
    "the cluster names a broker at …: nothing listens there": lose_a_broker,
    "KAFKA_BOOTSTRAP_SERVERS: '…' is no broker: it has the form host:port": lambda one: one.run(
        "record", "ada", "--seconds", "1", KAFKA_BOOTSTRAP_SERVERS="https://kafka:9092"
    ),
    "KAFKA_SECURITY_PROTOCOL=… needs KAFKA_SASL_MECHANISM": lambda one: one.run(
        "record", "ada", "--seconds", "1", KAFKA_SECURITY_PROTOCOL="SASL_SSL"
    ),
    "there is no topic …": lambda one: one.run("record", "ada", "--seconds", "1", "--topic", "no-such-topic"),
    "… holds no records of … in that time": lambda one: one.run("record", "nobody", "--seconds", "0.1"),
    "DATABASE_URL: it is no address of a Postgres: …": lambda one: one.run(
        "archive", DATABASE_URL="mysql://pg/archive"
    ),
    "connection to server at …, port … failed: Connection refused": lambda one: one.run(
        "database", "status", DATABASE_URL=f"postgresql://ada:pw@{NOBODY}/archive"
    ),
    'password authentication failed for user "…"': lambda one: one.run(
        "database", "status", DATABASE_URL=one.at_database(login="nobody:wrong")
    ),
    'database "…" does not exist': lambda one: one.run(
        "database", "status", DATABASE_URL=one.at_database(name="no_such_database")
    ),
    'relation "frames" does not exist': lambda one: one.run("streams"),
    "there is no archive in this database yet": lambda one: one.run("database", "status"),
    "analytics has no tables in this database, or old ones": lambda one: one.run("report", "ada"),
    "there is no connector …": lambda one: one.run("replay", "archive-postgress", "--from", "2h"),
    "cannot listen on …: Address already in use": take_a_taken_port,
    "… means nothing to avatar; … does": misspell_a_variable,
    "HOLISTIC_HTTP_PORT: it must be a whole number": lambda one: one.run("avatar", HOLISTIC_HTTP_PORT="http"),
    "HOLISTIC_…_CONFIG: it must be JSON": lambda one: one.run("archive", HOLISTIC_ARCHIVE_POSTGRES_CONFIG="{batch"),
    "…: unknown setting, did you mean …?": lambda one: one.run(
        "archive", HOLISTIC_ARCHIVE_POSTGRES_CONFIG='{"batch.sizee": 3}'
    ),
    "…: rule 1: …: this key is missing": lambda one: one.run(
        "rules", "check", one.write("rules.yaml", "rules:\n  - when: thumbs_up\n    then: []\n")
    ),
    "… is not YAML, line …": lambda one: one.run("rules", "check", one.write("rules.yaml", "rules:\n  - a: b\n bad")),
    "'…' is no origin: it has the form https://host or http://host:port, with nothing after it": lambda one: one.run(
        "avatar", HOLISTIC_AVATAR_ORIGINS="studio.example"
    ),
    "cannot resolve the host of target …": lambda one: one.run("avatar", "--target", "no-such-host.invalid:39539"),
    "… is not a GLB file": lambda one: one.run(
        "avatar", "--target", f"vmc://127.0.0.1:39539?vrm={one.write('ada.vrm', 'a text')}"
    ),
    "this service is not known by that name": call_by_another_name,
    "missing_file: there is no such file or folder": lambda one: one.produced,
    "unreadable_video: a text, not a picture or a video": lambda one: one.produced,
    "not_an_image: not a JPEG, PNG or WebP picture": lambda one: one.produced,
    "no_device: …: there is no such device": lambda one: one.produced,
    "refused_address: is none of rtsp://, rtsps://, http://, https://": lambda one: one.produced,
    "… cannot be written: No such file or directory": lambda one: one.run(
        "avatar", HOLISTIC_AVATAR_LATENCY_LOG=str(one.folder / "none" / "log")
    ),
    "… takes no more lines, which are left out until it does: No space left on device": fill_the_disk,
}


@pytest.fixture(scope="module")
def produced(stack: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("sources")
    (folder / "text.mp4").write_text("a text\n", encoding="utf-8")
    (folder / "photo.heic").write_bytes(b"\0\0\0\x18ftypheic" * 9)
    servers = {"KAFKA_BOOTSTRAP_SERVERS": stack.kafka_bootstrap_servers, "DATABASE_URL": stack.database_url}
    command = [sys.executable, "-m", "holistic_cli", "produce"]
    shell = os.environ | servers | {"COLUMNS": "500"}
    made = subprocess.run(
        [*command, "talk.mp4", "text.mp4", "photo.heic", "webcam:63", "ftp://camera/talk.mp4"],
        cwd=folder, env=shell, capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    assert made.returncode == 1, made.stderr
    return made.stdout + made.stderr


@pytest.fixture
def stranger(
    tmp_path: Path, stack: Endpoints, make_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, produced: str,
) -> Iterator[Stranger]:  # fmt: skip
    monkeypatch.setenv("COLUMNS", "500")
    monkeypatch.chdir(tmp_path)
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    yield Stranger(tmp_path, stack, make_database(), monkeypatch, capfd, caplog, produced)
    root.handlers[:], root.level = before


def quote(text: str) -> re.Pattern[str]:
    """Matches what is said, `…` standing for anything in one line."""
    return re.compile(".*?".join(re.escape(part) for part in text.split("…")))


@pytest.mark.parametrize("message", find_quotes())
def test_what_the_page_quotes_is_what_is_said(message: str, stranger: Stranger) -> None:
    said = _DRAWN.sub(" ", MISTAKES[message](stranger))
    for quoted in [message, *find_quotes()[message]]:
        assert quote(quoted).search(said), said


def test_every_mistake_that_is_made_here_is_on_the_page() -> None:
    assert set(MISTAKES) == set(find_quotes())
