"""What keeps a stack from starting, said so that a person can act on it."""

from __future__ import annotations

import io
import os
import random
import shutil
import socket
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from keypoints.errors import Terminal
from local_stack import WantedPorts, default_cache_dir, find_stack, start_stack
from local_stack.artifacts import fetch_artifacts, pinned_artifacts, stay_inside
from local_stack.errors import DamagedDownload, DataDirUnusable, PartFailed, PortTaken
from local_stack.external import external_servers
from local_stack.kafka_broker import prepare_kafka
from local_stack.layout import LOOPBACK, Layout
from local_stack.plan import Ports
from local_stack.progress import SilentProgress
from local_stack.report import hide_password

REPOSITORY = Path(__file__).resolve().parents[2]


def run_up(**environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("KAFKA_", "DATABASE_"))}
    return subprocess.run(
        [sys.executable, "-m", "holistic_cli", "up"],
        cwd=REPOSITORY,
        env=inherited | environment,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


def test_without_a_network_the_download_is_said_to_have_failed(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        nowhere = f"http://{LOOPBACK}:{server.getsockname()[1]}"
    done = run_up(
        HOLISTIC_HOME=str(tmp_path / "home"), HOLISTIC_CACHE=str(tmp_path / "cache"), HTTPS_PROXY=nowhere, NO_PROXY=""
    )
    assert done.returncode == 1
    assert "from Maven Central: ProxyError" in done.stderr
    assert "is there a network?" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_where_the_data_directory_should_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("not a directory")
    with pytest.raises(DataDirUnusable, match="cannot write to the data directory") as caught:
        start_stack(tmp_path / "home")
    assert caught.value.fields == {"path": str(tmp_path / "home")}


def test_a_path_that_kafka_cannot_hold_is_told_before_anything_is_made(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "a,b")
    with pytest.raises(DataDirUnusable, match="with a comma"):
        prepare_kafka(layout, Ports(1, 2, 3, 4), Path("java"), [Path("kafka.jar")], random.Random(1))
    assert not layout.data_dir.exists()


def test_a_port_that_was_asked_for_and_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port}, asked for kafka"):
            start_stack(tmp_path / "home", ports=WantedPorts(kafka=port))


def test_half_an_environment_is_a_slip(tmp_path: Path) -> None:
    with pytest.raises(Terminal, match="DATABASE_URL is not set"):
        external_servers(tmp_path, {"KAFKA_BOOTSTRAP_SERVERS": "kafka:9092"})
    assert external_servers(tmp_path, {}) is None
    found = external_servers(tmp_path, {"KAFKA_BOOTSTRAP_SERVERS": "kafka:9092", "DATABASE_URL": "postgresql://db/x"})
    assert found is not None
    assert found.kafka_bootstrap_servers == "kafka:9092"


def test_a_shown_database_url_has_no_password() -> None:
    assert hide_password("postgresql://me:p%40ss@db:5432/x?sslmode=require") == (
        "postgresql://me:…@db:5432/x?sslmode=require"
    )
    assert hide_password("postgresql://db/x") == "postgresql://db/x"


def test_every_file_to_download_is_pinned() -> None:
    kafka, registry = pinned_artifacts("kafka"), pinned_artifacts("registry")
    assert {artifact.filename for artifact in kafka} >= {"kafka_2.13-4.1.1.jar", "kafka-clients-4.1.1.jar"}
    assert [artifact.filename for artifact in registry] == ["apicurio-registry-app-3.3.3-all.tar.gz"]
    assert all(len(artifact.sha256) == 64 and artifact.size_bytes > 0 for artifact in (*kafka, *registry))
    # Two versions of one library on the class path would decide by chance.
    names = [(artifact.group, artifact.name, artifact.classifier) for artifact in kafka]
    assert len(names) == len(set(names))


def add(tar: tarfile.TarFile, name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> None:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.size = kind, target, 1 if kind == tarfile.REGTYPE else 0
    tar.addfile(member, io.BytesIO(b"x"))


@pytest.mark.parametrize(
    ("name", "kind", "target"),
    [
        ("../outside", tarfile.REGTYPE, ""),
        ("lib/../../outside", tarfile.REGTYPE, ""),
        ("/outside", tarfile.REGTYPE, ""),
        ("link", tarfile.SYMTYPE, "/outside"),
        ("pipe", tarfile.FIFOTYPE, ""),
    ],
)
def test_nothing_is_unpacked_outside_also_by_a_python_without_filters(
    tmp_path: Path, name: str, kind: bytes, target: str
) -> None:
    archive = tmp_path / "part.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        add(tar, "lib", tarfile.DIRTYPE)
        add(tar, "lib/inside")
        add(tar, name, kind, target)
    with tarfile.open(archive) as tar:
        members = stay_inside(tar, archive)
        assert [next(members).name, next(members).name] == ["lib", "lib/inside"]
        with pytest.raises(DamagedDownload) as refused:
            next(members)
    assert refused.value.fields == {"artifact": "part.tar.gz", "found": name}


@pytest.mark.servers
def test_a_damaged_file_of_the_cache_is_fetched_again(tmp_path: Path) -> None:
    whole = fetch_artifacts("kafka", default_cache_dir(), SilentProgress())
    shutil.copytree(whole[0].parent, tmp_path / "kafka")
    damaged = tmp_path / "kafka" / whole[0].name
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    fetched = fetch_artifacts("kafka", tmp_path, SilentProgress())
    assert fetched[0] == damaged
    assert damaged.read_bytes() == whole[0].read_bytes()


@pytest.mark.servers
@pytest.mark.timeout(300)
def test_a_part_that_does_not_come_up_shows_the_end_of_its_log(make_data_dir: Callable[[str], Path]) -> None:
    data_dir = make_data_dir("broken")
    layout = Layout(data_dir)
    layout.kafka_dir.mkdir(parents=True)
    storage = layout.kafka_dir / "data"
    storage.mkdir()
    (storage / "meta.properties").write_text("version=1\nnode.id=7\ncluster.id=AAAAAAAAAAAAAAAAAAAAAA\n")
    with pytest.raises(PartFailed, match=r"Kafka keeps ending \(exit code 1\)") as caught:
        start_stack(data_dir)
    assert "node id" in caught.value.message.lower().replace(".", " ")
    assert find_stack(data_dir) is None
