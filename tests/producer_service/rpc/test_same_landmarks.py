"""Whichever way frames come, MediaPipe finds the same in them, to the last bit."""

from pathlib import Path

import pytest

from keypoints.landmarks import PART_SHAPES, Part
from producer_service.capture.captured import Captured, DropPolicy, RgbImage
from producer_service.landmarks.pool.options import PoolOptions
from producer_service.live.outcome import Acknowledged
from tests.producer_service.bare_landmarks import Found, find_bare, largest_difference, read_frames
from tests.producer_service.made_media import encode_picture
from tests.producer_service.rpc.client import RpcService, encoded, raw, read_parts
from tests.producer_service.rpc.conftest import ServeStudio

pytestmark = [pytest.mark.servers, pytest.mark.mediapipe]


def find_in_line(service: RpcService, images: list[RgbImage]) -> Found:
    line = service.opened.studio.open_stream("line", DropPolicy.WAIT)
    futures = [line.submit(Captured(image, 1, index)) for index, image in enumerate(images)]
    service.opened.studio.close_stream(line)
    found: Found = []
    for future in futures:
        outcome = future.result(30)
        assert isinstance(outcome, Acknowledged)
        found.append({part: value for part in PART_SHAPES if (value := outcome.frame.part(part)) is not None})
    return found


def test_raw_and_png_over_grpc_give_what_the_line_and_a_bare_landmarker_give(
    serve_studio: ServeStudio, shared_data: Path
) -> None:
    images = read_frames(shared_data / "videos" / "doctor_001.mp4")
    bare = find_bare(images)
    assert any(Part.RIGHT_HAND in found or Part.LEFT_HAND in found for found in bare)
    assert all(Part.POSE in found for found in bare)
    service = serve_studio(PoolOptions(workers=1, standby=0))
    client = service.connect()
    over_rpc = {
        name: [read_parts(outcome) for outcome in client.track_all(name, pictures)]
        for name, pictures in (
            ("raw", [raw(image, number) for number, image in enumerate(images)]),
            ("png", [encoded(encode_picture(image), number) for number, image in enumerate(images)]),
        )
    }
    assert largest_difference(over_rpc["raw"], bare) == 0
    assert largest_difference(over_rpc["png"], bare) == 0
    assert largest_difference(find_in_line(service, images), bare) == 0
