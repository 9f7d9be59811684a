"""`python -m kafka_io.topics`: makes the suite's topics that are not there yet."""

import argparse
import sys
import time

from kafka_io.admin import create_topics
from kafka_io.settings import KafkaSettings, read_kafka_settings
from keypoints.errors import HolisticError, Transient
from keypoints.topics import SUITE_TOPICS

_RETRY_S = 1.0


def create_suite_topics(settings: KafkaSettings, replication: int | None, wait_s: float) -> list[str]:
    """The names of the topics created; a cluster that does not answer yet is asked again for `wait_s` seconds.

    `replication` None takes the brokers' default. Raises Transient when the time is up, Terminal when refused.
    """
    deadline_s = time.monotonic() + wait_s
    while True:
        try:
            return create_topics(settings, SUITE_TOPICS, replication)
        except Transient:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(_RETRY_S)


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0 when every topic is there."""
    parser = argparse.ArgumentParser(prog="python -m kafka_io.topics", description="Create the suite's topics.")
    parser.add_argument("--replication", type=int, help="copies of each partition (default: the brokers' own default)")
    parser.add_argument("--wait-s", type=float, default=60.0, help="how long to wait for the cluster (default: 60)")
    options = parser.parse_args(arguments)
    try:
        created = create_suite_topics(read_kafka_settings(), options.replication, options.wait_s)
    except HolisticError as error:
        print(error, file=sys.stderr)
        return 1
    for spec in SUITE_TOPICS:
        print(f"{spec.name}: {'created' if spec.name in created else 'was there'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
