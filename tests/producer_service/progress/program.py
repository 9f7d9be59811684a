"""`python -m tests.producer_service.progress.program SOURCE…`: the producer, looking at pictures slowly and without a
model, so that it can be killed in the middle. Its settings come from the environment."""

import sys
import time

from kafka_io.settings import read_kafka_settings
from producer_service.capture.captured import RgbImage
from producer_service.capture.open_source import SourceOptions
from producer_service.landmarks.landmarker import Landmarks
from producer_service.run import run_producer
from producer_service.settings import read_producer_settings
from tests.producer_service.finders import RightHandFinder

_PICTURE_S = 0.03


class SlowFinder(RightHandFinder):
    """It tracks: its first point says how many pictures it has seen."""

    def find(self, image: RgbImage) -> Landmarks:
        time.sleep(_PICTURE_S)
        return super().find(image)


def open_slow_finder(_still: bool) -> SlowFinder:
    return SlowFinder()


if __name__ == "__main__":
    sys.exit(
        run_producer(
            sys.argv[1:],
            SourceOptions(),
            read_producer_settings(),
            read_kafka_settings(),
            as_json=True,
            opener="tests.producer_service.progress.program:open_slow_finder",
        )
    )
