"""People's files on the topic of images, and frames made of them by the command line."""

from pathlib import Path

import orjson
import pytest
from kafka.consumer.fetcher import ConsumerRecord
from typer.testing import CliRunner

from holistic_cli.images import images as images_command
from kafka_io.whole_topic import read_whole_topic
from producer_service.capture.still_image import ImageLimits, decode_image
from tests.producer_service.image_topic.conftest import ImageTopic, person_jpeg
from tests.producer_service.made_media import write_video

pytestmark = pytest.mark.servers


@pytest.fixture
def environment(images: ImageTopic, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**images.environment(), "DATABASE_URL": "postgresql://unused"}.items():
        monkeypatch.setenv(name, value)


def read_images(images: ImageTopic) -> list[ConsumerRecord]:
    return sorted(read_whole_topic(images.kafka, images.topic), key=lambda record: (record.key, record.offset))


@pytest.mark.usefixtures("environment")
def test_pictures_are_published_as_they_are_and_videos_as_jpegs(images: ImageTopic, tmp_path: Path) -> None:
    (tmp_path / "ada.jpg").write_bytes(person_jpeg())
    (tmp_path / "notes.jpg").write_bytes(b"no picture")
    video = write_video(tmp_path / "bob.mp4", 5)
    names = [str(tmp_path / "ada.jpg"), str(video), str(tmp_path / "notes.jpg")]
    ran = CliRunner().invoke(
        images_command, ["publish", *names, "--captured-at", "2025-03-01T09:30:00Z", "--mirrored", "--json"]
    )
    assert ran.exit_code == 1, ran.output
    said = orjson.loads(ran.stdout)
    assert (said["acknowledged"], said["failed"], len(said["refused"])) == (6, 0, 1)
    picture, *frames = read_images(images)
    began_ms = 1740821400000
    assert (picture.key, picture.value, picture.timestamp) == (b"ada", person_jpeg(), began_ms)
    assert dict(picture.headers) == {
        "content-type": b"image/jpeg", "captured-at-us": str(began_ms * 1000).encode(), "mirrored": b"true",
    }  # fmt: skip
    assert [(frame.key, frame.timestamp) for frame in frames] == [
        (b"bob", began_ms + 100 * number) for number in range(5)
    ]
    for number, frame in enumerate(frames):
        pixels = decode_image(frame.value, ImageLimits())
        assert pixels.shape == (120, 160, 3)
        assert abs(int(pixels.mean()) - 5 * number) < 6


@pytest.mark.usefixtures("environment")
def test_a_video_as_png_is_published_without_loss(images: ImageTopic, tmp_path: Path) -> None:
    video = write_video(tmp_path / "bob.mp4", 2)
    ran = CliRunner().invoke(images_command, ["publish", str(video), "--stream", "cy", "--png"])
    assert (ran.exit_code, ran.stdout) == (0, f"2 pictures are on {images.topic}\n")
    assert [(record.key, record.value[:4]) for record in read_images(images)] == [(b"cy", b"\x89PNG")] * 2


def test_the_command_says_what_its_settings_lack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "localhost:1")
    monkeypatch.setenv("HOLISTIC_IMAGES_WORKERS", "none")
    ran = CliRunner().invoke(images_command, [])
    assert ran.exit_code == 1
    assert "HOLISTIC_IMAGES_WORKERS" in str(ran.exception)
