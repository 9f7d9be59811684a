"""What is inside the images: each service's own rooms and libraries, an unprivileged user, nothing to build with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.build_images import TARGETS
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
}
LIBRARIES = {
    "topics": set[str](),
    "avatar": set[str](),
    "analytics": {"sqlalchemy", "psycopg2", "PIL"},
    "archive": {"sqlalchemy", "psycopg2", "pyarrow", "pgpq"},
    "producer": {"mediapipe", "cv2", "PIL"},
}
EVERY_LIBRARY = set.union(*LIBRARIES.values())

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


@pytest.mark.parametrize("target", TARGETS)
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
def test_an_image_has_no_compiler_no_installer_of_ours_and_no_pip_settings(
    open_built_image: OpenImage, target: str
) -> None:
    root = open_built_image(target).root
    for absent in ("usr/bin/gcc", "usr/bin/make", "opt/pip/bin", "opt/venv/bin/pip", "run/secrets/ca_certificates"):
        assert not (root / absent).exists(), absent
    left = root / "etc" / "pip.conf"
    assert not left.exists() or left.read_text() == ""


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_says_what_it_is_and_how_to_stop_it(open_built_image: OpenImage, target: str) -> None:
    config = open_built_image(target).config
    labels = config["Labels"]
    assert labels["org.opencontainers.image.title"] == f"Holistic Stream {target}"
    assert {"org.opencontainers.image.revision", "org.opencontainers.image.licenses"} <= set(labels)
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
