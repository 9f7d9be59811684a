"""`python -m producer_service.image_topic`: frames out of the images on a Kafka topic, as a member of a group."""

import argparse
import sys

import orjson

from kafka_io.environment import describe_variables, explain_error
from kafka_io.settings import read_kafka_settings
from keypoints.errors import HolisticError
from observability.logs import configure_logging
from producer_service.image_topic.run import ImageTopicOptions, run_image_topic
from producer_service.image_topic.settings import ImageTopicSettings, read_image_topic_settings
from producer_service.landmarks.native_noise import native_noise_filtered
from producer_service.run import EXIT_INTERRUPTED
from producer_service.settings import read_producer_settings
from producer_service.stopping import stop_on_signals


def main() -> int:
    """Work until SIGTERM or SIGINT, then drain, commit and return 0; 1 with one clear line when it cannot begin."""
    parser = argparse.ArgumentParser(
        prog="python -m producer_service.image_topic",
        description="Find people in the images of a Kafka topic, as a member of a consumer group.",
        epilog=describe_variables(ImageTopicSettings),
    )
    parser.add_argument("--to-end", action="store_true", help="end where the topic ends now")
    asked = parser.parse_args()
    try:
        settings = read_image_topic_settings()
        configure_logging(settings.log_format)
        options = ImageTopicOptions(to_end=asked.to_end)
        with native_noise_filtered(), stop_on_signals() as stop:
            ledger = run_image_topic(settings, read_producer_settings(), read_kafka_settings(), stop.event, options)
    except HolisticError as error:
        sys.stderr.write(explain_error(error))
        return 1
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    sys.stdout.write(orjson.dumps(ledger.counts().as_dict()).decode() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
