"""Files that people were given: recordings, motion, models, settings, rows of the archive."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from connect_runtime.config_sources import read_config_file
from consumers.analytics.exercises.labelled import read_clips
from consumers.analytics.learning.rows import read_rows
from consumers.analytics.reactions.rules_file import read_rules
from consumers.analytics.taught.exchange import read_gestures
from consumers.archive.export.pose_header import Component as PoseComponent
from consumers.archive.export.pose_header import encode_header
from consumers.archive.parquet.footer import read_footer
from consumers.archive.parquet.local_storage import LocalStorage
from consumers.archive.parquet.manifest import (
    Checkpoint,
    Entry,
    EntryKind,
    IdentityOffsets,
    IdentityPartition,
    ListedFile,
    ManifestUnreadable,
    Writer,
    decode_checkpoint,
    decode_entry,
    decode_identity,
    encode,
)
from consumers.avatar.gltf.rest_skeleton import read_rest_offsets
from holistic_cli.gestures_sources import read_file
from holistic_cli.recordings.container import Recorded, RecordingWriter
from holistic_cli.recordings.pose_take import read_pose_take
from holistic_cli.recordings.take import survey_recording
from keypoints.codec import encode_avro, encode_json
from producer_service.access.key_file import read_keys
from producer_service.progress.journal import Journal
from tests.consumers.avatar.gltf.test_rest_skeleton import vrm0, vrm1
from tests.keypoints.frames import make_frame
from tests.security.fuzz.target import Target, of_file

_IDENTITY = IdentityPartition("t", "id", 3)
_LISTED = ListedFile("a/b.parquet", _IDENTITY, 2, 100, ((0, 1),), 5, 9)


def read_entry(data: bytes, _: Path) -> None:
    """An entry, or a checkpoint, or neither; and whose it is."""
    identity = decode_identity(data, "e")
    assert IdentityPartition.of_folder(identity.folder) == identity
    for decode in (decode_entry, decode_checkpoint):
        try:
            decode(data, "e")
        except ManifestUnreadable:
            continue


def read_parquet_footer(data: bytes, directory: Path) -> None:
    (directory / "rows.parquet").write_bytes(data)
    read_footer(LocalStorage(directory), ListedFile("rows.parquet", _IDENTITY, 1, len(data), ((0, 0),), 0, 0))


def read_journal(data: bytes, directory: Path) -> None:
    """What is torn is cut off; what is left is read again as it was."""
    path = directory / "a.journal"
    path.write_bytes(data)
    with Journal(path) as journal:
        first = (journal.beginning, dict(journal.epochs), journal.pictures)
    with Journal(path) as journal:
        assert (journal.beginning, dict(journal.epochs), journal.pictures) == first


def play_recording(path: Path) -> None:
    take = survey_recording(path)
    assert len(list(take.read())) == take.records


def read_key_file(data: bytes, directory: Path) -> None:
    path = directory / "keys.json"
    path.write_bytes(data)
    path.chmod(0o600)
    read_keys(path)


def read_teaching(data: bytes, directory: Path) -> None:
    path = directory / "frames.jsonl"
    path.write_bytes(data)
    read_file(path, None)


def _recordings() -> list[bytes]:
    file = io.BytesIO()
    writer = RecordingWriter(file)
    for number in range(3):
        value = encode_avro(make_frame(number))[:200]
        writer.write(Recorded("t", 0, number, 5 + number, b"ada", value, (("content-type", b"avro/binary"),)))
    writer.finish()
    return [file.getvalue()]


def _poses() -> list[bytes]:
    component = PoseComponent("LEFT_HAND_LANDMARKS", tuple(f"P{point}" for point in range(21)), ((0, 1),), ((1, 2, 3),))
    head = encode_header(64, 48, [component])
    numbers = np.arange(2 * 21 * 4, dtype="<f4")
    return [head + np.float32(25).tobytes() + np.uint32(2).tobytes() + np.uint16(1).tobytes() + numbers.tobytes()]


def _models() -> list[bytes]:
    """Skeletons of both versions of VRM, and no model: the meshes make no difference to who reads bones."""
    made = []
    for extensions in (vrm0(), vrm1()):
        nodes = [{"translation": [0, 1, 0], "rotation": [0, 0, 0, 1], "children": [1]}, *({"scale": [1, 1, 1]},) * 60]
        document = {"asset": {"version": "2.0"}, "nodes": nodes, "extensions": extensions}
        text = orjson.dumps(document)
        text += b" " * (-len(text) % 4)
        made.append(struct.pack("<4sIIII", b"glTF", 2, 20 + len(text), len(text), 0x4E4F534A) + text)
    return made


def _entries() -> list[bytes]:
    writer = Writer("g", 4, "m")
    offsets = IdentityOffsets(_IDENTITY, ((0, 4), (7, 9)))
    entry = Entry(3, EntryKind.FILES, writer, 5, 10, files=(_LISTED,), removes=("a",), erased=(offsets,))
    checkpoint = Checkpoint(4, 1, None, 10, (_LISTED,), (offsets,), (), {"a": 5})
    return [encode(_IDENTITY, entry), encode(_IDENTITY, checkpoint)]


def _footers() -> list[bytes]:
    file = io.BytesIO()
    table = pa.table({"offset": [1, 2]}).replace_schema_metadata({"holistic.rows": "2", "holistic.offsets": "[[1,2]]"})
    pq.write_table(table, file)
    return [file.getvalue()]


_HANDS = ("ok," + ",".join("0.5" for _ in range(42)) + "\n").encode()
_SQUAT_NAMES = [f"{side}_{joint}_{axis}" for joint in ("shoulder", "hip", "knee", "ankle") for side in ("left", "right")
                for axis in "xyzv"]  # fmt: skip
_SQUATS = ("label," + ",".join(_SQUAT_NAMES) + "\nup," + ",".join("0.5" for _ in _SQUAT_NAMES) + "\n").encode()
_RULES = b"""rules:
  - name: stop
    when: open of left for 1 s
    streams: "ada*"
    severity: warning
    cooldown: 5 s
    then: {webhook: "https://example.org/a", secret_variable: A, expires: 1 h}
"""
_TAUGHT = json.dumps(
    {"holistic_taught_gestures": 1, "gestures": [{
        "name": "mine", "kind": "shape", "hand": "left", "taught_at": "2026-03-01T12:00:00+01:00", "source": "s",
        "examples": {"hands": [[[0.0, 0.0, 0.0]] * 21], "reaches": [0.5], "flat": False, "upright": True}}]}
).encode()  # fmt: skip
_KEYS = orjson.dumps(
    {
        "keys": [
            {
                "name": "a",
                "sha256": "0" * 64,
                "streams": ["*"],
                "rights": ["publish"],
                "created": "2026-03-01T12:00:00Z",
            }
        ]
    }
)
_JOURNAL = b'{"version":1,"started_at_us":5,"partition":0,"offset":3}\n{"epoch":7,"picture":0}\n{"pictures":9}\n'

TARGETS = (
    Target("recordings", of_file(play_recording, "a.holistic"), _recordings),
    Target("pose-files", of_file(read_pose_take, "a.pose"), _poses),
    Target("models", of_file(read_rest_offsets, "a.vrm"), _models),
    Target("rows", of_file(read_rows, "a.csv"), lambda: [_HANDS * 2, b"label" + b",x" * 42 + b"\n" + _HANDS]),
    Target("squats", of_file(read_clips, "a.csv"), lambda: [_SQUATS]),
    Target("rules", of_file(read_rules, "a.yaml"), lambda: [_RULES]),
    Target("taught-gestures", of_file(read_gestures, "a.json"), lambda: [_TAUGHT]),
    Target("teaching", read_teaching, lambda: [encode_json(make_frame(1)) + b"\n" + encode_json(make_frame(2))]),
    Target("settings", of_file(read_config_file, "a.properties"), lambda: [b"# no\nname=a\ntopics = b,\\\n  c\\u0041"]),
    Target("settings-json", of_file(read_config_file, "a.json"), lambda: [b'{"name": "a", "config": {"topics": "b"}}']),
    Target("api-keys", read_key_file, lambda: [_KEYS]),
    Target("manifest", read_entry, _entries),
    Target("footers", read_parquet_footer, _footers),
    Target("journals", read_journal, lambda: [_JOURNAL]),
)
