"""Views that lead to the right index, more of them, and a comment on whatever `\\d+` shows.

Revision ID: 0004
"""

from collections.abc import Iterable, Iterator

from alembic import op

from keypoints.landmarks import PoseLandmark

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

WHERE_FROM = 'topic, "partition", "offset", stream_id, epoch, sequence, captured_at'
AXES = ("x", "y", "z", "visibility")
JOINTS = (
    PoseLandmark.NOSE,
    *(
        PoseLandmark[f"{side}_{joint}"]
        for joint in ("SHOULDER", "ELBOW", "WRIST", "HIP", "KNEE", "ANKLE")
        for side in ("LEFT", "RIGHT")
    ),
)

RECORD_COMMENTS = {
    "topic": "Topic of the record",
    "topic_id": "Kafka''s id of the topic: one deleted and made again has another",
    "topic_ref": "Number of the topic in archived_topics",
    "partition": "The record''s partition",
    "offset": "Offset of the record in its partition",
    "stream_id": "The performer''s stream",
    "epoch": "Changes whenever tracking began anew",
    "sequence": "Number of the frame in its stream and epoch, without gaps",
    "captured_at": "When the image was taken",
    "processed_at": "When the landmarks were found",
    "record_timestamp": "Timestamp of the Kafka record",
    "archived_at": "When writing the row began",
    "width": "Width of the image in pixels, 0 if the record did not say",
    "height": "Height of the image in pixels, 0 if the record did not say",
    "mirrored": "Whether the source showed a mirror image",
    "model": "What found the landmarks",
    "record_key": "Key of the Kafka record",
    "header_names": "Names of the record''s headers, in order",
    "header_values": "Values of the record''s headers, in order",
    "pose": "33 points, x, y, z, visibility each, in fractions of the image; NULL if not seen",
    "pose_world": "33 points, x, y, z, visibility each, in metres from between the hips, y down; NULL if not seen",
    "face": "478 points, x, y, z each, in fractions of the image (468 without irises); NULL if not seen",
    "left_hand": "The person''s own left hand: 21 points, x, y, z each, in fractions of the image; NULL if not seen",
    "right_hand": "The person''s own right hand: 21 points, x, y, z each, in fractions of the image; NULL if not seen",
    "out_of_range": "Whether it was captured before or after the days that are kept",
    "name": "Name of the landmark",
    "side": "left or right, the person''s own",
}
IN_IMAGE = {
    "x": "Fraction of the image''s width, from the left",
    "y": "Fraction of the image''s height, from the top",
    "z": "Depth in about the scale of x, smaller is nearer",
    "visibility": "How likely the point is in view, from 0 to 1",
}
IN_METRES = {
    "x": "Metres from between the hips, to the image''s right",
    "y": "Metres from between the hips, down",
    "z": "Metres from between the hips, away from the camera",
    "visibility": IN_IMAGE["visibility"],
}
STREAM_COMMENTS = {
    "stream_id": RECORD_COMMENTS["stream_id"],
    "first_captured_at": "When its first frame was taken",
    "last_captured_at": "When its newest frame was taken",
    "frames": "Number of frames",
    "epochs": "How often tracking began",
    "pose_share": "Share of frames with a body, from 0 to 1",
    "face_share": "Share of frames with a face, from 0 to 1",
    "left_hand_share": "Share of frames with the left hand, from 0 to 1",
    "right_hand_share": "Share of frames with the right hand, from 0 to 1",
}
OTHER_COMMENTS = {
    "VIEW world_joints": "One row a frame: the usual joints as columns, in metres from between the hips, y down",
    "VIEW streams": "Who is in the archive: one row a stream (reads every frame''s row)",
    "FUNCTION make_frames_day(date)": "Make the table of a day (UTC) where it is missing; tells whether it was",
    "FUNCTION pose_angle(real[], text, text, text)": "Degrees between two bones at the middle one of three points: "
    "pose_angle(pose_world, ''left_shoulder'', ''left_elbow'', ''left_wrist''); NULL for one not seen",
    "FUNCTION pose_distance(real[], text, text)": "Distance of two points of a body, in metres for pose_world: "
    "pose_distance(pose_world, ''left_wrist'', ''right_wrist'')",
    "INDEX frames_by_day_pkey": "Each record once",
    "INDEX frames_out_of_range_pkey": "Each record once",
    "INDEX frames_by_day_stream_id_captured_at_idx": "One stream over a time; joints are answered from it alone",
    "INDEX frames_out_of_range_stream_id_captured_at_idx": "One stream over a time",
    "INDEX archived_topics_pkey": "Each number once",
    "INDEX archived_topics_name_kafka_id_key": "Each life of a topic once",
    "INDEX retired_offsets_pkey": "Each run once",
    "TABLE archive_alembic_version": "Which shape the archive''s tables have",
    "COLUMN archive_alembic_version.version_num": "Number of the last migration",
}


def _frames() -> str:
    columns = (
        'topic_ref, "partition", "offset", stream_id, epoch, sequence, captured_at, processed_at, '
        "record_timestamp, archived_at, width, height, mirrored, model, record_key, header_names, "
        "header_values, pose, pose_world, face, left_hand, right_hand"
    )
    of_frames = ", ".join(f"f.{column}" for column in columns.split(", "))
    # Joined outside of the union, and outer: days, order and index are seen through it, and nothing is joined for those
    # who ask for no topic.
    return f"""
        CREATE OR REPLACE VIEW frames AS
        SELECT t.name AS topic, t.kafka_id AS topic_id, {of_frames}, f.out_of_range
        FROM (
            SELECT {columns}, false AS out_of_range FROM frames_by_day
            UNION ALL
            SELECT {columns}, true FROM frames_out_of_range
        ) AS f
        LEFT JOIN archived_topics t ON t.topic_ref = f.topic_ref
    """  # noqa: S608 - names from this file


def _world_joints() -> str:
    columns = ", ".join(
        f"pose_world[{joint * 4 + axis + 1}] AS {joint.name.lower()}_{name}"
        for joint in JOINTS
        for axis, name in enumerate(AXES)
    )
    return f"CREATE VIEW world_joints AS SELECT {WHERE_FROM}, {columns} FROM frames WHERE pose_world IS NOT NULL"  # noqa: S608


def _streams() -> str:
    shares = ", ".join(
        f"count({part})::float8 / count(*) AS {part}_share" for part in ("pose", "face", "left_hand", "right_hand")
    )
    return f"""
        CREATE VIEW streams AS
        SELECT stream_id, min(captured_at) AS first_captured_at, max(captured_at) AS last_captured_at,
               count(*) AS frames, count(DISTINCT epoch) AS epochs, {shares}
        FROM frames GROUP BY stream_id
    """  # noqa: S608 - names from this file


def _measures() -> Iterator[str]:
    yield """
        CREATE FUNCTION pose_distance(part real[], one text, other text) RETURNS double precision
        LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $body$
            SELECT sqrt((a.x::float8 - b.x) ^ 2 + (a.y::float8 - b.y) ^ 2 + (a.z::float8 - b.z) ^ 2)
            FROM pose_landmark(part, one) AS a, pose_landmark(part, other) AS b
        $body$
    """
    yield """
        CREATE FUNCTION pose_angle(part real[], one text, middle text, other text) RETURNS double precision
        LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $body$
            SELECT degrees(atan2(
                sqrt((u.y * v.z - u.z * v.y) ^ 2 + (u.z * v.x - u.x * v.z) ^ 2 + (u.x * v.y - u.y * v.x) ^ 2),
                u.x * v.x + u.y * v.y + u.z * v.z
            ))
            FROM pose_landmark(part, one) AS a, pose_landmark(part, middle) AS m, pose_landmark(part, other) AS b,
                 LATERAL (SELECT a.x::float8 - m.x, a.y::float8 - m.y, a.z::float8 - m.z) AS u(x, y, z),
                 LATERAL (SELECT b.x::float8 - m.x, b.y::float8 - m.y, b.z::float8 - m.z) AS v(x, y, z)
        $body$
    """


def _comment_columns(view: str, columns: Iterable[str], also: dict[str, str]) -> Iterator[str]:
    known = {**RECORD_COMMENTS, **also}
    for column in columns:
        yield f"""COMMENT ON COLUMN {view}."{column}" IS '{known[column]}'"""


def _comments() -> Iterator[str]:
    for target, comment in OTHER_COMMENTS.items():
        yield f"COMMENT ON {target} IS '{comment}'"
    where_from = [column.strip().strip('"') for column in WHERE_FROM.split(",")]
    of_frames = [column for column in RECORD_COMMENTS if column not in {"name", "side"}]
    yield from _comment_columns("frames", of_frames, {})
    yield from _comment_columns("streams", STREAM_COMMENTS, STREAM_COMMENTS)
    for view, places in (("pose_landmarks", IN_IMAGE), ("pose_world_landmarks", IN_METRES)):
        yield from _comment_columns(view, [*where_from, "name", *AXES], places)
    yield from _comment_columns("hand_landmarks", [*where_from, "side", "name", *AXES[:3]], IN_IMAGE)
    yield from _comment_columns("face_landmarks", [*where_from, "name", *AXES[:3]], IN_IMAGE)
    for view, places in (("joints", IN_IMAGE), ("world_joints", IN_METRES)):
        of_joints = {f"{joint.name.lower()}_{axis}": places[axis] for joint in JOINTS for axis in AXES}
        yield from _comment_columns(view, [*where_from, *of_joints], of_joints)
    for point, axes in (("pose_point", AXES), ("mesh_point", AXES[:3])):
        for axis in axes:
            yield f"COMMENT ON COLUMN {point}.{axis} IS '{axis}, as the part it is from has it'"


def upgrade() -> None:
    """Replace and explain them. Views others built on these stay as they are."""
    for statement in (_frames(), _world_joints(), _streams(), *_measures(), *_comments()):
        op.get_bind().exec_driver_sql(statement.replace("%", "%%"))


def downgrade() -> None:
    """Drop what is new; the better views stay."""
    for target in (
        "VIEW streams", "VIEW world_joints", "FUNCTION pose_angle(real[], text, text, text)",
        "FUNCTION pose_distance(real[], text, text)",
    ):  # fmt: skip
        op.execute(f"DROP {target}")
