"""`python -m producer_service.gateway`: take pictures over HTTP, WebSocket and gRPC, and publish what they show."""

import argparse
import os
import sys

from kafka_io.environment import describe_variables, explain_error
from kafka_io.settings import read_kafka_settings
from keypoints.errors import HolisticError
from observability.logs import configure_logging
from producer_service.gateway.settings import GatewaySettings, read_gateway_settings
from producer_service.run import EXIT_INTERRUPTED
from producer_service.serve import run_service
from producer_service.settings import read_producer_settings


def main() -> int:
    """Serve until SIGTERM or SIGINT and return the exit code; 1 with one clear line when it cannot begin."""
    argparse.ArgumentParser(
        prog="python -m producer_service.gateway",
        description="Take pictures over HTTP, WebSocket and gRPC, and publish the keypoints of the people in them.",
        epilog=describe_variables(GatewaySettings),
    ).parse_args()
    configure_logging("json" if os.environ.get("HOLISTIC_LOG_FORMAT") == "json" else "human")
    try:
        return run_service(read_gateway_settings(), read_producer_settings(), read_kafka_settings())
    except HolisticError as error:
        sys.stderr.write(explain_error(error))
        return 1
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
