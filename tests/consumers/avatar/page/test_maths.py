"""What the page's TypeScript reckons, in Node; and that its types hold."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from consumers.avatar.face.arkit import SHAPE_COUNT, Blendshape
from consumers.avatar.face.vrm import Vrm1Expression, to_vrm1
from tests.conftest import REPOSITORY, in_ci

SOURCES = REPOSITORY / "web" / "avatar"


@pytest.mark.parametrize("script", ["check", "test"])
def test_the_pages_sources_hold(script: str, tmp_path: Path) -> None:
    node = Path(sys.executable).parent
    if not (SOURCES / "node_modules").is_dir() or not (node / "npm").exists():
        if in_ci():
            pytest.fail("the page's packages are not installed, and CI needs them: make setup")
        pytest.skip("needs the page's packages, which are not installed: make setup")
    environment = {
        **os.environ,
        "PATH": f"{node}{os.pathsep}{os.environ['PATH']}",
        "HOLISTIC_EXPRESSIONS": str(write_expressions(tmp_path)),
    }
    command = [str(node / "npm"), "run", "--silent", script]
    done = subprocess.run(command, check=False, cwd=SOURCES, env=environment, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr


def write_expressions(directory: Path) -> Path:
    """Faces of chance, some of them calm, and what the service makes of them."""
    rng = np.random.default_rng(7)
    shapes = rng.random((60, SHAPE_COUNT)) * (rng.random((60, SHAPE_COUNT)) < rng.random((60, 1)))
    faces = [
        {
            "shapes": {shape.arkit_name: float(face[shape]) for shape in Blendshape},
            "presets": {preset.wire_name: float(said[preset]) for preset in Vrm1Expression},
        }
        for face, said in zip(shapes, to_vrm1(shapes), strict=True)
    ]
    path = directory / "expressions.json"
    path.write_text(json.dumps(faces))
    return path
