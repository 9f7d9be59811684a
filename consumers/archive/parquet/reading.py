"""SQL over the listed files: DuckDB with the same views the database has."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import duckdb

from consumers.archive.parquet.chain import list_chains
from consumers.archive.parquet.location import ArchiveLocation, open_storage
from consumers.archive.parquet.manifest import ListedFile
from consumers.archive.parquet.schema import FRAMES
from consumers.archive.parquet.storage import ArchiveStorage, FileMissing, StorageUnavailable
from keypoints.errors import HolisticError, Terminal
from keypoints.landmarks import PART_SHAPES, HandLandmark, Part, PoseLandmark, landmark_names

_WHERE_FROM: Final = 'topic, "partition", "offset", stream_id, epoch, sequence, captured_at'
_JOINTS: Final = (
    PoseLandmark.NOSE,
    *(PoseLandmark[f"{side}_{joint}"]
      for joint in ("SHOULDER", "ELBOW", "WRIST", "HIP", "KNEE", "ANKLE")
      for side in ("LEFT", "RIGHT")),
)  # fmt: skip


# DuckDB passes on what an object store's client raises as the text of its traceback.
_RAISED_READING: Final = re.compile(r"Traceback [^\n]*\n(?: [^\n]*\n)*(\w+): ([^\n]*)")


class QueryRefused(Terminal):
    """SQL that cannot be answered; the message says why and where."""


def open_archive(
    location: ArchiveLocation, only_for: str | None = None, captured_us: tuple[int, int] | None = None
) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection in which the archive at `location` can be queried.

    Views: frames, pose_landmarks, pose_world_landmarks, hand_landmarks, face_landmarks, joints; with `only_for`, those
    that this SQL names (making them all takes a second). Macros pose_landmark(pose, 'left_wrist'), hand_landmark and
    face_landmark. Only files that the manifest lists right now are read; with `captured_us`, only those that have
    frames captured from its first time up to its second (microseconds since 1970), with all that is in them.
    """
    storage = open_storage(location)
    connection = duckdb.connect(":memory:")
    connection.execute("SET TimeZone = 'UTC'")
    # Listed files never change.
    connection.execute("SET parquet_metadata_cache = true")
    files = [
        file
        for chain in list_chains(storage)
        for file in chain.files
        if captured_us is None or (file.captured_to_us >= captured_us[0] and file.captured_from_us < captured_us[1])
    ]
    _create_frames(connection, storage, files)
    for macro in _MACROS:
        connection.execute(macro)
    named = {view for view in _VIEWS if view in (only_for or "").lower()}
    asks_about_views = only_for is None or not (named or "frames" in only_for.lower())
    for view, make_sql in _VIEWS.items():
        if asks_about_views or view in named:
            connection.execute(f"CREATE VIEW {view} AS {make_sql()}")
    return connection


def query(
    connection: duckdb.DuckDBPyConnection, sql: str, values: Sequence[object] = ()
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows of an answer. Raises QueryRefused for SQL that is wrong, StorageUnavailable."""
    try:
        answer = connection.execute(sql, list(values))
        names = [column[0] for column in answer.description or ()]
        return names, answer.fetchall() if names else []
    except duckdb.Error as error:
        raise explain_duckdb_error(error, sql) from error


def explain_duckdb_error(error: duckdb.Error, sql: str) -> HolisticError:
    """The project's error for one of DuckDB's: QueryRefused, or StorageUnavailable when the files cannot be read."""
    text = str(error).strip()
    raised = _RAISED_READING.match(text)
    if raised is None:
        return QueryRefused(text, sql=sql)
    kind, message = raised.groups()
    unavailable = kind in {StorageUnavailable.__name__, FileMissing.__name__}
    return StorageUnavailable(message) if unavailable else QueryRefused(message, sql=sql)


def _create_frames(connection: duckdb.DuckDBPyConnection, storage: ArchiveStorage, files: list[ListedFile]) -> None:
    if not files:
        # No file to read yet: the columns are known all the same.
        connection.register("no_frames", FRAMES.empty_table())
        connection.execute(
            'CREATE VIEW frames AS SELECT *, NULL::VARCHAR AS "date", NULL::INTEGER AS "hour" FROM no_frames'
        )
        return
    filesystem = storage.filesystem({file.path: file.bytes for file in files})
    if filesystem is not None:
        connection.register_filesystem(filesystem)
    paths = ", ".join(_quoted(storage.url(file.path)) for file in files)
    view = (
        f"CREATE VIEW frames AS SELECT * FROM read_parquet([{paths}], "  # noqa: S608
        "hive_partitioning = true, hive_types = {'date': VARCHAR, 'hour': INTEGER}, union_by_name = false)"
    )
    try:
        connection.execute(view)
    except duckdb.Error as error:
        raise explain_duckdb_error(error, view) from error


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _body_view(part: Part) -> str:
    # One SELECT a landmark: a query for one name reads that landmark's columns and no others.
    return " UNION ALL ".join(_select_point(part, name) for name in landmark_names(part))


def _hand_view() -> str:
    return " UNION ALL ".join(
        _select_point(part, landmark.name.lower(), f"'{part.value.removesuffix('_hand')}' AS side, ")
        for part in (Part.LEFT_HAND, Part.RIGHT_HAND)
        for landmark in HandLandmark
    )


def _select_point(part: Part, name: str, also: str = "") -> str:
    return (
        f"SELECT {_WHERE_FROM}, {also}'{name}' AS name, {_values(part, name)} FROM frames "  # noqa: S608
        f"WHERE {part.value}.{name}.x IS NOT NULL"
    )


def _values(part: Part, name: str) -> str:
    axes = ("x", "y", "z", "visibility")[: PART_SHAPES[part][1]]
    return ", ".join(f"{part.value}.{name}.{axis} AS {axis}" for axis in axes)


def _face_view() -> str:
    names = ", ".join(f"({number}, '{name}')" for number, name in enumerate(landmark_names(Part.FACE)))
    return (
        f"SELECT {_WHERE_FROM}, n.name, "  # noqa: S608
        "face.x[n.number + 1] AS x, face.y[n.number + 1] AS y, face.z[n.number + 1] AS z "
        f"FROM frames CROSS JOIN (VALUES {names}) AS n(number, name) WHERE n.number < len(face.x)"
    )


def _joints_view() -> str:
    columns = ", ".join(
        f"pose.{joint.name.lower()}.{axis} AS {joint.name.lower()}_{axis}"
        for joint in _JOINTS
        for axis in ("x", "y", "z", "visibility")
    )
    return f"SELECT {_WHERE_FROM}, {columns} FROM frames WHERE pose.nose.x IS NOT NULL"  # noqa: S608


_VIEWS: Final[dict[str, Callable[[], str]]] = {
    "pose_landmarks": lambda: _body_view(Part.POSE),
    "pose_world_landmarks": lambda: _body_view(Part.POSE_WORLD),
    "hand_landmarks": _hand_view,
    "face_landmarks": _face_view,
    "joints": _joints_view,
}

_MACROS: Final = (
    "CREATE MACRO pose_landmark(part, landmark) AS struct_extract(part, landmark)",
    "CREATE MACRO hand_landmark(part, landmark) AS struct_extract(part, landmark)",
    f"CREATE MACRO face_point_number(landmark) AS list_position({list(landmark_names(Part.FACE))}, lower(landmark))",
    "CREATE MACRO face_landmark(part, landmark) AS struct_pack("
    + ", ".join(f"{axis} := part.{axis}[face_point_number(landmark)]" for axis in ("x", "y", "z"))
    + ")",
)
