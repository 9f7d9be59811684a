"""`python -m holistic_cli` is `holistic`."""

from holistic_cli.main import run

run()
