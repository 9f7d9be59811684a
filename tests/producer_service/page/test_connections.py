"""What the page is told to draw."""

from keypoints.landmarks import FACE_CONTOURS, HAND_CONNECTIONS, PART_SHAPES, POSE_CONNECTIONS, Part, PoseLandmark
from producer_service.page.connections import describe_connections


def lines_of(part: Part) -> list[tuple[int, int]]:
    return [line for stroke in describe_connections()["strokes"][part] for line in stroke["lines"]]


def test_every_line_of_a_person_is_drawn_once() -> None:
    assert sorted(lines_of(Part.POSE)) == sorted(POSE_CONNECTIONS)
    assert lines_of(Part.LEFT_HAND) == lines_of(Part.RIGHT_HAND) == list(HAND_CONNECTIONS)
    assert lines_of(Part.FACE) == [line for contour in FACE_CONTOURS.values() for line in contour]


def test_strokes_name_only_points_there_are() -> None:
    for part, strokes in describe_connections()["strokes"].items():
        for stroke in strokes:
            assert {point for line in stroke["lines"] for point in line} == set(stroke["points"])
            assert max(stroke["points"]) < PART_SHAPES[Part(part)][0]


def test_a_side_has_no_point_of_the_other() -> None:
    for stroke in describe_connections()["strokes"][Part.POSE]:
        names = " ".join(PoseLandmark(point).name for point in stroke["points"])
        if stroke["side"] != "middle":
            assert {"left": "RIGHT", "right": "LEFT"}[stroke["side"]] not in names


def test_what_the_pose_guesses_of_a_hand_gives_way_to_the_hand() -> None:
    strokes = describe_connections()["strokes"][Part.POSE]
    guessed = {PoseLandmark(point) for stroke in strokes if stroke["unless"] for point in stroke["points"]}
    kept = {PoseLandmark(point) for stroke in strokes if not stroke["unless"] for point in stroke["points"]}
    assert {PoseLandmark.LEFT_PINKY, PoseLandmark.RIGHT_INDEX, PoseLandmark.NOSE} <= guessed - kept
    assert {PoseLandmark.LEFT_FOOT_INDEX, PoseLandmark.RIGHT_WRIST, PoseLandmark.LEFT_SHOULDER} <= kept
