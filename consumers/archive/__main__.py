"""`python -m consumers.archive [postgres|parquet|both]`."""

import sys

from consumers.archive.connectors import Store
from consumers.archive.run import run_archive
from kafka_io.environment import explain_error
from keypoints.errors import HolisticError

USAGE = "usage: python -m consumers.archive [postgres|parquet|both]"


def main(arguments: list[str]) -> int:
    """Run the stores named, both by default. 1: it could not start; 2: wrong usage."""
    wanted = arguments[0] if arguments else "both"
    if len(arguments) > 1 or wanted not in {"both", *Store}:
        sys.stderr.write(f"{USAGE}\n")
        return 2
    try:
        return run_archive(tuple(Store) if wanted == "both" else (Store(wanted),))
    except HolisticError as error:
        sys.stderr.write(explain_error(error))
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
