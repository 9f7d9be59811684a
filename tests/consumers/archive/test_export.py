"""`holistic export`: what other programs read of a stream, whichever store it comes from."""

import csv
import io
import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from pose_format import Pose
from pose_format.utils.generic import detect_known_pose_format

from connect_runtime.offsets.forms import UnreadableOffsets
from consumers.archive.capture_range import CaptureRange, read_capture_range
from consumers.archive.export.run import ExportRequest, Format, export_stream
from consumers.archive.export.source import ROWS_AT_ONCE, Survey, split_windows
from keypoints.frame import FrameBatch
from keypoints.json_form import read_json
from keypoints.landmarks import FACE_POINTS, PART_SHAPES, HandLandmark, Part, PoseLandmark
from tests.consumers.archive.archived import Archived
from tests.consumers.archive.made_frames import FRAME_US, NOON_US, make_batch, without_irises

servers = pytest.mark.servers
both_stores = pytest.mark.parametrize("store", ["postgres", "parquet"])

MINUTE_US = 60_000_000
FACE_FROM = len(PoseLandmark)


def of_one_stream(batch: FrameBatch, stream_id: str = "ada") -> FrameBatch:
    return replace(batch, stream_id=np.full(len(batch), stream_id, dtype=np.object_))


def make_mixture(topic: str) -> FrameBatch:
    """With and without irises, without a left hand, without anybody, and with coordinates that are no numbers."""
    broken = make_batch(10, topic=topic, first_offset=63)
    broken.pose[:, PoseLandmark.NOSE, 0] = np.nan
    broken.right_hand[:, HandLandmark.WRIST, 1] = np.inf
    return of_one_stream(
        FrameBatch.concat(
            [
                without_irises(make_batch(40, topic=topic), np.arange(40) % 3 == 0),
                make_batch(20, topic=topic, first_offset=40, absent=(Part.LEFT_HAND,)),
                make_batch(3, topic=topic, first_offset=60, absent=tuple(Part)),
                broken,
            ]
        )
    )


def read_pose(path: Path) -> Pose:
    return Pose.read(path.read_bytes())


def points_of(pose: Pose, part: Part, face_points: int = FACE_POINTS) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """A part's coordinates (N, points, 3) and which of them are masked (N, points)."""
    order = (Part.POSE, Part.FACE, Part.LEFT_HAND, Part.RIGHT_HAND, Part.POSE_WORLD)
    sizes = [face_points if one is Part.FACE else PART_SHAPES[one][0] for one in order]
    first = sum(sizes[: order.index(part)])
    data = pose.body.data[:, 0, first : first + sizes[order.index(part)]]
    masked = np.ma.getmaskarray(data)  # type: ignore[no-untyped-call]
    return np.asarray(data.data), np.asarray(masked[:, :, 0])


@servers
@both_stores
def test_pose_format_reads_every_coordinate_and_sees_what_is_absent(
    archived: Archived, tmp_path: Path, store: str
) -> None:
    batch = make_mixture(archived.topic)
    archived.keep(batch)
    path = tmp_path / "ada.pose"
    archived.run("export", "ada", "--on", store, "-o", str(path))
    pose = read_pose(path)
    assert detect_known_pose_format(pose) == "holistic"
    assert (pose.header.dimensions.width, pose.header.dimensions.height) == (1280, 720)
    assert pose.body.fps == pytest.approx(1e6 / FRAME_US, rel=1e-6)
    for part, (points, values) in PART_SHAPES.items():
        stored, masked = points_of(pose, part)
        there = np.broadcast_to(batch.present(part)[:, None], (len(batch), points)).copy()
        if part is Part.FACE:
            there &= np.arange(points) < batch.face_points[:, None]
        expected = batch.part(part)[:, :, :3] * np.array([1280, 720, 1], dtype=np.float32)
        there &= np.isfinite(expected).all(axis=2)
        if values == 4:
            there &= batch.part(part)[:, :, 3] > 0
        np.testing.assert_array_equal(masked, ~there, err_msg=part)
        np.testing.assert_array_equal(stored[there], expected[there], err_msg=part)
        assert not stored[~there].any(), part
    np.testing.assert_array_equal(pose.body.confidence[0, 0, : len(PoseLandmark)], batch.pose[0, :, 3].clip(0))


@servers
@both_stores
def test_a_side_file_says_when_each_frame_was_captured_and_which_record_it_was(
    archived: Archived, tmp_path: Path, store: str
) -> None:
    batch = make_mixture(archived.topic)
    archived.keep(batch)
    archived.run("export", "ada", "--on", store, "-o", str(tmp_path / "ada.pose"))
    rows = list(csv.DictReader(io.StringIO((tmp_path / "ada.pose.times.csv").read_text())))
    assert [int(row["frame"]) for row in rows] == list(range(len(batch)))
    captured_at_us = np.array([row["captured_at"].removesuffix("Z") for row in rows], "datetime64[us]").astype(np.int64)
    np.testing.assert_array_equal(captured_at_us, batch.captured_at_us)
    assert [(row["topic"], int(row["partition"]), int(row["offset"])) for row in rows] == [
        (archived.topic, 0, offset) for offset in batch.offset.tolist()
    ]
    assert {row["epoch"] for row in rows} == {"7"}


@servers
@both_stores
def test_a_stream_without_irises_has_the_smaller_face(archived: Archived, tmp_path: Path, store: str) -> None:
    batch = of_one_stream(without_irises(make_batch(5, topic=archived.topic), np.full(5, True)))
    archived.keep(batch)
    archived.run("export", "ada", "--on", store, "-o", str(tmp_path / "ada.pose"))
    pose = read_pose(tmp_path / "ada.pose")
    assert pose.body.data.shape == (5, 1, 576, 3)
    stored, masked = points_of(pose, Part.FACE, face_points=468)
    assert not masked.any()
    np.testing.assert_array_equal(stored[:, :, 2], batch.face[:, :468, 2])


@servers
@pytest.mark.parametrize("name", ["ada.parquet", "ada.csv"])
def test_kaggles_layout_has_543_rows_a_frame_and_nothing_where_nothing_was_seen(
    archived: Archived, tmp_path: Path, name: str
) -> None:
    batch = make_mixture(archived.topic)
    archived.keep(batch)
    written = {}
    for store in ("postgres", "parquet"):
        path = tmp_path / store / name
        path.parent.mkdir()
        archived.run("export", "ada", "--on", store, "--as", "kaggle", "-o", str(path))
        written[store] = path.read_bytes()
        assert path.with_name(f"{name}.times.csv").exists()
    assert written["postgres"] == written["parquet"]
    if name.endswith("csv"):
        rows = list(csv.DictReader(io.StringIO(written["parquet"].decode())))
    else:
        rows = pq.read_table(tmp_path / "parquet" / name).to_pylist()
    assert list(rows[0]) == ["frame", "row_id", "type", "landmark_index", "x", "y", "z"]
    assert len(rows) == 543 * len(batch)
    by_id = {row["row_id"]: row for row in rows}
    assert len(by_id) == len(rows)
    nose = by_id["0-pose-0"]
    np.testing.assert_array_equal(np.array([nose[axis] for axis in "xyz"], np.float32), batch.pose[0, 0, :3])
    chin = by_id["1-face-152"]
    assert np.float32(chin["z"]) == batch.face[1, 152, 2]
    assert [by_id[f"45-left_hand-{point}"]["x"] for point in (0, 20)] in ([None, None], ["", ""])
    assert np.isnan(float(by_id["63-pose-0"]["x"]))
    assert [row["type"] for row in rows[:543]] == ["face"] * 468 + ["left_hand"] * 21 + ["pose"] * 33 + (
        ["right_hand"] * 21
    )


@servers
def test_csv_has_a_column_for_each_coordinate_by_name(archived: Archived, tmp_path: Path) -> None:
    batch = make_mixture(archived.topic)
    archived.keep(batch)
    written = []
    for store in ("postgres", "parquet"):
        archived.run("export", "ada", "--on", store, "-o", str(tmp_path / f"{store}.csv"))
        written.append((tmp_path / f"{store}.csv").read_text())
    assert written[0] == written[1]
    rows = list(csv.DictReader(io.StringIO(written[0])))
    for column, expected in {
        "pose_left_wrist_y": batch.pose[:, PoseLandmark.LEFT_WRIST, 1],
        "pose_nose_visibility": batch.pose[:, PoseLandmark.NOSE, 3],
        "pose_world_left_knee_z": batch.pose_world[:, PoseLandmark.LEFT_KNEE, 2],
        "right_hand_thumb_tip_x": batch.right_hand[:, HandLandmark.THUMB_TIP, 0],
        "face_chin_x": batch.face[:, 152, 0],
        "left_hand_wrist_z": batch.left_hand[:, HandLandmark.WRIST, 2],
    }.items():
        np.testing.assert_array_equal(np.array([float(row[column] or "nan") for row in rows], np.float32), expected)
    assert rows[45]["left_hand_wrist_x"] == ""
    assert rows[63]["pose_nose_x"] == "nan"
    assert rows[63]["right_hand_wrist_y"] == "inf"
    assert rows[0]["face_left_iris_center_x"] == ""


@servers
@both_stores
def test_each_line_of_json_is_a_record_the_suite_reads(archived: Archived, tmp_path: Path, store: str) -> None:
    batch = make_mixture(archived.topic)
    archived.keep(batch)
    archived.run("export", "ada", "--on", store, "--as", "jsonl", "-o", str(tmp_path / "ada.jsonl"))
    lines = (tmp_path / "ada.jsonl").read_bytes().splitlines()
    frames = [read_json(line) for line in lines]
    whole = slice(0, 63)
    assert all(frame.equals(batch.frame(row)) for row, frame in enumerate(frames[whole]))
    assert np.isnan(frames[63].pose[PoseLandmark.NOSE, 0])  # type: ignore[index]
    assert [json.loads(line)["offset"] for line in lines] == batch.offset.tolist()


@servers
@both_stores
def test_a_range_of_time_and_more_frames_than_are_held_at_once(archived: Archived, tmp_path: Path, store: str) -> None:
    rows = ROWS_AT_ONCE * 2 + 300
    # Ends in the next hour; the performers' frames are mixed with others'.
    batch = make_batch(rows, topic=archived.topic, starts_at_us=NOON_US + 46 * MINUTE_US, absent=(Part.FACE,))
    archived.keep(batch)
    hers = batch.stream_id == "performer-3"
    archived.run("export", "performer-3", "--on", store, "--as", "csv", "-o", str(tmp_path / "all.csv"))
    exported = read_offsets(tmp_path / "all.csv")
    assert exported == batch.offset[hers].tolist()
    first, end = batch.captured_at_us[1000], batch.captured_at_us[1100]
    times = [f"{np.datetime64(int(at), 'us')}+00:00" for at in (first, end)]
    arguments = ["--from", times[0], "--to", times[1], "-o", str(tmp_path / "some.csv")]
    archived.run("export", "performer-3", "--on", store, "--as", "csv", *arguments)
    # The times of a command line are read to the millisecond.
    within = (batch.captured_at_us >= first // 1000 * 1000) & (batch.captured_at_us < end // 1000 * 1000)
    assert read_offsets(tmp_path / "some.csv") == batch.offset[hers & within].tolist()


def read_offsets(path: Path) -> list[int]:
    return [int(row["offset"]) for row in csv.DictReader(io.StringIO(path.read_text()))]


@servers
def test_what_cannot_be_exported_is_said_and_nothing_is_written(archived: Archived, tmp_path: Path) -> None:
    archived.keep(make_batch(10, topic=archived.topic))
    path = tmp_path / "out.jsonl"
    wanted = ["--as", "jsonl", "-o", str(path)]
    unknown = archived.run("export", "Perfomer-3", *wanted, expected_code=1)
    assert "there is no stream 'Perfomer-3'" in unknown
    assert "performer-3" in unknown
    assert "no frames in that range" in archived.run(
        "export", "performer-3", "--from", "2001-01-01", "--to", "2001-01-02", *wanted, expected_code=1
    )
    assert "says no time" in archived.run("export", "performer-3", "--from", '{"0": 3}', *wanted, expected_code=1)
    archived.run("export", "performer-3", "--as", "kaggle", "-o", str(tmp_path / "out.txt"), expected_code=2)
    nowhere = archived.run("export", "performer-3", "-o", str(tmp_path / "no" / "out.pose"), expected_code=1)
    assert "does the folder exist" in nowhere
    assert list(tmp_path.glob("out*")) == []
    path.write_text("mine")
    assert "is there already" in archived.run("export", "performer-3", *wanted, expected_code=1)
    assert path.read_text() == "mine"
    report = json.loads(archived.run("export", "performer-3", *wanted, "--force", "--json"))
    assert report["frames"] == len(path.read_text().splitlines()) == 2


class FailingSource:
    """Has a minute of frames, of which only the first window can be read."""

    def __init__(self) -> None:
        self.windows_read = 0

    def list_stream_ids(self) -> list[str]:
        return ["ada"]

    def survey(self, stream_id: str, wanted: CaptureRange) -> Survey:
        return Survey(4000, NOON_US, NOON_US + MINUTE_US, 1280, 720, 15_000, ((NOON_US, 4000),))

    def has_irises(self, stream_id: str, wanted: CaptureRange) -> bool:
        return True

    def read(self, stream_id: str, window: CaptureRange) -> FrameBatch:
        self.windows_read += 1
        if self.windows_read > 1:
            raise InterruptedError("the cable was pulled")
        return of_one_stream(make_batch(50))


@pytest.mark.parametrize("form", list(Format))
def test_an_export_that_fails_half_way_leaves_no_file_and_keeps_the_old_one(tmp_path: Path, form: Format) -> None:
    path = tmp_path / "ada.parquet"
    path.write_text("the old one")
    with pytest.raises(Exception, match="the cable was pulled"):
        export_stream(FailingSource(), ExportRequest("ada", CaptureRange(), form, path, overwrite=True))
    assert path.read_text() == "the old one"
    assert list(tmp_path.iterdir()) == [path]


def test_windows_cover_every_frame_and_none_crosses_an_hour() -> None:
    hour_us = 60 * MINUTE_US
    start_us = NOON_US // hour_us * hour_us + 57 * MINUTE_US
    minutes = tuple((start_us + minute * MINUTE_US, 900 if minute != 5 else 5000) for minute in range(8))
    survey = Survey(11_300, start_us, start_us + 8 * MINUTE_US, 1, 1, None, minutes)
    wanted = CaptureRange(start_us + 10_000_000, start_us + 7 * MINUTE_US + 1)
    windows = list(split_windows(survey, wanted))
    assert windows[0].from_us == wanted.from_us
    assert windows[-1].to_us == wanted.to_us
    for before, after in pairwise(windows):
        assert before.to_us == after.from_us
    for window in windows:
        assert window.from_us is not None
        assert window.to_us is not None
        assert (window.to_us - 1) // hour_us == window.from_us // hour_us
        assert window.to_us - window.from_us <= 2 * MINUTE_US


def test_times_on_the_command_line_are_those_of_replay() -> None:
    now_ms = NOON_US // 1000
    assert read_capture_range("2h", "90s ago", now_ms) == CaptureRange(NOON_US - 7_200_000_000, NOON_US - 90_000_000)
    assert read_capture_range("earliest", "latest", now_ms) == read_capture_range(None, None, now_ms) == CaptureRange()
    assert read_capture_range("2026-09-21T14:13:20Z", None, now_ms).from_us == NOON_US
    for first, end in (("yesterday", None), ("latest", None), (None, "earliest"), ("1h", "2h")):
        with pytest.raises(UnreadableOffsets) as refused:
            read_capture_range(first, end, now_ms)
        assert "offsets" not in f"{refused.value.message} {refused.value.hint}"
