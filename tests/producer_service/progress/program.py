"""`python -m tests.producer_service.progress.program SOURCE…`: the producer, looking at pictures slowly and without a
model, so that it can be killed in the middle. Its settings come from the environment."""

import sys

from kafka_io.settings import read_kafka_settings
from producer_service.capture.open_source import SourceOptions
from producer_service.run import run_producer
from producer_service.settings import read_producer_settings
from tests.producer_service.finders import SLOW

if __name__ == "__main__":
    sys.exit(
        run_producer(
            sys.argv[1:],
            SourceOptions(),
            read_producer_settings(),
            read_kafka_settings(),
            as_json=True,
            opener=SLOW,
        )
    )
