"""What is inside the images: each service's own rooms and libraries, an unprivileged user, nothing to build with."""

from __future__ import annotations

import json
import os
import re
import stat
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.build_images import REPOSITORY, TARGETS, image_megabytes, image_name
from tests.deploy.containers import Container, Image, run_in

pytestmark = [pytest.mark.images, pytest.mark.timeout(600)]

OpenImage = Callable[[str], Image]

SHARED_ROOMS = {"keypoints", "kafka_io", "observability"}
ROOMS = {
    "topics": SHARED_ROOMS,
    "avatar": SHARED_ROOMS | {"connect_runtime", "consumers", "consumers.avatar"},
    "analytics": SHARED_ROOMS | {"connect_runtime", "performers", "consumers", "consumers.analytics"},
    "archive": SHARED_ROOMS | {"connect_runtime", "consumers", "consumers.archive"},
    "producer": SHARED_ROOMS | {"producer_service"},
    "tools": SHARED_ROOMS
    | {"connect_runtime", "performers", "local_stack", "holistic_cli", "consumers"}
    | {"consumers.archive", "consumers.analytics", "consumers.avatar"},
}
LIBRARIES = {
    "topics": set[str](),
    "avatar": set[str](),
    "analytics": {"sqlalchemy", "psycopg2"},
    "archive": {"sqlalchemy", "psycopg2", "pyarrow", "pgpq", "pyiceberg", "obstore"},
    "producer": {"mediapipe", "cv2", "PIL", "matplotlib"},
    "tools": {"sqlalchemy", "psycopg2", "pyarrow", "pgpq", "pyiceberg", "obstore", "duckdb", "PIL"}
    | {"matplotlib", "scipy", "sklearn"},
}
SERVICES = sorted(set(TARGETS) - {"tools"})
EVERY_LIBRARY = set.union(*LIBRARIES.values()) | {"pip", "river"}
MOST_MEGABYTES = {"topics": 200, "avatar": 350, "analytics": 350, "archive": 350, "producer": 700}

LIST_ROOMS = """
import json, pathlib
root = pathlib.Path("/opt/holistic")
rooms = [p.name for p in root.iterdir()] + [f"consumers.{p.name}" for p in root.glob("consumers/*/")]
print(json.dumps([room for room in rooms if not room.rpartition(".")[2].startswith("__")]))
"""
FIND_LIBRARIES = """
import importlib.util, json, sys
print(json.dumps([name for name in sys.argv[1:] if importlib.util.find_spec(name)]))
"""
IMPORT_EVERYTHING = """
import importlib, pathlib
root = pathlib.Path("/opt/holistic")
names = [".".join(path.relative_to(root).with_suffix("").parts) for path in root.rglob("*.py")]
names = [name.removesuffix(".__init__") for name in names if not name.endswith("__main__") and ".versions." not in name]
for name in sorted(names):
    if not name.endswith("migrations.env"):
        importlib.import_module(name)
print(len(names))
"""
TRY_TO_WRITE = """
import json, os, pathlib
refused = []
for directory in ("/", "/etc", "/opt/holistic", "/opt/venv", "/var/lib", "/usr/bin"):
    try:
        pathlib.Path(directory, "written").write_text("x")
    except OSError as error:
        refused.append(directory)
pathlib.Path("/tmp/written").write_text("x")
print(json.dumps({"pid": os.getpid(), "uid": os.getuid(), "gid": os.getgid(), "refused": refused}))
"""


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_holds_its_services_rooms_and_no_other(
    open_built_image: OpenImage, target: str, tmp_path: Path
) -> None:
    printed = run_in(open_built_image(target), tmp_path, "python", "-c", LIST_ROOMS)
    assert set(json.loads(printed)) == ROOMS[target]


@pytest.mark.parametrize("target", TARGETS)
def test_a_consumer_has_no_mediapipe_and_the_producer_no_pyarrow(
    open_built_image: OpenImage, target: str, tmp_path: Path
) -> None:
    printed = run_in(open_built_image(target), tmp_path, "python", "-c", FIND_LIBRARIES, *sorted(EVERY_LIBRARY))
    assert set(json.loads(printed)) == LIBRARIES[target]


@pytest.mark.parametrize("target", SERVICES)
def test_every_module_of_an_image_imports_with_what_the_image_has(
    open_built_image: OpenImage, target: str, tmp_path: Path
) -> None:
    assert int(run_in(open_built_image(target), tmp_path, "python", "-c", IMPORT_EVERYTHING).split()[-1]) > 10


@pytest.mark.parametrize("target", TARGETS)
def test_a_container_is_process_1_of_an_unprivileged_user_who_can_write_nowhere_but_tmp(
    open_built_image: OpenImage, target: str, tmp_path: Path
) -> None:
    image = open_built_image(target)
    facts = json.loads(run_in(image, tmp_path, *image.config["Entrypoint"][:2], "python", "-c", TRY_TO_WRITE))
    assert facts["pid"] == 1
    assert (facts["uid"], facts["gid"]) == (10001, 10001)
    assert facts["refused"] == ["/", "/etc", "/opt/holistic", "/opt/venv", "/var/lib", "/usr/bin"]


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_has_nothing_that_builds_installs_or_becomes_another_user(
    open_built_image: OpenImage, target: str
) -> None:
    root = open_built_image(target).root
    places = [root / place for place in ("bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin", "opt/venv/bin")]
    programs = {program.name for place in places if place.is_dir() for program in place.iterdir()}
    assert {"python3", "sh", "env"} <= programs
    assert not programs & {"gcc", "cc", "make", "ld", "pip", "pip3", "apt", "dpkg", "perl", "su", "mount", "openssl"}
    powerful = [
        path
        for directory, _, files in os.walk(root)
        for path in (Path(directory, file) for file in files)
        if stat.S_IMODE(path.lstat().st_mode) & (stat.S_ISUID | stat.S_ISGID)
    ]
    assert powerful == []
    for absent in ("opt/pip", "opt/requirements", "etc/pip.conf"):
        assert not (root / absent).exists(), absent
    assert list(root.glob("run/secrets/*")) == []


@pytest.mark.parametrize("target", TARGETS)
def test_a_scanner_finds_exactly_the_debian_packages_that_are_there(open_built_image: OpenImage, target: str) -> None:
    root = open_built_image(target).root
    said = (root / "var/lib/dpkg/status").read_text(encoding="utf-8")
    packages = {entry.split("\n", 1)[0].removeprefix("Package: ") for entry in said.split("\n\n") if entry.strip()}
    assert {"libc6", "coreutils", "ca-certificates"} <= packages
    assert not packages & {"apt", "dpkg", "perl-base", "openssl", "python3-pip-whl", "libgnutls30"}


@pytest.mark.parametrize("target", sorted(MOST_MEGABYTES))
def test_an_image_is_no_larger_than_it_may_be(built_images: tuple[str, ...], target: str) -> None:
    assert image_megabytes(image_name(target, "test")) <= MOST_MEGABYTES[target]


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_says_what_it_is_and_how_to_stop_it(open_built_image: OpenImage, target: str) -> None:
    config = open_built_image(target).config
    labels = config["Labels"]
    assert labels["org.opencontainers.image.title"] == f"Holistic Stream {target}"
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert labels["org.opencontainers.image.version"] == project["version"]
    assert re.fullmatch("[0-9a-f]{40}", labels["org.opencontainers.image.revision"])
    assert config["StopSignal"] == "SIGTERM"
    assert config["User"] == "10001:10001"


def test_the_avatar_image_holds_its_page_and_nothing_of_what_built_it(open_built_image: OpenImage) -> None:
    root = open_built_image("avatar").root
    page = root / "opt/holistic/consumers/avatar/viewer/page"
    assert {"index.html", "main.js", "theme.css", "layout.css"} <= {file.name for file in page.iterdir()}
    for absent in ("opt/venv/bin/node", "opt/venv/bin/npm", "opt/holistic/web"):
        assert not (root / absent).exists(), absent


def test_a_secret_file_that_is_missing_stops_the_container_with_a_clear_line(
    open_built_image: OpenImage, tmp_path: Path
) -> None:
    environment = {"DATABASE_URL_FILE": "/run/secrets/database_url"}
    with Container(open_built_image("archive"), tmp_path, environment=environment) as container:
        assert container.wait(30) == 1
        assert "DATABASE_URL_FILE=/run/secrets/database_url cannot be read" in container.printed()
