"""A member of the group as a process of its own, with a landmarker that needs no model: what tests kill and stop.

Settings come from the environment. Argument: `--to-end`, or nothing. Prints its health port once it listens.
"""

import sys

from kafka_io.settings import read_kafka_settings
from observability.logs import configure_logging
from producer_service.image_topic.run import ImageTopicOptions, run_image_topic
from producer_service.image_topic.settings import read_image_topic_settings
from producer_service.landmarks.pool.options import PoolOptions
from producer_service.settings import read_producer_settings
from producer_service.stopping import stop_on_signals
from tests.producer_service.finders import SLOW

if __name__ == "__main__":
    settings = read_image_topic_settings()
    configure_logging()
    options = ImageTopicOptions(
        PoolOptions(workers=1, standby=0, opener=SLOW, streams_a_worker=settings.streams_a_worker),
        to_end="--to-end" in sys.argv,
        on_listening=lambda port: print(port, flush=True),
    )
    with stop_on_signals() as stop:
        ledger = run_image_topic(settings, read_producer_settings(), read_kafka_settings(), stop.event, options)
    print(ledger.counts().as_dict(), flush=True)
