"""What a camera sees of a body is what MediaPipe would report of it."""

import numpy as np
import pytest

from keypoints.landmarks import FACE_CONTOURS, FACE_MIRROR, FaceLandmark, HandLandmark, Part, PoseLandmark
from performers.acts import Act, ActKind
from performers.camera import Camera
from performers.joints import Joint, Side
from performers.noise import Noise
from performers.performer import Performer, Stage
from performers.posture import Limb, Posture
from performers.sight import see
from performers.skeleton import Body
from performers.staging import take_stand

ORACLE = Stage(noise=Noise(0.0))


def perform(kind: ActKind, *, seconds: float = 6.0, side: Side = Side.RIGHT, camera: Camera | None = None) -> Performer:
    stage = Stage(camera=camera or Camera(), noise=Noise(0.0))
    return Performer("someone", [Act(kind, 0.0, seconds, side)], stage=stage)


def test_a_point_is_projected_as_a_pinhole_does() -> None:
    camera = Camera(distance_m=2.0, height_m=1.0, vertical_view_deg=90.0, width=1600, height=800)
    # 45° up and down fill the height: at 2 m the picture is 4 m high and 8 m wide; at 1 m half of both.
    x, y = camera.project(np.array([[0.0, 2.0, 1.0], [1.0, 1.0, 1.5], [0.0, 0.0, 1.0]]))
    np.testing.assert_allclose(x, [0.5, 0.75, 0.75])
    np.testing.assert_allclose(y, [0.5, 0.5, 0.25])
    depth = camera.relative_depth(np.array([0.5]), np.array([0.0]))
    np.testing.assert_allclose(depth, [-0.5 / 8.0])


def test_the_persons_left_is_at_the_images_right_and_up_is_up() -> None:
    batch = perform(ActKind.IDLE).batch(np.array([1.0]))
    pose = batch.pose[0]
    for name in ("SHOULDER", "HIP", "WRIST", "EYE", "EAR"):
        assert pose[PoseLandmark[f"LEFT_{name}"], 0] > pose[PoseLandmark[f"RIGHT_{name}"], 0]
    assert pose[PoseLandmark.NOSE, 1] < pose[PoseLandmark.LEFT_HIP, 1] < pose[PoseLandmark.LEFT_HEEL, 1]
    assert batch.face[0, FaceLandmark.LEFT_EYE_OUTER, 0] > batch.face[0, FaceLandmark.RIGHT_EYE_OUTER, 0]
    assert not batch.mirrored[0]


def test_each_hand_hangs_on_its_own_wrist_and_its_depth_starts_there() -> None:
    batch = perform(ActKind.WAVE).batch(np.linspace(0.0, 6.0, 50))
    for side, part in ((Side.LEFT, Part.LEFT_HAND), (Side.RIGHT, Part.RIGHT_HAND)):
        wrist_of_pose = batch.pose[:, PoseLandmark[f"{side.name}_WRIST"], :2]
        wrist_of_hand = batch.part(part)[:, HandLandmark.WRIST]
        np.testing.assert_allclose(wrist_of_hand[:, :2], wrist_of_pose, atol=1e-6)
        np.testing.assert_array_equal(wrist_of_hand[:, 2], 0.0)


def test_the_world_is_in_metres_from_between_the_hips_with_y_down_and_z_away() -> None:
    world = perform(ActKind.T_POSE).batch(np.array([3.0])).pose_world[0]
    hips = 0.5 * (world[PoseLandmark.LEFT_HIP, :3] + world[PoseLandmark.RIGHT_HIP, :3])
    np.testing.assert_allclose(hips, 0.0, atol=1e-6)
    body = Body()
    arm = world[PoseLandmark.LEFT_ELBOW, :3] - world[PoseLandmark.LEFT_SHOULDER, :3]
    np.testing.assert_allclose(arm, [0.172 * body.height_m, 0.0, 0.0], atol=1e-6)
    assert world[PoseLandmark.LEFT_ANKLE, 1] == pytest.approx(0.491 * body.height_m, abs=1e-5)
    assert world[PoseLandmark.NOSE, 1] < -0.6
    assert world[PoseLandmark.NOSE, 2] < world[PoseLandmark.LEFT_EAR, 2]


def test_the_poses_depth_is_of_the_scale_of_x_and_nearer_is_smaller() -> None:
    posture = Posture.rest(1)
    posture.limbs[Side.LEFT, Limb.ARM_FORWARD] = 90.0
    body, camera = Body(), Camera()
    seen = see(body, camera, posture, take_stand(body, posture))
    pose, world = seen.parts[Part.POSE][0], seen.parts[Part.POSE_WORLD][0]
    reach_z = pose[PoseLandmark.LEFT_WRIST, 2] - pose[PoseLandmark.LEFT_SHOULDER, 2]
    reach_m = world[PoseLandmark.LEFT_WRIST, 2] - world[PoseLandmark.LEFT_SHOULDER, 2]
    hips_x = pose[PoseLandmark.LEFT_HIP, 0] - pose[PoseLandmark.RIGHT_HIP, 0]
    hips_m = world[PoseLandmark.LEFT_HIP, 0] - world[PoseLandmark.RIGHT_HIP, 0]
    assert reach_m < -0.4
    assert reach_z / reach_m == pytest.approx(hips_x / hips_m, rel=1e-3)


def test_hands_above_the_picture_are_absent_and_their_wrists_hardly_visible() -> None:
    batch = perform(ActKind.HANDS_OUT).batch(np.array([0.0, 3.0]))
    assert batch.left_hand_present.tolist() == [True, False]
    assert batch.right_hand_present.tolist() == [True, False]
    assert np.isnan(batch.left_hand[1]).all()
    assert batch.pose[1, PoseLandmark.LEFT_WRIST, 1] < 0.0
    assert batch.pose[1, PoseLandmark.LEFT_WRIST, 3] < 0.3 < 0.9 < batch.pose[0, PoseLandmark.LEFT_WRIST, 3]
    assert batch.pose_present.all()
    assert batch.face_present.all()


def test_nobody_is_seen_once_the_performer_has_left_and_everybody_once_back() -> None:
    batch = perform(ActKind.LEAVE, seconds=8.0).batch(np.array([0.0, 4.0, 7.99]))
    assert batch.has_person.tolist() == [True, False, True]
    gone = batch.frame(1)
    assert all(gone.part(part) is None for part in Part)


def test_a_face_turned_away_is_not_found_while_the_body_is() -> None:
    away = perform(ActKind.WALK, seconds=5.5)
    at_s = np.linspace(0.0, 5.5, 200)
    batch = away.batch(at_s)
    stance, camera = away.stance(at_s), Camera()
    to_camera = np.array([[0.0], [camera.height_m], [camera.distance_m]]) - stance.positions[:, Joint.HEAD]
    facing = (to_camera * stance.rotations[:, 2, Joint.HEAD]).sum(axis=0) / np.linalg.norm(to_camera, axis=0)
    assert (facing < 0.2).any()
    assert not batch.face_present[facing < 0.2].any()
    assert batch.face_present[facing > 0.5].all()
    assert batch.pose_present.all()


def test_at_a_desk_hips_and_legs_are_out_of_sight() -> None:
    pose = perform(ActKind.OPEN, camera=Camera.at_desk()).batch(np.array([3.0])).pose[0]
    legs = [PoseLandmark.LEFT_KNEE, PoseLandmark.RIGHT_KNEE, PoseLandmark.LEFT_ANKLE, PoseLandmark.RIGHT_ANKLE]
    assert (pose[legs, 3] < 0.1).all()
    assert pose[PoseLandmark.RIGHT_WRIST, 3] > 0.9
    assert ((pose[:, 3] >= 0.0) & (pose[:, 3] <= 1.0)).all()


def test_a_face_at_rest_has_everything_in_its_place() -> None:
    posture = Posture.rest(1)
    body = Body()
    face = see(body, Camera(), posture, take_stand(body, posture)).parts[Part.FACE][0]
    mirrored = face[FACE_MIRROR] * [-1.0, 1.0, 1.0] + [1.0, 0.0, 0.0]
    np.testing.assert_allclose(face, mirrored, atol=2e-5)
    x, y = face[:, 0], face[:, 1]
    oval = [point for point, _ in FACE_CONTOURS["oval"]]
    inside = np.setdiff1d(np.arange(len(face)), oval)
    assert x[oval].min() < x[inside].min()
    assert x[inside].max() < x[oval].max()
    heights = [FaceLandmark.FOREHEAD_TOP, FaceLandmark.LEFT_BROW_MIDDLE, FaceLandmark.LEFT_EYE_UPPER]
    heights += [FaceLandmark.LEFT_IRIS_CENTER, FaceLandmark.LEFT_EYE_LOWER, FaceLandmark.NOSE_TIP]
    heights += [FaceLandmark.UPPER_LIP_OUTER, FaceLandmark.UPPER_LIP_INNER, FaceLandmark.LOWER_LIP_INNER]
    heights += [FaceLandmark.LOWER_LIP_OUTER, FaceLandmark.CHIN]
    assert (np.diff(y[heights]) > 0).all()
    assert face[FaceLandmark.NOSE_TIP, 2] < face[FaceLandmark.CHIN, 2] < face[FaceLandmark.LEFT_CHEEK, 2]
    assert x[FaceLandmark.LEFT_IRIS_IMAGE_RIGHT] > x[FaceLandmark.LEFT_IRIS_IMAGE_LEFT]
