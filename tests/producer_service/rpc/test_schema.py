"""The interface is found wherever the rooms are: beside a checkout, and within an installed package."""

import subprocess
import sys
import zipfile
from pathlib import Path

from keypoints.landmarks import Part
from producer_service.rpc.schema import message_class
from tests.conftest import REPOSITORY

LOAD = """
from producer_service.rpc import schema
print(schema.__file__)
print(*sorted(field.name for field in schema.message_class("FrameOutcome").DESCRIPTOR.fields))
"""


def test_a_wheel_has_the_interface_in_it(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=REPOSITORY, check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    installed = tmp_path / "installed"
    zipfile.ZipFile(wheel).extractall(installed)
    # -P: not from the directory it is called in; PYTHONPATH comes before the checkout that is installed here.
    loaded = subprocess.run(
        [sys.executable, "-P", "-c", LOAD],
        env={"PYTHONPATH": str(installed)}, cwd=tmp_path, text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert loaded.returncode == 0, loaded.stderr
    place, fields = loaded.stdout.splitlines()
    assert Path(place).is_relative_to(installed)
    assert fields.split() == ["acknowledged", "dropped", "number", "rejected"]


def test_an_image_has_it_where_a_wheel_has_it() -> None:
    dockerfile = (REPOSITORY / "Dockerfile").read_text()
    assert "COPY protos/ producer_service/protos/" in dockerfile
    assert "!protos/" in (REPOSITORY / ".dockerignore").read_text().splitlines()


def test_parts_of_the_body_are_named_as_everywhere_else() -> None:
    assert [field.name for field in message_class("Landmarks").DESCRIPTOR.fields] == [part.value for part in Part]
