"""Synthetic hands and faces are shaped like those MediaPipe found in real pictures."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from keypoints.landmarks import Part
from performers.acts import Act, ActKind
from performers.camera import Camera
from performers.face import load_face
from performers.hand_shapes import HandShape, shape_angles
from performers.joints import DIGITS, PHALANGES, SIDES, Side, sided
from performers.noise import Noise
from performers.performer import Performer, Stage
from performers.posture import Posture
from performers.skeleton import Body, stand

Points = NDArray[np.float64]
SIDE_PARTS = {Side.LEFT: Part.LEFT_HAND, Side.RIGHT: Part.RIGHT_HAND}
GOLDEN_SHAPES = {"fist": HandShape.CLOSED, "thumb_up": HandShape.THUMB_OUT, "pointing_up": HandShape.POINTING}
# Label numbers of the recorded hand shapes.
KINDS = {ActKind.OPEN: 0, ActKind.CLOSED: 1, ActKind.POINTING: 2}


def read_points(text: str, count: int) -> Points:
    found = re.findall(r"landmark \{\s*x: (\S+)\s*y: (\S+)\s*z: (\S+)", text)[:count]
    assert len(found) == count
    return np.array(found, dtype=np.float64)


def shape_hand(shape: HandShape, side: Side) -> Points:
    """(21, 3) metres, y down and z away as MediaPipe has them."""
    posture = Posture.rest(1)
    posture.fingers[side] = shape_angles(shape)[:, None]
    body = Body()
    stance = stand(body.offsets, posture.rotations())
    points = [stance.positions[:, sided(side, "HAND"), 0]]
    for digit in DIGITS:
        points += [stance.positions[:, sided(side, f"{digit}_{phalanx}"), 0] for phalanx in PHALANGES]
        points.append(stance.site(*body.sites[f"{side.name}_{digit}_TIP"])[:, 0])
    return np.array(points) * (1.0, -1.0, -1.0)


def measure_difference(ours: Points, theirs: Points) -> float:
    """What is left after the best turn, scale and shift of ours onto theirs (Procrustes), relative to its size."""
    ours, theirs = ours - ours.mean(axis=0), theirs - theirs.mean(axis=0)
    left, strengths, right = np.linalg.svd(ours.T @ theirs)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    scale = (strengths * signs).sum() / (ours**2).sum()
    rest = scale * ours @ (left * signs) @ right - theirs
    return float(np.sqrt((rest**2).sum() / (theirs**2).sum()))


@pytest.mark.parametrize("name", GOLDEN_SHAPES)
def test_a_real_hand_is_most_like_ours_of_its_own_shape_and_side(name: str, shared_data: Path) -> None:
    text = (shared_data / "goldens" / f"{name}_landmarks.pbtxt").read_text()
    real = read_points(text[text.index("world_landmarks") :], 21)
    difference = {
        (shape, side): measure_difference(shape_hand(shape, side), real) for shape in HandShape for side in SIDES
    }
    assert 'label: "Right"' in text
    assert min(difference, key=lambda key: difference[key]) == (GOLDEN_SHAPES[name], Side.RIGHT)
    assert difference[GOLDEN_SHAPES[name], Side.RIGHT] < 0.35


def test_a_real_face_is_like_ours(shared_data: Path) -> None:
    text = (shared_data / "goldens" / "male_full_height_hands_result_cpu.pbtxt").read_text()
    real = read_points(text[text.index("\nface_landmarks") :], 478)
    # The recorded picture is upright: a face as wide as ours in pixels has 9:16 of the height in fractions.
    real[:, 1] *= 16.0 / 9.0
    ours = load_face().template.T.astype(np.float64) * (1.0, -1.0, -1.0)
    assert measure_difference(ours, real) < 0.13


@pytest.mark.parametrize("kind", KINDS)
def test_a_held_up_hand_lies_among_the_recorded_ones_of_its_shape(kind: ActKind, shared_data: Path) -> None:
    with (shared_data / "hand_gestures" / "static_train.csv").open() as file:
        rows = np.array([[float(value) for value in row] for row in csv.reader(file)])
    labels, recorded = rows[:, 0].astype(int), rows[:, 1:]
    camera = Camera.at_desk()
    for side in SIDES:
        performer = Performer("someone", [Act(kind, 0.0, 4.0, side)], stage=Stage(camera=camera, noise=Noise(0.0)))
        hand = performer.batch(np.array([2.0])).part(SIDE_PARTS[side])[0, :, :2] * (camera.width, camera.height)
        hand = hand - hand[0]
        distances = ((recorded - (hand / np.abs(hand).max()).ravel()) ** 2).sum(axis=1)
        nearest = labels[np.argsort(distances)[:5]]
        assert np.bincount(nearest).argmax() == KINDS[kind]


def test_the_stored_face_is_what_its_builder_makes() -> None:
    pytest.importorskip("mediapipe")
    from tests.performers.build_face_mesh import build

    path = Path(__file__).parents[2] / "performers" / "face_mesh.npz"
    with np.load(path, allow_pickle=False) as stored:
        built = build()
        assert set(stored.files) == set(built)
        for name, mesh in built.items():
            # One step is a hundredth of a millimetre: what another machine's solver may round differently.
            assert np.abs(stored[name].astype(int) - mesh).max() <= 1
