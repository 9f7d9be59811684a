"""`python -m consumers.avatar [KEY=VALUE…]`: drive avatars from the tracking topic until told to stop."""

import argparse
import sys

from consumers.avatar.run import run_avatar
from consumers.avatar.settings import AvatarSettings, read_avatar_settings
from kafka_io.environment import describe_variables, explain_error, split_setting
from kafka_io.settings import read_kafka_settings
from keypoints.errors import HolisticError
from observability.logs import configure_logging


def main() -> int:
    """Parse the arguments, run, and return the exit code; 1 with one clear line when it cannot begin."""
    asked = _parse_arguments()
    try:
        settings = read_avatar_settings(
            config_files=asked.config_files,
            vmc_targets=asked.targets,
            avatar_from=asked.start,
            avatar_speed=asked.speed,
            log_format=asked.log_format,
        )
        configure_logging(settings.log_format)
        return run_avatar(settings, read_kafka_settings(), dict(asked.config))
    except HolisticError as error:
        sys.stderr.write(explain_error(error))
        return 1


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m consumers.avatar",
        description="Move avatars by the performers in the tracking topic: VMC over UDP, a page, WebSockets.",
        epilog=describe_variables(AvatarSettings),
    )
    parser.add_argument(
        "config",
        nargs="*",
        type=split_setting,
        metavar="KEY=VALUE",
        help="settings by Kafka Connect's names, as name=another-group",
    )
    parser.add_argument("--targets", help="receivers, as host:port or vmc://host:port?profile=…, separated by commas")
    parser.add_argument(
        "--speed", type=float, help="show frames as far apart as they were captured, so many times faster"
    )
    parser.add_argument("--from", dest="start", choices=["latest", "earliest"], help="where a new group begins")
    parser.add_argument("--config", dest="config_files", metavar="FILES", help="files of settings, separated by commas")
    parser.add_argument("--log-format", choices=["human", "json"], help="form of log lines")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
