"""Poses that are known, and where the page must draw them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from consumers.avatar.humanoid.skeleton import PARENTS, REST_OFFSETS_M, Bone
from tests.consumers.avatar.page.acting import RIGHT_ARM_RAISED, T_POSE, Turns, hold
from tests.consumers.avatar.page.theatre import Theatre
from tests.consumers.avatar.page.visitor import Joints, Visitor

BARE = "?ui=0&labels=0&background=transparent"


def is_in_the_plane(bone: Bone) -> bool:
    """Whether a bone is as far from the camera as the hips are, in any pose that only turns about z."""
    parent = PARENTS[bone]
    return abs(REST_OFFSETS_M[bone, 2]) < 1e-9 and (parent is None or is_in_the_plane(parent))


def expected_joints(pose: Turns) -> dict[str, NDArray[np.float64]]:
    """Where the built-in skeleton's bones are, metres: to the right of the picture, and up."""
    turned: dict[Bone, NDArray[np.float64]] = {}
    placed: dict[Bone, NDArray[np.float64]] = {}
    for bone in sorted(Bone, key=depth_of):
        axis, angle_deg = pose.get(bone, ("z", 0.0))
        assert axis == "z"
        turn = np.radians(angle_deg)
        own = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
        parent = PARENTS[bone]
        if parent is None:
            turned[bone], placed[bone] = own, REST_OFFSETS_M[bone]
        else:
            turned[bone] = turned[parent] @ own
            placed[bone] = placed[parent] + turned[parent] @ REST_OFFSETS_M[bone]
    # The performer faces us: their left, at -x in Unity's space, is at our right.
    return {bone.unity_name: placed[bone][:2] * (-1.0, 1.0) for bone in Bone if is_in_the_plane(bone)}


def depth_of(bone: Bone) -> int:
    parent = PARENTS[bone]
    return 0 if parent is None else 1 + depth_of(parent)


def assert_drawn_as_expected(seen: Joints, pose: Turns) -> None:
    """One scale and one place of the picture explain all joints, to a pixel."""
    expected = expected_joints(pose)
    seen_px = np.array([seen[name] for name in expected]) * (1.0, -1.0)
    wanted_m = np.array(list(expected.values()))
    seen_px -= seen_px.mean(axis=0)
    wanted_m -= wanted_m.mean(axis=0)
    scale = (seen_px * wanted_m).sum() / (wanted_m * wanted_m).sum()
    assert scale > 40.0
    away_px = np.abs(seen_px - scale * wanted_m).max(axis=1)
    assert away_px.max() < 1.0, dict(zip(expected, away_px.round(2).tolist(), strict=True))


@pytest.mark.parametrize("pose", [T_POSE, RIGHT_ARM_RAISED], ids=["t-pose", "right arm raised"])
@pytest.mark.parametrize("query", ["", "&flat=1"], ids=["avatar", "flat"])
def test_a_known_pose_is_drawn_where_it_must_be(
    theatre: Theatre, visit: Callable[..., Visitor], pose: Turns, query: str
) -> None:
    theatre.play({"ada": hold(pose)})
    visitor = visit(BARE + query)
    visitor.wait_for_avatars({"ada": "flat" if query else "avatar"})
    assert_drawn_as_expected(visitor.wait_until_still(), pose)


def test_a_raised_arm_is_seen_above_the_head_and_no_more_at_the_side(
    theatre: Theatre, visit: Callable[..., Visitor]
) -> None:
    theatre.play({"ada": hold(T_POSE)})
    visitor = visit(BARE)
    visitor.wait_for_avatars({"ada": "avatar"})
    side, at_side = forearm(visitor.wait_until_still()), visitor.picture()[..., 3]
    theatre.play({"ada": hold(RIGHT_ARM_RAISED)})
    visitor.wait_until(lambda: forearm(visitor.joints())[0] < side[0] - 20)
    up, raised = forearm(visitor.wait_until_still()), visitor.picture()[..., 3]
    assert (at_side[side], raised[up]) == (255, 255)
    assert (at_side[up], raised[side]) == (0, 0)
    for picture in (at_side, raised):
        assert [picture[y, x] for y in (0, -1) for x in (0, -1)] == [0, 0, 0, 0]


def forearm(joints: Joints) -> tuple[int, int]:
    """The row and the column of the middle of the right one."""
    x, y = np.mean([joints["RightLowerArm"], joints["RightHand"]], axis=0).round().astype(int)
    return int(y), int(x)


def test_a_mirror_shows_the_right_arm_at_the_other_side(theatre: Theatre, visit: Callable[..., Visitor]) -> None:
    theatre.play({"ada": hold(RIGHT_ARM_RAISED)})
    visitor = visit(BARE + "&mirror=1")
    visitor.wait_for_avatars({"ada": "avatar"})
    mirrored = {bone: ("z", -angle_deg) for bone, (_, angle_deg) in RIGHT_ARM_RAISED.items()}
    assert_drawn_as_expected(visitor.wait_until_still(), mirrored)
