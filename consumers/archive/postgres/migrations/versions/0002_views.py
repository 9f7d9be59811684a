"""Views and functions that name every landmark.

Revision ID: 0002
"""

from collections.abc import Iterable, Iterator
from enum import IntEnum

from alembic import op

from keypoints.landmarks import HandLandmark, Part, PoseLandmark, landmark_names

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

WHERE_FROM = 'topic, "partition", "offset", stream_id, epoch, sequence, captured_at'

JOINTS = (
    PoseLandmark.NOSE,
    PoseLandmark.LEFT_SHOULDER,
    PoseLandmark.RIGHT_SHOULDER,
    PoseLandmark.LEFT_ELBOW,
    PoseLandmark.RIGHT_ELBOW,
    PoseLandmark.LEFT_WRIST,
    PoseLandmark.RIGHT_WRIST,
    PoseLandmark.LEFT_HIP,
    PoseLandmark.RIGHT_HIP,
    PoseLandmark.LEFT_KNEE,
    PoseLandmark.RIGHT_KNEE,
    PoseLandmark.LEFT_ANKLE,
    PoseLandmark.RIGHT_ANKLE,
)

COMMENTS = {
    "VIEW frames": "Every archived frame, one row a record; a part not seen is NULL",
    "VIEW pose_landmarks": "One row a frame and point of the body, in fractions of the image",
    "VIEW pose_world_landmarks": "One row a frame and point of the body, in metres from between the hips, y down",
    "VIEW hand_landmarks": "One row a frame, side (left or right, the person''s own) and point of the hand",
    "VIEW face_landmarks": "One row a frame and point of the face; points without a name are face_0 … face_477",
    "VIEW joints": "One row a frame: the usual joints as columns, in fractions of the image",
    "FUNCTION pose_landmark(real[], text)": "A named point of a pose: (pose_landmark(pose, ''left_wrist'')).y",
    "FUNCTION hand_landmark(real[], text)": "A named point of a hand: (hand_landmark(left_hand, ''thumb_tip'')).x",
    "FUNCTION face_landmark(real[], text)": "A named point of a face: (face_landmark(face, ''chin'')).y",
    "FUNCTION pose_landmark_index(text)": "Number of a point of the body, from 0; an unknown name is an error",
    "FUNCTION hand_landmark_index(text)": "Number of a point of the hand, from 0; an unknown name is an error",
    "FUNCTION face_landmark_index(text)": "Number of a point of the face, from 0; an unknown name is an error",
    "TYPE pose_point": "A point of the body",
    "TYPE mesh_point": "A point of a hand or a face",
}


def _frames() -> str:
    columns = (
        'f.topic_ref, f."partition", f."offset", f.stream_id, f.epoch, f.sequence, f.captured_at, f.processed_at, '
        "f.record_timestamp, f.archived_at, f.width, f.height, f.mirrored, f.model, f.record_key, f.header_names, "
        "f.header_values, f.pose, f.pose_world, f.face, f.left_hand, f.right_hand"
    )
    return f"""
        CREATE VIEW frames AS
        SELECT t.name AS topic, t.kafka_id AS topic_id, {columns}, false AS out_of_range
        FROM frames_by_day f JOIN archived_topics t USING (topic_ref)
        UNION ALL
        SELECT t.name, t.kafka_id, {columns}, true
        FROM frames_out_of_range f JOIN archived_topics t USING (topic_ref)
    """  # noqa: S608 - names from this file


def _numbered(names: Iterable[str]) -> str:
    return "(VALUES " + ", ".join(f"({number}, '{name}')" for number, name in enumerate(names)) + ") AS n(number, name)"


def _index_function(kind: str, names: Iterable[str]) -> str:
    cases = " ".join(f"WHEN '{name}' THEN {number}" for number, name in enumerate(names))
    return f"""
        CREATE FUNCTION {kind}_landmark_index(landmark text) RETURNS integer
        LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $body$
        DECLARE number integer := CASE lower(landmark) {cases} END;
        BEGIN
            IF number IS NULL THEN
                RAISE EXCEPTION 'there is no {kind} landmark named "%"', landmark
                USING HINT = 'SELECT DISTINCT name FROM {kind}_landmarks lists them';
            END IF;
            RETURN number;
        END $body$
    """  # noqa: S608 - names from the landmark enums


def _point_function(kind: str, point_type: str, axes: tuple[str, ...]) -> str:
    width = len(axes)
    values = ", ".join(f"part[{kind}_landmark_index(landmark) * {width} + {axis + 1}]" for axis in range(width))
    # Inlined, and its index computed while planning: as fast as a bare subscript.
    return f"""
        CREATE FUNCTION {kind}_landmark(part real[], landmark text) RETURNS {point_type}
        LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$ SELECT ROW({values})::{point_type} $body$
    """


def _landmarks(view: str, names: Iterable[str], axes: tuple[str, ...], part: str) -> str:
    width = len(axes)
    values = ", ".join(f"f.{part}[n.number * {width} + {axis + 1}] AS {name}" for axis, name in enumerate(axes))
    return f"""
        CREATE VIEW {view} AS
        SELECT {WHERE_FROM}, n.name, {values}
        FROM frames f CROSS JOIN {_numbered(names)}
        WHERE f.{part} IS NOT NULL AND n.number * {width} < cardinality(f.{part})
    """  # noqa: S608 - names from the landmark enums


def _hand_landmarks() -> str:
    sides = " UNION ALL ".join(_one_hand(side) for side in ("left", "right"))
    return f"CREATE VIEW hand_landmarks AS {sides}"


def _one_hand(side: str) -> str:
    values = ", ".join(f"f.{side}_hand[n.number * 3 + {axis}] AS {name}" for axis, name in enumerate("xyz", start=1))
    return f"""
        SELECT {WHERE_FROM}, '{side}'::text AS side, n.name, {values}
        FROM frames f CROSS JOIN {_numbered(_names_of(HandLandmark))}
        WHERE f.{side}_hand IS NOT NULL
    """  # noqa: S608 - names from the landmark enums


def _joints() -> str:
    columns = ", ".join(
        f"pose[{joint * 4 + axis + 1}] AS {joint.name.lower()}_{name}"
        for joint in JOINTS
        for axis, name in enumerate(("x", "y", "z", "visibility"))
    )
    return f"CREATE VIEW joints AS SELECT {WHERE_FROM}, {columns} FROM frames WHERE pose IS NOT NULL"  # noqa: S608


def _names_of(landmarks: type[IntEnum]) -> tuple[str, ...]:
    return tuple(landmark.name.lower() for landmark in landmarks)


def _statements() -> Iterator[str]:
    body, hand, face = _names_of(PoseLandmark), _names_of(HandLandmark), landmark_names(Part.FACE)
    with_visibility, bare = ("x", "y", "z", "visibility"), ("x", "y", "z")
    yield "CREATE TYPE pose_point AS (x real, y real, z real, visibility real)"
    yield "CREATE TYPE mesh_point AS (x real, y real, z real)"
    yield _frames()
    yield _landmarks("pose_landmarks", body, with_visibility, "pose")
    yield _landmarks("pose_world_landmarks", body, with_visibility, "pose_world")
    yield _landmarks("face_landmarks", face, bare, "face")
    yield _hand_landmarks()
    yield _joints()
    yield _index_function("pose", body)
    yield _index_function("hand", hand)
    yield _index_function("face", face)
    yield _point_function("pose", "pose_point", with_visibility)
    yield _point_function("hand", "mesh_point", bare)
    yield _point_function("face", "mesh_point", bare)
    for target, comment in COMMENTS.items():
        yield f"COMMENT ON {target} IS '{comment}'"


def upgrade() -> None:
    """Make them."""
    for statement in _statements():
        op.get_bind().exec_driver_sql(statement.replace("%", "%%"))


def downgrade() -> None:
    """Drop them."""
    views = [target for target in COMMENTS if target.startswith("VIEW ")]
    # What is built on another goes before it: views on `frames`, functions on types.
    for target in (*reversed(views), *(other for other in COMMENTS if other not in views)):
        op.execute(f"DROP {target}")
