"""What a bare landmarker finds in a recorded video, for whoever must find the same."""

from contextlib import closing
from pathlib import Path

import numpy as np

from keypoints.frame import Float32Array
from keypoints.landmarks import PART_SHAPES, Part
from producer_service.capture.captured import Captured, RgbImage
from producer_service.capture.open_source import SourceOptions, open_source
from producer_service.landmarks.holistic import HolisticLandmarker

FRAMES = 15
Found = list[dict[Part, Float32Array]]


def read_frames(video: Path) -> list[RgbImage]:
    items = open_source(video, SourceOptions(), lambda: 0).read()
    images = []
    with closing(items):
        for item in items:
            assert isinstance(item, Captured)
            images.append(item.image)
            if len(images) == FRAMES:
                break
    return images


def find_bare(images: list[RgbImage]) -> Found:
    landmarker = HolisticLandmarker(still=False)
    try:
        found = [landmarker.find(image) for image in images]
    finally:
        landmarker.close()
    return [{part: value for part in PART_SHAPES if (value := getattr(each, part.value)) is not None} for each in found]


def largest_difference(ours: Found, theirs: Found) -> float:
    assert [found.keys() for found in ours] == [found.keys() for found in theirs]
    return max(
        float(np.abs(ours[index][part] - theirs[index][part]).max()) for index in range(FRAMES) for part in ours[index]
    )
