"""`python -m consumers.archive [postgres|parquet|both|compact]`."""

import sys

from consumers.archive.connectors import Store
from consumers.archive.run import run_archive
from consumers.archive.tending import tend_archive
from kafka_io.environment import explain_error
from keypoints.errors import HolisticError

COMPACT = "compact"
USAGE = f"usage: python -m consumers.archive [postgres|parquet|both|{COMPACT}]"


def main(arguments: list[str]) -> int:
    """Fill the stores named, both by default, or tend the files. 1: it could not start; 2: wrong usage."""
    wanted = arguments[0] if arguments else "both"
    if len(arguments) > 1 or wanted not in {"both", COMPACT, *Store}:
        sys.stderr.write(f"{USAGE}\n")
        return 2
    try:
        if wanted == COMPACT:
            return tend_archive()
        return run_archive(tuple(Store) if wanted == "both" else (Store(wanted),))
    except HolisticError as error:
        sys.stderr.write(explain_error(error))
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
