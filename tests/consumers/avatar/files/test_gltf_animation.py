"""A GLB opened by another program shows the built-in avatar in the performer's own pose."""

from io import BytesIO

import numpy as np

from consumers.avatar.face.arkit import Blendshape
from consumers.avatar.files.gltf_animation import GltfAnimationFile
from consumers.avatar.states import AvatarStates
from tests.consumers.avatar.files.opened import Gltf, move, place


def write(*blocks: AvatarStates, rate: float = 30.0) -> Gltf:
    buffer = BytesIO()
    file = GltfAnimationFile(buffer, "ada", rate)
    for block in blocks:
        file.add(block)
    file.finish()
    return Gltf(buffer.getvalue())


def test_every_joint_is_where_it_was_in_any_pose() -> None:
    first, second = move(5, seed=1), move(7, seed=2)

    opened = write(first, second)

    for row in range(12):
        states, index = (first, row) if row < 5 else (second, row - 5)
        found, wanted = opened.place(row), place(states, index)
        assert found.keys() == wanted.keys()
        for name in wanted:
            np.testing.assert_allclose(found[name], wanted[name], atol=1e-5)


def test_the_face_moves_with_the_shapes_that_it_has() -> None:
    states = move(6)

    opened = write(states)

    face = opened.node("Face")
    _, weights = opened.track(face, "weights")
    names = opened.document["meshes"][opened.document["nodes"][face]["mesh"]]["extras"]["targetNames"]
    of_name = {shape.arkit_name: shape for shape in Blendshape}
    np.testing.assert_allclose(
        weights.reshape(6, len(names)), states.shapes[:, [of_name[name] for name in names]], atol=1e-6
    )


def test_times_are_evenly_spaced_and_rotations_take_the_short_way() -> None:
    states = move(50)
    states.rotations[:] = states.rotations[:1]
    states.rotations[1::2] *= -1.0

    opened = write(states, rate=60.0)

    times, rotations = opened.track(opened.node("LeftHand"), "rotation")
    np.testing.assert_allclose(times, np.arange(50) / 60.0, atol=1e-6)
    assert np.abs(np.diff(rotations, axis=0)).max() < 1e-6
    np.testing.assert_allclose(np.linalg.norm(rotations, axis=1), 1.0, atol=1e-6)
