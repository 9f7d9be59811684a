"""Exits 0 when the service in this container answers /readyz with 200, and 1 with its answer otherwise."""

import os
import sys
import urllib.error
import urllib.request

TIMEOUT_S = 3.0


def check(port: int, path: str = "/readyz") -> str | None:
    """What is wrong, or None when the service is ready."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=TIMEOUT_S):
            return None
    except urllib.error.HTTPError as answer:
        return f"{answer.code} {answer.read(2_000).decode(errors='replace')}"
    except OSError as error:
        return f"no answer on port {port}: {error}"


if __name__ == "__main__":
    problem = check(int(os.environ["HOLISTIC_HTTP_PORT"]))
    if problem:
        print(problem)
    sys.exit(1 if problem else 0)
