"""`python -m tests.security.fuzz TARGET --seconds N`: look for inputs that a decoder does not refuse as it should.

Guided by the branches that inputs reach in our own code (atheris, libFuzzer). Ends with 1 at the first finding, and
leaves the input in the directory of findings; `TARGET FILE` tries one input again.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import atheris  # type: ignore[import-untyped]

# Before anything of ours is imported, so that its branches are seen.
with atheris.instrument_imports(
    include=["keypoints", "kafka_io", "connect_runtime", "consumers", "producer_service", "holistic_cli", "pose_format"]
):
    from tests.security.fuzz.all_targets import ALL

_ONE_INPUT_S = 10
_MEMORY_MB = 1536


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.security.fuzz", description=__doc__)
    parser.add_argument("target", choices=sorted(ALL), help="which decoder")
    parser.add_argument("input", nargs="?", type=Path, help="one input, to be tried again")
    parser.add_argument("--seconds", type=int, default=60, help="how long to look")
    parser.add_argument("--corpus", type=Path, help="directory of inputs to go on from, and to add to")
    parser.add_argument("--findings", type=Path, default=Path("build/fuzz"), help="directory that findings go to")
    options = parser.parse_args()
    target = ALL[options.target]
    with tempfile.TemporaryDirectory(prefix="fuzz-") as scratch:
        directory = Path(scratch)
        if options.input is not None:
            print(repr(target.try_out(options.input.read_bytes(), directory)))
            return
        corpus = options.corpus or directory / "corpus"
        corpus.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(target.seeds()):
            (corpus / f"seed-{number}").write_bytes(seed)
        options.findings.mkdir(parents=True, exist_ok=True)
        atheris.Setup(
            [
                sys.argv[0],
                str(corpus),
                f"-max_total_time={options.seconds}",
                f"-max_len={target.largest_bytes}",
                f"-timeout={_ONE_INPUT_S}",
                f"-rss_limit_mb={_MEMORY_MB}",
                f"-artifact_prefix={options.findings}/{target.name}-",
                "-print_final_stats=1",
            ],
            lambda data: target.try_out(data, directory),
        )
        atheris.Fuzz()


main()
