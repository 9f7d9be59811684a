"""`python -m handbook`: writes the reference pages, checks that they are as the code is, or builds the site."""

import argparse
import os
import sys

from handbook.pages import find_stale, write_pages
from handbook.site import SITE, build
from keypoints.errors import HolisticError


def main() -> int:
    """Run one of the three; 1 when pages are stale or the site cannot be built."""
    parser = argparse.ArgumentParser(prog="python -m handbook", description=__doc__)
    parser.add_argument(
        "what",
        choices=["write", "check", "build"],
        help="write: docs/reference/ anew, tables.md only with DATABASE_URL; check: say which of these are stale; "
        "build: the site, in build/site",
    )
    database_url = os.environ.get("DATABASE_URL")
    what = parser.parse_args().what
    try:
        if what == "build":
            build()
            print(f"Built: {SITE / 'index.html'}")
            return 0
        if what == "check":
            stale = find_stale(database_url)
            print("\n".join(f"{path} is not as the code is: python -m handbook write" for path in stale) or "All are.")
            return 1 if stale else 0
        for path, text in write_pages(database_url):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        print("Written." if database_url else "Written, but for the tables: set DATABASE_URL to have them too.")
        return 0
    except HolisticError as error:
        print(error.message, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
