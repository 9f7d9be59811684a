"""What is measured of a face: performers who turn their head, blink and speak, and a face MediaPipe found."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.analytics.facts import FaceFacts
from consumers.analytics.frame_facts import read_facts
from keypoints.frame import FrameBatch, HolisticFrame
from keypoints.landmarks import FACE_POINTS_WITHOUT_IRIS, FaceLandmark
from performers import Act, ActKind, Camera, Noise, Performer, Stage
from performers.face import load_face
from performers.motions import blink_starts_s
from performers.posture import Face
from tests.consumers.analytics.made_bodies import Points, rotation

_EYE_LEVEL = Stage(camera=Camera.at_desk(), noise=Noise(0.0))
_HEIGHTS_PER_M = 1.5


def measure(frame: HolisticFrame) -> FaceFacts:
    face = read_facts(FrameBatch.from_frames([frame]))[0].face
    assert face is not None
    return face


def make_face(**expression: float) -> Points:
    """float64 (478, 3) metres in the head's axes: x to the person's left, y up, z ahead."""
    values = np.zeros((len(Face), 1))
    for name, value in expression.items():
        values[Face[name]] = value
    return np.asarray(load_face().shape(values)[:, 0].T, dtype=np.float64)


def see_face(
    face: Points, *, heights_per_m: float = _HEIGHTS_PER_M, at: tuple[float, float] = (0.8, 0.4), width: int = 1280
) -> HolisticFrame:
    """The face as it is seen from far away."""
    aspect = width / 720
    image = np.column_stack(
        [
            (at[0] + heights_per_m * face[:, 0]) / aspect,
            at[1] - heights_per_m * face[:, 1],
            -heights_per_m * face[:, 2] / aspect,
        ]
    )
    return HolisticFrame(
        stream_id="stage",
        sequence=0,
        epoch=1,
        captured_at_us=0,
        processed_at_us=0,
        width=width,
        height=720,
        face=image.astype(np.float32),
    )


def act(
    kind: ActKind, *, fps: float = 50.0
) -> tuple[Act, np.ndarray[tuple[int], np.dtype[np.float64]], list[FaceFacts]]:
    done = Act(kind, 1.0, 5.0)
    at_s = np.linspace(0.0, 6.0, int(6.0 * fps) + 1)
    performer = Performer("actor", [done], seed=2, stage=_EYE_LEVEL)
    faces = [frame.face for frame in read_facts(performer.batch(at_s)) if frame.face]
    assert len(faces) == len(at_s)
    return done, at_s, faces


def test_a_face_straight_ahead_is_level_open_eyed_and_shut_mouthed() -> None:
    face = measure(see_face(make_face()))
    assert face.yaw == pytest.approx(0.0, abs=0.5)
    assert face.roll == pytest.approx(0.0, abs=0.5)
    # A face's profile is its own: the bottom of this one's nose is 6.4 degrees ahead, not 8.7.
    assert face.pitch == pytest.approx(8.65 - 6.4, abs=0.2)
    assert 0.25 < face.left_eye_openness < 0.4
    assert 0.25 < face.right_eye_openness < 0.4
    assert face.mouth_openness < 0.05
    assert abs(face.gaze_right) < 0.05


@pytest.mark.parametrize("degrees", [-50, -20, 20, 50])
def test_a_head_that_turns_nods_or_tilts_by_a_known_angle_has_that_angle(degrees: float) -> None:
    face = make_face()
    level = measure(see_face(face))
    for axis, name in (((0, 1, 0), "yaw"), ((1, 0, 0), "pitch"), ((0, 0, -1), "roll")):
        turned = measure(see_face(face @ rotation(axis, degrees).T))
        for other in ("yaw", "pitch", "roll"):
            # Who tilts a head that is not quite level turns it a little as well.
            expected = degrees + getattr(level, other) if other == name else getattr(level, other)
            assert getattr(turned, other) == pytest.approx(expected, abs=0.5 if other == name else 3.0), other


def test_yaw_is_to_the_images_right_first_for_who_turns_to_their_left_and_then_right() -> None:
    done, at_s, faces = act(ActKind.HEAD_TURN)
    yaw = np.array([face.yaw for face in faces])
    first, second = (int(np.argmin(np.abs(at_s - when))) for when in (2.0, 4.0))
    assert yaw[first] == pytest.approx(52.0, abs=4.0)
    assert yaw[second] == pytest.approx(-52.0, abs=4.0)
    assert done.held_s[0] < 2.0


def test_eyes_are_shut_in_each_blink_and_open_between() -> None:
    done, at_s, faces = act(ActKind.BLINK)
    openness = np.array([(face.left_eye_openness, face.right_eye_openness) for face in faces])
    starts_s = np.array(blink_starts_s(done))
    for start_s in starts_s:
        assert openness[np.argmin(np.abs(at_s - start_s - 0.08))].max() < 0.12
    during = (at_s > done.held_s[0]) & (at_s < done.held_s[1])
    shut = during & (openness.max(axis=1) < 0.12)
    assert np.sum(np.diff(shut.astype(int)) == 1) == len(starts_s)


def test_a_mouth_opens_in_speech_without_a_nod() -> None:
    still, open_wide = measure(see_face(make_face())), measure(see_face(make_face(JAW_OPEN=1.0)))
    assert open_wide.mouth_openness > still.mouth_openness + 0.4
    assert open_wide.pitch == pytest.approx(still.pitch, abs=1e-3)
    assert open_wide.smile < still.smile + 0.02
    _, at_s, faces = act(ActKind.SPEAK)
    openness = np.array([face.mouth_openness for face in faces])
    speaking = (at_s > 1.6) & (at_s < 4.4)
    assert openness[speaking].max() > 0.2
    assert openness[~((at_s > 1.0) & (at_s < 5.0))].max() < 0.08


def test_the_corners_of_a_smile_go_up_and_apart() -> None:
    still, smiling = measure(see_face(make_face())), measure(see_face(make_face(SMILE=1.0)))
    assert smiling.smile > still.smile + 0.05
    assert smiling.mouth_width > still.mouth_width + 0.03


@pytest.mark.parametrize("tilted_deg", [0.0, 25.0])
def test_a_gaze_goes_to_where_the_irises_go(tilted_deg: float) -> None:
    turn = rotation((0, 0, 1), tilted_deg).T

    def look(**gaze: float) -> FaceFacts:
        return measure(see_face(make_face(**gaze) @ turn))

    ahead = look()
    left, up = look(GAZE_YAW=25.0), look(GAZE_PITCH=-20.0)
    assert left.gaze_right > ahead.gaze_right + 0.2
    assert left.gaze_up == pytest.approx(ahead.gaze_up, abs=0.1)
    assert up.gaze_up > ahead.gaze_up + 0.2
    assert up.gaze_right == pytest.approx(ahead.gaze_right, abs=0.1)


def test_without_irises_only_the_gaze_is_unknown() -> None:
    frame = see_face(make_face())
    whole = measure(frame)
    assert frame.face is not None
    face = measure(replace(frame, face=frame.face[:FACE_POINTS_WITHOUT_IRIS]))
    assert np.isnan([face.gaze_right, face.gaze_up]).all()
    assert face._replace(gaze_right=0.0, gaze_up=0.0) == whole._replace(gaze_right=0.0, gaze_up=0.0)


def test_in_a_mirror_sides_are_the_persons_and_directions_the_images() -> None:
    frame = see_face(make_face(BLINK_LEFT=1.0, GAZE_YAW=20.0) @ rotation((0, 1, 0), 30.0).T)
    face = np.array(frame.face)
    face[:, 0] = 1.0 - face[:, 0]
    seen, mirrored = measure(frame), measure(replace(frame, face=face, mirrored=True))
    assert mirrored.left_eye_openness == pytest.approx(seen.left_eye_openness, abs=1e-5)
    assert mirrored.left_eye_openness < 0.12 < mirrored.right_eye_openness
    assert mirrored.yaw == pytest.approx(-seen.yaw, abs=1e-3)
    assert mirrored.pitch == pytest.approx(seen.pitch, abs=1e-3)
    assert mirrored.gaze_right == pytest.approx(-seen.gaze_right, abs=1e-4)


@given(
    heights_per_m=st.floats(0.3, 4.0),
    at=st.tuples(st.floats(-1, 2), st.floats(-1, 2)),
    width=st.sampled_from([1280, 720, 405, 960]),
)
def test_a_face_is_the_same_near_and_far_and_anywhere_in_any_image(
    heights_per_m: float, at: tuple[float, float], width: int
) -> None:
    face = make_face(SMILE=0.5, JAW_OPEN=0.3, GAZE_YAW=10.0) @ rotation((0.2, 1.0, 0.1), 25.0).T
    reference = measure(see_face(face))
    seen = measure(see_face(face, heights_per_m=heights_per_m, at=at, width=width))
    for name in FaceFacts._fields:
        tolerance = 0.1 if name in ("yaw", "pitch", "roll") else 2e-3
        assert getattr(seen, name) == pytest.approx(getattr(reference, name), abs=tolerance), name


@given(
    landmark=st.sampled_from(list(FaceLandmark)),
    axis=st.integers(0, 2),
    value=st.sampled_from([np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-40]),
)
def test_coordinates_no_camera_sees_make_numbers_unknown_never_an_error(
    landmark: FaceLandmark, axis: int, value: float
) -> None:
    batch = FrameBatch.from_frames([see_face(make_face())])
    batch.face[0, landmark, axis] = value
    face = read_facts(batch)[0].face
    assert face is not None
    assert not np.isinf(face).any()
    if not np.isfinite(value) and landmark is FaceLandmark.LEFT_EYE_UPPER:
        assert {name for name in FaceFacts._fields if np.isnan(getattr(face, name))} == {"left_eye_openness"}


def test_a_face_of_no_size_has_no_measures() -> None:
    face = measure(replace(see_face(make_face()), face=np.zeros((478, 3), dtype=np.float32)))
    assert np.isnan(face).all()


def test_the_face_mediapipe_found_looks_at_the_camera_with_a_shut_mouth(shared_data: Path) -> None:
    text = (shared_data / "goldens" / "male_full_height_hands_result_cpu.pbtxt").read_text()
    found = re.search(r"(?ms)^face_landmarks \{(.*?)^\}", text)
    assert found
    points = [[float(value) for value in point] for point in re.findall(r"x: (\S+)\s+y: (\S+)\s+z: (\S+)", found[1])]
    frame = replace(see_face(make_face()), width=638, height=1000, face=np.array(points, dtype=np.float32))
    face = measure(frame)
    assert abs(face.yaw) < 5.0
    assert abs(face.roll) < 3.0
    assert abs(face.pitch) < 12.0
    assert 0.12 < face.left_eye_openness < 0.4
    assert 0.12 < face.right_eye_openness < 0.4
    assert face.mouth_openness < 0.05
    assert abs(face.gaze_right) < 0.25
