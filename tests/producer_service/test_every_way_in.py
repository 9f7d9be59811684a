"""A video's frames over HTTP, over a WebSocket and out of the file give the same landmarks, to the last bit.

(Over gRPC as well: tests/producer_service/rpc/test_same_landmarks.py holds that against the same bare landmarker.)
"""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from websockets.sync.client import connect

from kafka_io.settings import KafkaSettings
from keypoints import HolisticFrame
from keypoints.landmarks import PART_SHAPES
from producer_service.capture.captured import RgbImage
from producer_service.capture.open_source import SourceOptions, open_source
from producer_service.landmarks.pool.options import PoolOptions
from producer_service.landmarks.pool.pool import LandmarkerPool
from producer_service.pipeline import produce, wall_clock_us
from producer_service.settings import ProducerSettings
from tests.producer_service.bare_landmarks import FRAMES, Found, find_bare, largest_difference, read_frames
from tests.producer_service.conftest import Position
from tests.producer_service.gateway.serving import Service, serving
from tests.producer_service.made_media import encode_picture

pytestmark = [pytest.mark.servers, pytest.mark.mediapipe]

ONE_WORKER = PoolOptions(workers=1, standby=0)
VIDEO = Path("videos") / "hoy_001.mp4"


def send_over_http(service: Service, images: list[RgbImage]) -> None:
    for image in images:
        headers = {"content-type": "image/png"}
        answer = service.http.post("/v1/streams/http/frames", content=encode_picture(image), headers=headers)
        assert answer.status_code == 200, answer.text


def send_over_websocket(service: Service, images: list[RgbImage]) -> None:
    # Frames of 720p as PNG are larger than a camera's may be; as lossless WebP they are not.
    with connect(f"ws://127.0.0.1:{service.port}/v1/streams/websocket/ws") as socket:
        for number, image in enumerate(images):
            picture = encode_picture(image, "WEBP", lossless=True, exact=True, method=0)
            assert len(picture) < 2**20
            socket.send(struct.pack("<Id", number, 0) + picture)
            assert b'"acknowledged"' in bytes(socket.recv(30))  # type: ignore[arg-type]


def read_stream(frames: dict[Position, HolisticFrame], stream_id: str) -> Found:
    ours = sorted((frame for frame in frames.values() if frame.stream_id == stream_id), key=lambda each: each.sequence)
    return [
        {part: values for part in PART_SHAPES if (values := frame.part(part)) is not None} for frame in ours[:FRAMES]
    ]


def test_http_websocket_and_the_file_itself_give_what_a_bare_landmarker_finds(
    kafka_settings: KafkaSettings,
    make_topic: Callable[..., str],
    read_topic: Callable[[str], dict[Position, HolisticFrame]],
    shared_data: Path,
) -> None:
    topic, video = make_topic(), shared_data / VIDEO
    images = read_frames(video)
    bare = find_bare(images)
    with serving(kafka_settings, topic, {"requests_per_s": 1e6}, pool=ONE_WORKER) as service:
        send_over_http(service, images)
        send_over_websocket(service, images)
    pool = LandmarkerPool(ONE_WORKER)
    source = open_source(str(video), SourceOptions(stream_id="file"), wall_clock_us)
    assert produce([source], ProducerSettings(topic=topic), kafka_settings, pool=pool).clean
    pool.close()
    frames = read_topic(topic)
    for way in ("http", "websocket", "file"):
        assert largest_difference(read_stream(frames, way), bare) == 0.0
