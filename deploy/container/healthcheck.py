"""Exits 0 when the service in this container answers /readyz with 200, and 1 with its answer otherwise."""

import os
import ssl
import sys
import urllib.error
import urllib.request

TIMEOUT_S = 3.0
# A consumer's and the producer's.
TLS_VARIABLES = ("HOLISTIC_REST_TLS_CERTFILE", "HOLISTIC_TLS_CERTFILE")


def check(port: int, path: str = "/readyz", *, tls: bool = False) -> str | None:
    """What is wrong, or None when the service is ready."""
    # The certificate names the host as others know it; here we ask ourselves.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    address = f"127.0.0.1:{port}{path}"
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(f"https://{address}" if tls else f"http://{address}", timeout=TIMEOUT_S):
            return None
    except urllib.error.HTTPError as answer:
        return f"{answer.code} {answer.read(2_000).decode(errors='replace')}"
    except OSError as error:
        return f"no answer on port {port}: {error}"


if __name__ == "__main__":
    problem = check(int(os.environ["HOLISTIC_HTTP_PORT"]), tls=any(map(os.environ.get, TLS_VARIABLES)))
    if problem:
        print(problem)
    sys.exit(1 if problem else 0)
