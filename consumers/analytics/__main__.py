"""`python -m consumers.analytics [KEY=VALUE…]`: say what people in the tracking topic do, until told to stop."""

import argparse
import sys

from consumers.analytics.run import run_analytics
from consumers.analytics.settings import AnalyticsSettings, read_analytics_settings
from kafka_io.environment import describe_variables, explain_error, split_setting
from kafka_io.settings import read_kafka_settings
from keypoints.errors import HolisticError
from observability.logs import configure_logging


def main() -> int:
    """Parse the arguments, run, and return the exit code; 1 with one clear line when it cannot begin."""
    asked = _parse_arguments()
    try:
        settings = read_analytics_settings(config_files=asked.config_files, log_format=asked.log_format)
        configure_logging(settings.log_format)
        return run_analytics(settings, read_kafka_settings(), dict(asked.config))
    except HolisticError as error:
        sys.stderr.write(explain_error(error))
        return 1


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m consumers.analytics",
        description="Say what people in the tracking topic do, in Postgres and on the topic of events.",
        epilog=describe_variables(AnalyticsSettings),
    )
    parser.add_argument(
        "config",
        nargs="*",
        type=split_setting,
        metavar="KEY=VALUE",
        help="settings by Kafka Connect's names, as tasks.max=2 or name=another-group",
    )
    parser.add_argument("--config", dest="config_files", metavar="FILES", help="files of settings, separated by commas")
    parser.add_argument("--log-format", choices=["human", "json"], help="form of log lines")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
