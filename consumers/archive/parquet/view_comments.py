"""What the views of the files and their columns are, as `\\d` says it; the database has it in its own comments."""

from collections.abc import Iterator
from typing import Final

VIEW_COMMENTS: Final = {
    "frames": "Every archived frame, one row a record; a part not seen is NULL",
    "pose_landmarks": "One row a frame and point of the body, in fractions of the image",
    "pose_world_landmarks": "One row a frame and point of the body, in metres from between the hips, y down",
    "hand_landmarks": "One row a frame, side (left or right, the person's own) and point of the hand",
    "face_landmarks": "One row a frame and point of the face; points without a name are face_0 … face_477",
    "joints": "One row a frame: the usual joints as columns, in fractions of the image",
    "world_joints": "One row a frame: the usual joints as columns, in metres from between the hips, y down",
    "streams": "Who is in the archive: one row a stream (reads something of every frame)",
}

_MACRO_COMMENTS: Final = {
    "pose_landmark": "A named point of a pose: (pose_landmark(pose, 'left_wrist')).y",
    "hand_landmark": "A named point of a hand: (hand_landmark(left_hand, 'thumb_tip')).x",
    "face_landmark": "A named point of a face: (face_landmark(face, 'chin')).y",
    "pose_angle": "Degrees between two bones at the middle one of three points of a body",
    "pose_distance": "Distance of two points of a body, in metres for pose_world",
}

_RECORD: Final = {
    "topic": "Topic of the record",
    "partition": "The record's partition",
    "offset": "Offset of the record in its partition",
    "stream_id": "The performer's stream",
    "epoch": "Changes whenever tracking began anew",
    "sequence": "Number of the frame in its stream and epoch, without gaps",
    "captured_at": "When the image was taken",
}
_FRAME: Final = {
    **_RECORD,
    "topic_id": "Kafka's id of the topic: one deleted and made again has another",
    "processed_at": "When the landmarks were found",
    "record_timestamp": "Timestamp of the Kafka record",
    "width": "Width of the image in pixels, 0 if the record did not say",
    "height": "Height of the image in pixels, 0 if the record did not say",
    "mirrored": "Whether the source showed a mirror image",
    "model": "What found the landmarks",
    "record_key": "Key of the Kafka record",
    "headers": "Headers of the record, in order",
    "pose": "33 points by name, in fractions of the image: pose.left_wrist.y; NULL if not seen",
    "pose_world": "33 points by name, in metres from between the hips, y down; NULL if not seen",
    "face": "478 points, a list an axis (468 without irises); face_landmark(face, 'chin'); NULL if not seen",
    "left_hand": "The person's own left hand, 21 points by name; NULL if not seen",
    "right_hand": "The person's own right hand, 21 points by name; NULL if not seen",
}
_POINT: Final = {
    **_RECORD,
    "name": "Name of the landmark",
    "x": "To the image's right, in fractions of its width (world: metres)",
    "y": "Down, in fractions of the image's height (world: metres)",
    "z": "Depth in about the scale of x, smaller is nearer",
}
_COLUMN_COMMENTS: Final[dict[str, dict[str, str]]] = {
    "frames": _FRAME,
    "pose_landmarks": {**_POINT, "visibility": "How likely the point is in view, from 0 to 1"},
    "pose_world_landmarks": {**_POINT, "visibility": "How likely the point is in view, from 0 to 1"},
    "hand_landmarks": {**_POINT, "side": "left or right, the person's own"},
    "face_landmarks": _POINT,
    "joints": _RECORD,
    "world_joints": _RECORD,
}


def comment_on(view: str) -> Iterator[str]:
    """Statements that explain a view and its columns."""
    yield f"COMMENT ON VIEW {view} IS {_quote(VIEW_COMMENTS[view])}"
    for column, comment in _COLUMN_COMMENTS.get(view, {}).items():
        yield f'COMMENT ON COLUMN {view}."{column}" IS {_quote(comment)}'


def comment_on_macros() -> Iterator[str]:
    """Statements that explain the macros."""
    for macro, comment in _MACRO_COMMENTS.items():
        yield f"COMMENT ON MACRO {macro} IS {_quote(comment)}"


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
