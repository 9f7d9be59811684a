"""The views and functions of the files: the same names, columns and answers as the database's."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from consumers.archive.parquet.view_comments import comment_on, comment_on_macros
from keypoints.landmarks import PART_SHAPES, HandLandmark, Part, PoseLandmark, landmark_names

_ONE_NAME: Final = re.compile(r"\bname\s*=\s*'")
_CATALOGUE: Final = "duckdb_"
"""What is in every question about the views themselves."""
_WHERE_FROM: Final = 'topic, "partition", "offset", stream_id, epoch, sequence, captured_at'
_AXES: Final = ("x", "y", "z", "visibility")
_JOINTS: Final = (
    PoseLandmark.NOSE,
    *(PoseLandmark[f"{side}_{joint}"]
      for joint in ("SHOULDER", "ELBOW", "WRIST", "HIP", "KNEE", "ANKLE")
      for side in ("LEFT", "RIGHT")),
)  # fmt: skip


def create_views(only_for: str | None) -> Iterator[str]:
    """Statements that make the views and macros over a view `frames`, with `only_for` those this SQL names.

    SQL that names none asks what there is: then all are made, and explained.
    """
    asked = (only_for or "").lower()
    named = {view for view in _VIEWS if view in asked}
    everything = only_for is None or not (named or "frames" in asked)
    for name, macro in _MACROS.items():
        if everything or name in asked:
            yield macro
    made = [view for view in _VIEWS if everything or view in named]
    # Of one landmark the planner keeps one branch, and looks into the frames itself. Of several it would gather them,
    # and there may be more than there is room; to be told not to takes it three times as long.
    gathering = "" if len(_ONE_NAME.findall(asked)) == 1 else "NOT MATERIALIZED"
    for view in made:
        yield f"CREATE VIEW {view} AS {_VIEWS[view]().format(gathering=gathering)}"
    if _CATALOGUE in asked:
        for view in ("frames", *made):
            yield from comment_on(view)
        if everything:
            yield from comment_on_macros()


def _body_view(part: Part) -> str:
    # One SELECT a landmark: a query for one name reads that landmark's columns and no others. Frames are named once:
    # naming them in each takes longer than the answer.
    points = " UNION ALL ".join(_select_point(part, name) for name in landmark_names(part))
    return f"{_of_frames(part)} {points}"


def _hand_view() -> str:
    points = " UNION ALL ".join(
        _select_point(part, landmark.name.lower(), f"'{part.value.removesuffix('_hand')}' AS side, ")
        for part in (Part.LEFT_HAND, Part.RIGHT_HAND)
        for landmark in HandLandmark
    )
    return f"{_of_frames(Part.LEFT_HAND, Part.RIGHT_HAND)} {points}"


def _of_frames(*parts: Part) -> str:
    return f"WITH f AS {{gathering}} (SELECT {_WHERE_FROM}, {', '.join(parts)} FROM frames)"  # noqa: S608


def _select_point(part: Part, name: str, also: str = "") -> str:
    return (
        f"SELECT {_WHERE_FROM}, {also}'{name}' AS name, {_values(part, name)} FROM f "  # noqa: S608
        f"WHERE {part.value}.{name}.x IS NOT NULL"
    )


def _values(part: Part, name: str) -> str:
    return ", ".join(f"{part.value}.{name}.{axis} AS {axis}" for axis in _AXES[: PART_SHAPES[part][1]])


def _face_view() -> str:
    names = ", ".join(f"({number}, '{name}')" for number, name in enumerate(landmark_names(Part.FACE)))
    return (
        f"SELECT {_WHERE_FROM}, n.name, "  # noqa: S608
        "face.x[n.number + 1] AS x, face.y[n.number + 1] AS y, face.z[n.number + 1] AS z "
        f"FROM frames CROSS JOIN (VALUES {names}) AS n(number, name) WHERE n.number < len(face.x)"
    )


def _joints_view(part: Part) -> str:
    columns = ", ".join(
        f"{part.value}.{joint.name.lower()}.{axis} AS {joint.name.lower()}_{axis}"
        for joint in _JOINTS
        for axis in _AXES
    )
    return f"SELECT {_WHERE_FROM}, {columns} FROM frames WHERE {part.value}.nose.x IS NOT NULL"  # noqa: S608


def _streams_view() -> str:
    # A column that is NULL where its part is, so that no other column of the part is read.
    leaves = {"pose": "pose.nose.x", "face": "face.x", "left_hand": "left_hand.wrist.x",
              "right_hand": "right_hand.wrist.x"}  # fmt: skip
    counts = ", ".join(f"count({leaf}) AS with_{part}" for part, leaf in leaves.items())
    shares = ", ".join(f"CAST(sum(with_{part}) AS DOUBLE) / sum(n) AS {part}_share" for part in leaves)
    # Counting by epoch first takes a tenth of the time that counting distinct epochs takes.
    return (
        "SELECT stream_id, min(first_at) AS first_captured_at, max(last_at) AS last_captured_at, "  # noqa: S608
        f"CAST(sum(n) AS BIGINT) AS frames, count(*) AS epochs, {shares} FROM (SELECT stream_id, "
        f"min(captured_at) AS first_at, max(captured_at) AS last_at, count(*) AS n, {counts} "
        "FROM frames GROUP BY stream_id, epoch) GROUP BY stream_id"
    )


_VIEWS: Final[dict[str, Callable[[], str]]] = {
    "pose_landmarks": lambda: _body_view(Part.POSE),
    "pose_world_landmarks": lambda: _body_view(Part.POSE_WORLD),
    "hand_landmarks": _hand_view,
    "face_landmarks": _face_view,
    "joints": lambda: _joints_view(Part.POSE),
    "world_joints": lambda: _joints_view(Part.POSE_WORLD),
    "streams": _streams_view,
}


def _difference(axis: str, minuend: str, subtrahend: str) -> str:
    """One axis of the way from one point to another, in double precision."""
    return (
        f"(CAST(struct_extract(struct_extract(part, {minuend}), '{axis}') AS DOUBLE) "
        f"- struct_extract(struct_extract(part, {subtrahend}), '{axis}'))"
    )


def _angle() -> str:
    ux, uy, uz = (_difference(axis, "one", "middle") for axis in "xyz")
    vx, vy, vz = (_difference(axis, "other", "middle") for axis in "xyz")
    products = (f"{uy} * {vz} - {uz} * {vy}", f"{uz} * {vx} - {ux} * {vz}", f"{ux} * {vy} - {uy} * {vx}")
    cross = " + ".join(f"pow({product}, 2)" for product in products)
    return f"degrees(atan2(sqrt({cross}), {ux} * {vx} + {uy} * {vy} + {uz} * {vz}))"


def _distance() -> str:
    squares = [f"pow({_difference(axis, 'one', 'other')}, 2)" for axis in "xyz"]
    return f"sqrt({' + '.join(squares)})"


_MACROS: Final = {
    "pose_landmark": "CREATE MACRO pose_landmark(part, landmark) AS struct_extract(part, landmark)",
    "hand_landmark": "CREATE MACRO hand_landmark(part, landmark) AS struct_extract(part, landmark)",
    "face_landmark": "CREATE MACRO face_landmark(part, landmark) AS struct_pack("
    + ", ".join(
        f"{axis} := part.{axis}[list_position({list(landmark_names(Part.FACE))}, lower(landmark))]" for axis in "xyz"
    )
    + ")",
    "pose_distance": f"CREATE MACRO pose_distance(part, one, other) AS {_distance()}",
    "pose_angle": f"CREATE MACRO pose_angle(part, one, middle, other) AS {_angle()}",
}
