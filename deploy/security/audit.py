"""`python -m deploy.security.audit`: asks the advisory service about every pinned package of the suite.

Ends 0 when all were asked about and nothing is known against them, 1 when something is, and 3 when the service could
not be asked about each: then nothing is known of some, which is no good news (pip-audit itself ends 0 where a mirror
without advisories answers for none). It needs a network that reaches the service, and so is no part of the tests.
"""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

_REPOSITORY: Final = Path(__file__).resolve().parents[2]
NOTHING_KNOWN, VULNERABLE, NOT_ASKED = 0, 1, 3
_TIMEOUT_S: Final = 600


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of it: the exit code, what is to be read, and what is known against whom, one line each."""

    exit_code: int
    summary: str
    advisories: tuple[str, ...] = ()


def judge(told: bytes, said: str) -> Verdict:
    """What pip-audit's JSON, and what it said besides, come to."""
    try:
        packages: list[dict[str, Any]] = orjson.loads(told)["dependencies"]
    except (orjson.JSONDecodeError, LookupError, TypeError):
        last = (said.strip() or "it said nothing").splitlines()[-1]
        return Verdict(NOT_ASKED, f"the advisory service could not be asked, so nothing is known: {last}")
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    advisories = tuple(
        f"{package['name']} {package['version']}: {known['id']}, mended in {', '.join(known['fix_versions']) or 'none'}"
        for package in packages
        for known in package.get("vulns", ())
    )
    summary = f"{len(packages) - len(skipped)} of {len(packages)} packages were asked about"
    if advisories:
        return Verdict(VULNERABLE, f"{summary}; {len(advisories)} advisories", advisories)
    if skipped or not packages:
        return Verdict(NOT_ASKED, f"{summary}: of the others nothing is known")
    return Verdict(NOTHING_KNOWN, f"{summary}; nothing is known against them")


def main() -> int:
    """Returns the exit code."""
    requirements = _REPOSITORY / "requirements" / "all.txt"
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(requirements), "--no-deps", "--disable-pip"]
    command += ["--progress-spinner", "off", "--format", "json"]
    try:
        done = subprocess.run(command, check=False, capture_output=True, timeout=_TIMEOUT_S)
        verdict = judge(done.stdout, done.stderr.decode(errors="replace"))
    except subprocess.TimeoutExpired:
        verdict = Verdict(NOT_ASKED, f"the advisory service did not answer within {_TIMEOUT_S} s: nothing is known")
    for line in verdict.advisories:
        print(line)
    print(verdict.summary, file=sys.stderr if verdict.exit_code else sys.stdout)
    return verdict.exit_code


if __name__ == "__main__":
    sys.exit(main())
