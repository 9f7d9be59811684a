"""`python -m consumers.analytics.feed`: serve the live feed and its page until told to stop."""

import argparse
import sys

from consumers.analytics.feed.run import run_feed
from consumers.analytics.feed.settings import FeedSettings, read_feed_settings
from kafka_io.environment import describe_variables, explain_error
from kafka_io.settings import read_kafka_settings
from keypoints.errors import HolisticError
from observability.logs import configure_logging


def main() -> int:
    """Parse the arguments, serve, and return the exit code; 1 with one clear line when it cannot begin."""
    asked = _parse_arguments()
    try:
        settings = read_feed_settings(http_host=asked.host, http_port=asked.port, log_format=asked.log_format)
        configure_logging(settings.log_format)
        return run_feed(settings, read_kafka_settings())
    except HolisticError as error:
        sys.stderr.write(explain_error(error))
        return 1


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m consumers.analytics.feed",
        description="Serve the events of analytics as they happen, and a page that shows them. It reads Kafka without "
        "a consumer group: it commits nothing, and any number of them may run.",
        epilog=describe_variables(FeedSettings),
    )
    parser.add_argument("--host", help="address to listen on")
    parser.add_argument("--port", type=int, help="port to listen on; 0 picks a free one")
    parser.add_argument("--log-format", choices=["human", "json"], help="form of log lines")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
