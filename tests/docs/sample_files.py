"""The files that the documentation's commands name, small and made by code."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import skimage.data

from holistic_cli.recordings.container import Recorded, RecordingWriter
from keypoints.codec import encode_avro
from keypoints.landmarks import PoseLandmark
from keypoints.topics import TRACKING_TOPIC, frame_headers, record_key
from performers import Act, ActKind, Performer, Side
from performers.posture import Limb
from tests.conftest import REPOSITORY
from tests.consumers.analytics.learning.made_rows import make_hands, make_windows, write_rows
from tests.docs.fenced import read_blocks

SCRIPT: Final = (
    Act(ActKind.ROCK, 0.8, 11.8),
    Act(ActKind.WAVE, 1.2, 3.8, side=Side.LEFT),
    Act(ActKind.WAVE, 5.4, 7.8, side=Side.LEFT),
    Act(ActKind.WAVE, 9.2, 11.8, side=Side.LEFT),
)
"""A shape all the while, so that the last seconds of a stream show it whenever they are; and three performances of a
movement, from rest to rest, in 1-4, 5-8 and 9-12."""
SECONDS: Final = 12.4
FRAMES_PER_S: Final = 15
START_US: Final = round(datetime(2026, 3, 1, 12, 0, tzinfo=UTC).timestamp() * 1e6)
"""When pages say it was."""
JOINTS: Final = [f"{side}_{joint}" for joint in ("shoulder", "hip", "knee", "ankle") for side in ("left", "right")]
QUESTIONS: Final = "SELECT count(*) FROM frames;\nSELECT DISTINCT stream_id FROM frames;\n"


def make_samples(folder: Path) -> None:
    """Write all of them."""
    (folder / "photos").mkdir(parents=True)
    (folder / "talks").mkdir()
    (folder / "repaired").mkdir()
    picture = np.ascontiguousarray(skimage.data.astronaut()[:, :, ::-1])
    for name in ("demo.jpg", "ada.jpg", "photos/one.jpg", "photos/two.jpg"):
        cv2.imwrite(str(folder / name), picture)
    for name in ("talk.mp4", "talks/ada.mp4", "film.mp4"):
        _write_video(folder / name, picture)
    for name in ("ada.holistic", "wave.holistic"):
        write_recording(folder / name)
    shapes = ["open", "closed", "pointing", "ok"]
    for name, seed in (("hands", 1), ("first", 2), ("last", 3), ("mine", 4), ("labelled", 5)):
        write_rows(folder / f"{name}.csv", make_hands(shapes, 12, seed))
    for name, seed in (("motion", 1), ("earlier", 2)):
        write_rows(folder / f"{name}.csv", make_windows(12, seed))
    (folder / "squats.csv").write_text(_label_squats(), encoding="utf-8")
    (folder / "rules.yaml").write_text(_find_rules(), encoding="utf-8")
    (folder / "questions.sql").write_text(QUESTIONS, encoding="utf-8")
    frame = next(Performer("ada").frames(0.1, FRAMES_PER_S, start_us=START_US))
    (folder / "repaired" / "12.bin").write_bytes(encode_avro(frame))


def write_recording(path: Path) -> None:
    """A recording of ada, who waves three times."""
    with path.open("wb") as file:
        writer = RecordingWriter(file)
        performer = Performer("ada", SCRIPT, seed=3)
        for number, frame in enumerate(performer.frames(SECONDS, FRAMES_PER_S, start_us=START_US, epoch=1)):
            writer.write(
                Recorded(
                    topic=TRACKING_TOPIC,
                    partition=0,
                    offset=number,
                    timestamp_ms=frame.captured_at_us // 1000,
                    key=record_key("ada"),
                    value=encode_avro(frame),
                    headers=tuple(frame_headers()),
                )
            )
        writer.finish()


def _write_video(path: Path, picture: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]") -> None:
    small = cv2.resize(picture, (320, 320))
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), 10.0, (320, 320))
    for step in range(6):
        writer.write(np.roll(small, step, axis=1))
    writer.release()


def _label_squats() -> str:
    performer = Performer("a", [Act(ActKind.SQUAT, 1.0, 9.4)])
    at_s = np.arange(310) / 30.0
    knees_deg = performer.posture(at_s).limbs[Side.LEFT, Limb.KNEE]
    lines = [",".join(["label", *(f"{joint}_{axis}" for joint in JOINTS for axis in "xyzv")])]
    for pose, knee_deg in zip(performer.batch(at_s).pose, knees_deg, strict=True):
        numbers = [f"{value:.5f}" for joint in JOINTS for value in pose[PoseLandmark[joint.upper()]].tolist()]
        lines.append(",".join(["down" if knee_deg > 78.0 else "up", *numbers]))
    return "\n".join(lines) + "\n"


def _find_rules() -> str:
    """The file that docs/rules.md shows, with receivers on this machine where nobody listens."""
    page = REPOSITORY / "docs" / "rules.md"
    shown = next(block.text for block in read_blocks(page) if block.text.startswith("rules:"))
    return shown.replace("https://example.org", "http://127.0.0.1:9").replace("127.0.0.1:9000", "127.0.0.1:9")
