"""Any frames there can be, exported in every form: what was there is there, and nothing that was absent."""

import csv
import io
import tempfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from pose_format import Pose

from connect_runtime.sink import Assignment, TopicPartition
from consumers.archive.capture_range import CaptureRange
from consumers.archive.export.from_parquet import ParquetSource
from consumers.archive.export.run import ExportRequest, Format, export_stream
from consumers.archive.parquet.local_storage import LocalStorage
from consumers.archive.parquet.sink import ParquetSink
from keypoints.frame import FrameBatch
from keypoints.json_form import read_json
from keypoints.landmarks import FACE_POINTS_WITHOUT_IRIS, PART_SHAPES, Part, landmark_names
from tests.consumers.archive.any_frames import any_batches
from tests.consumers.archive.made_frames import NOON_US


def store(root: Path, batch: FrameBatch) -> None:
    sink = ParquetSink(LocalStorage(root), "archive-parquet", lambda topic: f"id-of-{topic}", lambda: NOON_US)
    sink.open(Assignment(tuple(TopicPartition(batch.topic, number) for number in range(2)), 1, "member", 0))
    sink.put(batch)
    sink.flush()


def in_order(batch: FrameBatch, stream_id: str) -> FrameBatch:
    """The stream's rows as an export has them."""
    hers = batch.take(batch.stream_id == stream_id)
    return hers.take(np.lexsort((hers.offset, hers.partition, hers.sequence, hers.epoch, hers.captured_at_us)))


@pytest.mark.parametrize("form", list(Format))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(batch=any_batches(max_rows=6))
def test_whatever_was_archived_is_exported(form: Format, batch: FrameBatch) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root, path = Path(folder) / "archive", Path(folder) / ("out.parquet" if form is Format.KAGGLE else "out")
        store(root, batch)
        for stream_id in sorted(set(batch.stream_id.tolist())):
            rows = in_order(batch, stream_id)
            request = ExportRequest(stream_id, CaptureRange(), form, path, overwrite=True)
            assert export_stream(ParquetSource(root), request).frames == len(rows)
            CHECKS[form](path, rows)


def check_pose(path: Path, rows: FrameBatch) -> None:
    pose = Pose.read(path.read_bytes())
    irises = (rows.face_points > FACE_POINTS_WITHOUT_IRIS).any()
    assert pose.body.data.shape == (len(rows), 1, 586 if irises else 576, 3)
    stored = np.asarray(pose.body.data.data)
    sure = np.asarray(pose.body.confidence)
    assert np.isfinite(stored).all()
    assert not stored[sure == 0].any()
    for row in range(len(rows)):
        assert bool(sure[row].any()) <= bool(rows.has_person[row])
    hands_from = pose.header.get_point_index("LEFT_HAND_LANDMARKS", "WRIST")
    hand = rows.left_hand[:, :, :3]
    # What becomes too large in pixels is no number there.
    usable = (np.abs(hand) < 1e25).all(axis=(1, 2))
    np.testing.assert_array_equal(stored[usable, 0, hands_from : hands_from + 21, 2], hand[usable, :, 2])


def check_kaggle(path: Path, rows: FrameBatch) -> None:
    table = pq.read_table(path)
    assert len(table) == 543 * len(rows)
    z = table["z"].to_numpy().reshape(len(rows), 543)
    np.testing.assert_array_equal(z[:, :468], rows.face[:, :468, 2])
    np.testing.assert_array_equal(z[:, 468 + 21 : 468 + 21 + 33], rows.pose[:, :, 2])
    seen = sum(
        int(rows.present(part).sum()) * points
        for part, points in ((Part.FACE, 468), (Part.POSE, 33), (Part.LEFT_HAND, 21), (Part.RIGHT_HAND, 21))
    )
    assert len(table) - table["x"].null_count == seen


def check_csv(path: Path, rows: FrameBatch) -> None:
    read = list(csv.DictReader(io.StringIO(path.read_text())))
    assert [int(row["offset"]) for row in read] == rows.offset.tolist()
    assert [row["model"] for row in read] == rows.model.tolist()
    for part, (_, values) in PART_SHAPES.items():
        for point, name in enumerate(landmark_names(part)):
            column = f"{part.value}_{name}_{'xyz'[point % 3]}"
            written = np.array([float(row[column] or "nan") for row in read], dtype=np.float32)
            np.testing.assert_array_equal(written, rows.part(part)[:, point, point % 3], err_msg=column)
        assert values in (3, 4)


def check_json(path: Path, rows: FrameBatch) -> None:
    frames = [read_json(line) for line in path.read_bytes().splitlines()]
    assert len(frames) == len(rows)
    for row, frame in enumerate(frames):
        expected = rows.frame(row)
        assert (frame.stream_id, frame.sequence, frame.captured_at_us) == (
            expected.stream_id, expected.sequence, expected.captured_at_us,
        )  # fmt: skip
        for part in PART_SHAPES:
            ours, theirs = frame.part(part), expected.part(part)
            if ours is None or theirs is None:
                assert ours is theirs
            else:
                np.testing.assert_array_equal(ours, np.where(np.isfinite(theirs), theirs, np.float32("nan")))


CHECKS = {Format.POSE: check_pose, Format.KAGGLE: check_kaggle, Format.CSV: check_csv, Format.JSONL: check_json}
