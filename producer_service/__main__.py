"""`python -m producer_service SOURCE…`: publish the keypoints of pictures, folders of pictures, videos and cameras."""

import argparse
import sys

from kafka_io.environment import describe_variables, explain_error
from kafka_io.settings import read_kafka_settings
from keypoints.errors import HolisticError
from observability.logs import configure_logging
from producer_service.capture.capture_time import parse_capture_time
from producer_service.capture.open_source import SourceOptions
from producer_service.run import run_producer
from producer_service.settings import ProducerSettings, read_producer_settings


def main() -> int:
    """Parse the arguments, run, and return the exit code; 1 with one clear line when it cannot begin."""
    asked = _parse_arguments()
    configure_logging(asked.log_format)
    try:
        settings = read_producer_settings(topic=asked.topic, stream=asked.stream, mirrored=asked.mirrored or None)
        started_at_us = None if asked.captured_at is None else parse_capture_time(asked.captured_at)
        options = SourceOptions(settings.stream, started_at_us, settings.image_limits(), patience=settings.patience())
        kafka = read_kafka_settings()
        return run_producer(asked.sources, options, settings, kafka, as_json=asked.json, afresh=asked.afresh)
    except HolisticError as error:
        sys.stderr.write(explain_error(error))
        return 1


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m producer_service",
        description="Publish the body, face and hand keypoints of pictures, videos and cameras to Kafka.",
        epilog=describe_variables(ProducerSettings),
    )
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="SOURCE",
        help="picture, folder of pictures, video, webcam:0, or rtsp:// or http:// address",
    )
    parser.add_argument("--stream", help="name of the stream (default: the file's, folder's or camera's name)")
    parser.add_argument("--captured-at", help="when the recording began: ISO 8601, or ms since 1970 (default: now)")
    parser.add_argument("--mirrored", action="store_true", help="the picture shows the person as in a mirror")
    parser.add_argument("--topic", help="topic to publish to")
    parser.add_argument(
        "--afresh", action="store_true", help="publish files from their beginning, where an earlier run was killed, too"
    )
    parser.add_argument("--json", action="store_true", help="print the ledger as JSON")
    parser.add_argument("--log-format", choices=["human", "json"], default="human", help="form of log lines")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
