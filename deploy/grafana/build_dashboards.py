#!/usr/bin/env python3
"""Writes Grafana's dashboards, deploy/grafana/dashboards/*.json, from deploy/grafana/pages/.

deploy/grafana/build_dashboards.py            writes them
deploy/grafana/build_dashboards.py --check    ends 1 and names those that are not as the pages are
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from deploy.grafana.dashboard import write_dashboard  # noqa: E402 - found by the line above when run as a script
from deploy.grafana.pages.analytics import ANALYTICS  # noqa: E402
from deploy.grafana.pages.archive import ARCHIVE  # noqa: E402
from deploy.grafana.pages.avatar import AVATAR  # noqa: E402
from deploy.grafana.pages.overview import OVERVIEW  # noqa: E402
from deploy.grafana.pages.processes import PROCESSES  # noqa: E402
from deploy.grafana.pages.producer import PRODUCER  # noqa: E402
from deploy.grafana.pages.runtime import RUNTIME  # noqa: E402

FOLDER: Final = Path(__file__).parent / "dashboards"
DASHBOARDS: Final = (OVERVIEW, RUNTIME, ARCHIVE, ANALYTICS, AVATAR, PRODUCER, PROCESSES)


def write_all() -> Mapping[str, str]:
    """Name of each file → what is in it."""
    return {f"{one.uid}.json": json.dumps(write_dashboard(one), indent=1) + "\n" for one in DASHBOARDS}


def find_stale(folder: Path = FOLDER) -> list[str]:
    """Names of files that are missing, too many, or not what the pages say."""
    there = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    wanted = write_all()
    return sorted(name for name in there.keys() | wanted.keys() if there.get(name) != wanted.get(name))


def main() -> int:
    """Write, or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; end 1 when a file is not as it should be")
    if parser.parse_args().check:
        stale = find_stale()
        for name in stale:
            print(f"{name} is not what deploy/grafana/pages says: run deploy/grafana/build_dashboards.py")
        return 1 if stale else 0
    FOLDER.mkdir(exist_ok=True)
    for name, text in write_all().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
