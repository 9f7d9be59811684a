"""We are better than Kalidokit, row by row; HOLISTIC_WRITE_COMPARISON=1 writes docs/avatar-comparison.md.

The same frames go to both. What its own examples make of its results is compared as well ("eased").
"""

import os
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from consumers.avatar.face.measures import measure_face
from consumers.avatar.face.shapes import read_shapes
from consumers.avatar.humanoid.skeleton import Bone
from consumers.avatar.solver.landmarks_in_unity import place_in_unity
from consumers.avatar.solver.solve import solve
from keypoints import FrameBatch
from performers.acts import Act, ActKind
from performers.camera import Camera
from performers.noise import Noise
from performers.performer import Performer, Stage
from tests.conftest import REPOSITORY, in_ci
from tests.consumers.avatar.acted_face import ACTS, act, resting_face
from tests.consumers.avatar.kalidokit.limbs import (
    SEGMENTS,
    Values,
    angles_between_deg,
    find_bones,
    find_fingers,
    in_space,
    matrices_of,
    matrices_of_poses,
    matrices_of_truth,
    pointing,
    turn_errors_deg,
)
from tests.consumers.avatar.kalidokit.measures import best, film_faces, find_lag_s, mean_and_worst, point_arms, rms
from tests.consumers.avatar.kalidokit.page import DECIMALS, EXPLAINED, write_page
from tests.consumers.avatar.kalidokit.rival import EXAMPLES, PACKAGE, WHOLE, solve_with_kalidokit
from tests.consumers.avatar.kalidokit.shown import Shown, show
from tests.consumers.avatar.kalidokit.table import EASED, RAW, Row, Section
from tests.consumers.avatar.oracle import random_poses
from tests.consumers.avatar.puppet import Pose, film_all
from tests.consumers.avatar.recordings import extract_video, read_pose_file
from tests.consumers.avatar.steadiness import jitter_rms_deg, largest_step_deg
from tests.consumers.avatar.stillness import FPS, film_still, hold_still

WRITES: Final = os.environ.get("HOLISTIC_WRITE_COMPARISON", "") not in ("", "0")
PAGE: Final = REPOSITORY / "docs" / "avatar-comparison.md"
SETTLED_S: Final = 3.0
BEGUN_S: Final = 0.5
ANSWERS: Final = 0.1

GROUPS: Final = {
    "hips": find_bones("Hips"),
    "spine and chest": find_bones("Spine", "Chest"),
    "upper arms": find_bones("UpperArm"),
    "forearms": find_bones("LowerArm"),
    "hands": find_bones("Hand"),
    "thighs": find_bones("UpperLeg"),
    "shins": find_bones("LowerLeg"),
    **{f"fingers, {segment.lower()}": find_fingers(segment) for segment in SEGMENTS},
}
TRUNK: Final = ("Hips", "Spine", "Chest", "UpperChest")
ARMS: Final = find_bones("UpperArm", "LowerArm", "Hand")
LEGS: Final = find_bones("UpperLeg", "LowerLeg")


@pytest.fixture(scope="module", autouse=True)
def sections() -> Iterator[dict[str, Section]]:
    """The page's tables, by title; written at the end, when that is asked for and all tests have run."""
    if not PACKAGE.is_dir():
        message = "needs Kalidokit: make tests/consumers/avatar/kalidokit/node_modules/.package-lock.json"
        pytest.fail(message) if in_ci() else pytest.skip(message)
    tables = {title: Section(title, explained, DECIMALS.get(title, 1)) for title, explained in EXPLAINED.items()}
    yield tables
    if WRITES:
        filmed = [row for row in tables["Recorded people's arms"].rows if "mp4" in row.what]
        assert len(filmed) == 4, "run the tests with MediaPipe too to write the page"
        assert all(table.rows for table in tables.values()), "run the whole file to write the page"
        PAGE.write_text(write_page(list(tables.values())))


def compare_poses(poses: list[Pose]) -> tuple[Values, Values, list[Values]]:
    """Local rotations: the true ones, ours, and each reading of Kalidokit's."""
    batch = film_all(poses)
    answers = solve_with_kalidokit(batch)
    readings = [matrices_of(answers.rotations(shares)) for shares in (EXAMPLES, WHOLE)]
    return matrices_of_poses(poses), matrices_of(solve(batch).rotations), readings


def stand_ahead(poses: list[Pose]) -> list[Pose]:
    """The same with a trunk that neither turns nor leans."""
    return [{bone: turned for bone, turned in pose.items() if bone not in TRUNK} for pose in poses]


def test_each_bone_of_a_random_pose_is_nearer_to_the_truth(sections: dict[str, Section]) -> None:
    true, ours, readings = compare_poses(random_poses(100, seed=11))
    table = sections["Each bone against its parent"]
    for name, bones in GROUPS.items():
        for bone in bones:
            theirs = best([turn_errors_deg(true, reading, [bone]) for reading in readings])
            Row(bone.name, mean_and_worst(turn_errors_deg(true, ours, [bone])), theirs).check()
        theirs = best([turn_errors_deg(true, reading, bones) for reading in readings])
        table.add(Row(name, mean_and_worst(turn_errors_deg(true, ours, bones)), theirs))


@pytest.mark.parametrize("ahead", [False, True], ids=["turned", "ahead"])
def test_each_limb_of_a_random_pose_points_nearer_to_where_it_does(sections: dict[str, Section], ahead: bool) -> None:
    poses = random_poses(100, seed=12)
    true, ours, readings = map_in_space(*compare_poses(stand_ahead(poses) if ahead else poses))
    table = sections["Where limbs point, facing the camera" if ahead else "Where limbs point"]
    for name in ("upper arms", "forearms", "hands", "thighs", "shins", *(name for name in GROUPS if "finger" in name)):
        bones = GROUPS[name]
        truly = pointing(true, bones)
        theirs = best([angles_between_deg(truly, pointing(reading, bones)) for reading in readings])
        table.add(Row(name, mean_and_worst(angles_between_deg(truly, pointing(ours, bones))), theirs))


def map_in_space(true: Values, ours: Values, readings: list[Values]) -> tuple[Values, Values, list[Values]]:
    return in_space(true), in_space(ours), [in_space(reading) for reading in readings]


@pytest.mark.parametrize("kind", [ActKind.HEAD_TURN, ActKind.NOD, ActKind.WALK])
def test_a_head_is_nearer_to_how_it_is_turned(sections: dict[str, Section], kind: ActKind) -> None:
    at_s = np.arange(24) / 4.0
    performer = Performer("head", [Act(kind, 0.0, 6.0)], seed=3, stage=Stage(noise=Noise(0.0)))
    batch = performer.batch(at_s)
    rows = np.flatnonzero(batch.face_present)
    true = in_space(matrices_of_truth(performer.truth(at_s).rotations))[rows]
    answers = solve_with_kalidokit(batch)
    ours = turn_errors_deg(true, in_space(matrices_of(solve(batch).rotations))[rows], [Bone.HEAD])
    readings = [in_space(matrices_of(answers.rotations(shares)))[rows] for shares in (EXAMPLES, WHOLE)]
    theirs = best([turn_errors_deg(true, reading, [Bone.HEAD]) for reading in readings])
    sections["Heads"].add(Row(kind.value.replace("_", " "), mean_and_worst(ours), theirs))


@pytest.mark.parametrize("kind", [ActKind.WAVE, ActKind.JUMPING_JACK, ActKind.WALK, ActKind.SQUAT])
def test_a_performer_who_moves_is_shown_nearer_to_the_truth(sections: dict[str, Section], kind: ActKind) -> None:
    performer = Performer("moving", [Act(kind, 0.0, 4.0)], seed=3)
    shown = show(performer.batch(np.arange(int(4.0 * FPS)) / FPS)).after(BEGUN_S)
    true = matrices_of_truth(performer.truth(shown.at_s).rotations)
    in_truth, table = in_space(true), sections["Moving, as it is shown"]
    each = [matrices_of(rotations) for rotations in shown.each()]
    for name, bones in {"arms": ARMS, "legs": LEGS}.items():
        truly = pointing(in_truth, bones)
        figures = [rms(angles_between_deg(truly, pointing(in_space(one), bones))) for one in each]
        table.add(row_of(f"{kind.value.replace('_', ' ')}, {name}", figures))
    figures = [rms(turn_errors_deg(true, one, find_fingers(*SEGMENTS))) for one in each]
    table.add(row_of(f"{kind.value.replace('_', ' ')}, fingers", figures))


def row_of(what: str, figures: list[float], waived: str | None = None) -> Row:
    ours, raw, eased = ([figure] for figure in figures)
    return Row(what, ours, raw, eased, waived=waived)


STILL: Final = {
    "standing across a room": (ActKind.IDLE, Camera()),
    "signing at a desk": (ActKind.VICTORY, Camera.at_desk()),
}


@pytest.mark.parametrize("name", STILL)
def test_a_still_performer_is_shown_stiller(sections: dict[str, Section], name: str) -> None:
    batch, _ = film_still(*STILL[name], seconds=7.0)
    compare_stillness(sections, name, batch)


def compare_stillness(sections: dict[str, Section], name: str, batch: FrameBatch) -> None:
    shown = show(batch).after(SETTLED_S)
    digits = {*find_bones("ThumbProximal", "ThumbIntermediate", "ThumbDistal"), *find_fingers(*SEGMENTS)}
    for what, bones in {
        "body": [bone for bone in shown.both if bone not in digits],
        "fingers": [bone for bone in shown.both if bone in digits],
    }.items():
        jitter = [rms(jitter_rms_deg(one[:, bones], shown.at_s)) for one in shown.each()]
        sections["Jitter of one who stands still"].add(row_of(f"{name}, {what} ({len(bones)} bones)", jitter))
    compare_steps(sections, f"{name}, still", shown)


def compare_steps(sections: dict[str, Section], name: str, shown: Shown) -> None:
    bones = list(shown.both)
    steps = [float(largest_step_deg(one[:, bones], shown.at_s).max()) for one in shown.each()]
    # Who goes three tenths of every step makes steps of three tenths, and is late: that has a row of its own.
    sections["Largest step in 33 ms"].add(row_of(name, steps, waived=EASED))


def compare_recording(sections: dict[str, Section], name: str, batch: FrameBatch) -> None:
    still, _ = hold_still(batch, seconds=7.0)
    compare_stillness(sections, f"the unrest of {name}", still)
    shown = show(batch)
    compare_steps(sections, name, shown)
    compare_arms(sections, name, batch, shown.after(BEGUN_S))


def compare_arms(sections: dict[str, Section], name: str, batch: FrameBatch, shown: Shown) -> None:
    """Against where the landmarks of the newest frame say that arms point, where they are seen."""
    spaces = [in_space(matrices_of(one)) for one in shown.each()]
    for what, arm, start, end in (
        ("upper arms", "UpperArm", "SHOULDER", "ELBOW"),
        ("forearms", "LowerArm", "ELBOW", "WRIST"),
    ):
        truly, seen = point_arms(batch, start, end)
        rows = seen[shown.frame]
        errors = [angles_between_deg(truly[shown.frame], pointing(one, find_bones(arm)))[rows] for one in spaces]
        sections["Recorded people's arms"].add(row_of(f"{name}, {what}", [float(one.mean()) for one in errors]))


def test_a_recorded_signer_is_shown_better(sections: dict[str, Section], shared_data: Path) -> None:
    compare_recording(sections, "example.pose", read_pose_file(shared_data / "recordings" / "example.pose"))


# MediaPipe asks protobuf in its old way.
@pytest.mark.filterwarnings("ignore:label:DeprecationWarning")
@pytest.mark.mediapipe
@pytest.mark.parametrize("video", ["hoy_001.mp4", "doctor_001.mp4"])
def test_a_filmed_signer_is_shown_better(sections: dict[str, Section], shared_data: Path, video: str) -> None:
    compare_recording(sections, video, extract_video(shared_data / "videos" / video))


def test_what_is_shown_is_less_late_than_eased(sections: dict[str, Section]) -> None:
    performer = Performer("late", [Act(ActKind.WAVE, 0.0, 4.0)], seed=3, stage=Stage(noise=Noise(0.0)))
    batch = performer.batch(np.arange(int(4.0 * FPS)) / FPS)
    shown = show(batch)
    frames_s = (batch.captured_at_us - batch.captured_at_us[0]) / 1e6
    solved = [solve(batch).rotations, raw := solve_with_kalidokit(batch).rotations(), raw]
    bone = [Bone.RIGHT_LOWER_ARM]
    lags_ms = [
        1e3 * find_lag_s(
            shown.at_s,
            pointing(in_space(matrices_of(one)), bone)[:, 0],
            frames_s,
            pointing(in_space(matrices_of(own)), bone)[:, 0],
        )
        for one, own in zip(shown.each(), solved, strict=True)
    ]  # fmt: skip
    sections["Lag"].add(row_of("the forearm of one who waves, ms", lags_ms, waived=RAW))


def test_more_bones_and_more_of_a_face_are_covered(sections: dict[str, Section]) -> None:
    table = sections["What is covered"]
    batch = Performer("whole", [Act(ActKind.WAVE, 0.0, 4.0)], seed=3).batch(np.arange(8) / 2.0)
    solved, answers = solve(batch), solve_with_kalidokit(batch)
    ours = int(np.isfinite(solved.rotations[..., 0]).any(axis=0).sum())
    theirs = int(np.isfinite(answers.rotations()[..., 0]).any(axis=0).sum())
    looking = 2 if "pupilX" in answers.face[0] else 0
    table.add(Row("bones of 55", [ours], [theirs + looking], more_is_better=True))
    shapes = int(np.isfinite(solved.shapes).any(axis=0).sum())
    table.add(Row("numbers of a face", [shapes], [len(answers.face[0])], more_is_better=True))
    faces = film_faces(np.stack([resting_face(), *(act({name: 1.0}) for name in ACTS)]))
    measures = measure_face(place_in_unity(faces).face)
    answered = read_shapes(measures, measures[0])
    numbers = np.array([list(face.values()) for face in solve_with_kalidokit(faces).face])
    seen = [int((np.abs(one[1:] - one[0]).max(axis=1) >= ANSWERS).sum()) for one in (answered, numbers)]
    table.add(Row(f"acts of a face answered, of {len(ACTS)}", seen[:1], seen[1:], more_is_better=True))


@pytest.mark.parametrize(
    ("row", "lost"),
    [
        (Row("less", [1.0, 2.0], [1.5, 2.5], [3.0, 3.0]), False),
        (Row("a worst case", [1.0, 2.0], [1.5, 1.9]), True),
        (Row("the same", [1.0], [1.0]), True),
        (Row("fewer", [3.0], [4.0], more_is_better=True), True),
        (Row("eased", [1.0], [2.0], [0.5]), True),
        (Row("eased", [1.0], [2.0], [0.5], waived=EASED), False),
        (Row("not what is waived", [1.0], [0.5], [2.0], waived=EASED), True),
    ],
    ids=lambda value: value.what if isinstance(value, Row) else "",
)
def test_a_row_where_ours_is_no_better_fails(row: Row, lost: bool) -> None:
    with pytest.raises(AssertionError, match="is not better") if lost else nullcontext():
        row.check()


def test_the_page_tells_of_each_row(sections: dict[str, Section]) -> None:
    told = PAGE.read_text() if not WRITES else write_page(list(sections.values()))
    for table in sections.values():
        assert f"## {table.title}\n" in told
        for row in table.rows:
            assert f"| {row.what} |" in told
