"""What is put in the place of what a reader would have: ports, streams, files, patience. And what is not run, and why.

These tables are all there is between a page and the test: what is in none of them runs as it stands.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class NotRun:
    """Commands that are only parsed here, and why."""

    pattern: str
    reason: str


NOT_RUN: Final = (
    NotRun(r"^(make|sudo make) ", "sets up, tests or builds all; its target must be in the Makefile"),
    NotRun(r"(^|\s)(docker|docker-compose|podman|buildah) ", "needs a container engine; tests/deploy runs the images"),
    NotRun(r"^(?:\w+=\S+ )*deploy/(build_images\.py|make_secrets\.sh)", "tests/deploy runs it"),
    NotRun(r"^(\. \./\.env|.*HOLISTIC_SECRETS)", "needs the secrets of deploy/make_secrets.sh; tests/deploy does"),
    NotRun(r"\b(kubectl|helm|kustomize|kubeadm) ", "needs a cluster; tests/deploy checks the manifests"),
    NotRun(
        r"^(grpcurl|protoc) ", "a tool that does not come with the project; tests/producer_service/rpc runs the page"
    ),
    NotRun(r"^python -m grpc_tools", "tests/producer_service/rpc runs it"),
    NotRun(r"npm run", "the page's own build, which `make setup` runs"),
    NotRun(r"pytest", "is a test, or makes a picture by one"),
    NotRun(r"^promtool test rules", "a minute of reckoning; tests/deploy runs it"),
    NotRun(r"kafka_acls .*--(apply|check)", "needs a broker with an authorizer; tests/security runs it"),
    NotRun(r"https://example\.org", "goes to another machine"),
    NotRun(r"192\.168\.\d+\.\d+", "sends to another machine; tests/consumers/avatar sends to this one"),
    NotRun(r"^holistic report STREAM", "shows every option at once"),
    NotRun(r"\[--", "shows an option that may be left out"),
    NotRun(r"^export PATH=", "the path is set already"),
    NotRun(r"^holistic down\b", "the last thing that is run, when all pages are done"),
    NotRun(r"^holistic (demo|bench)\b", "tests/demo and tests/proving run it, for minutes"),
)

TESTED_ELSEWHERE: Final[Mapping[str, str]] = {
    "docs/producer-api.md": "tests/producer_service/gateway/test_documented.py",
    "docs/grpc.md": "tests/producer_service/rpc/test_manual.py",
    "docs/writing-a-sink.md": "tests/connect_runtime/test_sink_page.py",
    "docs/queries.md": "tests/consumers/archive/test_queries.py",
    "docs/postgres.md": "tests/consumers/archive/test_postgres_page.py",
}
"""Pages whose curl lines, Python and SQL have a test of their own already; their `holistic` lines run here."""


SHOWS_FAILURES: Final = ("docs/mistakes.md",)
"""Pages whose tables show commands as they should not be given."""

OTHER_ENGINES: Final = ("docs/iceberg.md",)
"""Pages whose SQL is for Flink and Trino; tests/consumers/archive asks the same table through Spark."""


TOOLS: Final = ("curl", "jq", "openssl", "promtool", "psql")
"""Programs that come with the system: missing, they are a reason to skip, and in CI a failure."""


@dataclass(frozen=True)
class StandIn:
    """What a part of a command becomes, and why."""

    pattern: str
    replacement: str
    reason: str


STAND_INS: Final = (
    StandIn(r"(?<=localhost):(8083|8084|8085|8086|5000)\b", r":{port\1}", "services listen on free ports here"),
    StandIn(r"(?<=127\.0\.0\.1):(8083|8084|8085|8086|5000|39539)\b", r":{port\1}", "the same"),
    StandIn(r"ifm://127\.0\.0\.1(?!:)", "ifm://127.0.0.1:{port49983}", "the same"),
    StandIn(r" ; holistic down$", "", "the last thing that is run, when all pages are done"),
    StandIn(r"/etc/holistic/", "./", "only root writes there"),
    StandIn(r"^holistic record load-000 (.*)--seconds \d+", r"holistic record ada \1--seconds 1", "ada is there"),
    StandIn(r"^holistic record (?!.*--force)", "holistic record --force ", "the file is there: it is a sample"),
    StandIn(r"^(holistic record .*)--seconds \d+", r"\1--seconds 1", "in less time"),
    StandIn(r"^(holistic load (?!.*--as-fast).*)--seconds \d+", r"\1--seconds 1", "in less time"),
    StandIn(r"^(holistic load (?!.*--seconds)[^#]*)", r"\1 --seconds 1 ", "in less time"),
    StandIn(r"holistic play (?!.*--speed)", "holistic play --speed 100 ", "in less time"),
    StandIn(r"^holistic forget ada\b", "holistic forget leaver", "ada is needed by other pages"),
    StandIn(r"^(holistic forget .*--execute)", r"\1 --settle 0.5", "in less time"),
    StandIn(r"^(holistic avatar monitor)(?! --)", r"\1 --port {port39539} --seconds 1", "it would go on until Ctrl-C"),
    StandIn(r"^(holistic avatar export) ada (?!.*--recording)", r"\1 brief ", "ada goes on all the while"),
    StandIn(r"^(holistic avatar export .*)--from 10m", r"\1", "brief was there before that"),
    StandIn(r"^(holistic replay avatar) --from 10m", r"\1 --from 2s", "in less time"),
    StandIn(r"^curl -N ", "curl -N --max-time 1 ", "it would go on until Ctrl-C"),
    StandIn(r"^curl ", "curl --silent --show-error --fail-with-body ", "a refusal is a failure"),
    StandIn(r"PASSWORD '…'", "PASSWORD 'only-here'", "everybody's own"),
    StandIn(r"=…", "=only-here", "everybody's own"),
    StandIn(r"s3://my-bucket\b", "s3://{bucket}", "a bucket on this machine"),
    StandIn(r"python -m", "{python} -m", "the one of .venv"),
)

ENDS: Final[Mapping[str, int]] = {
    r"^curl .*--max-time": 28,
    r"^(\S+=\S+ )*holistic audit": -1,
}
"""Exit codes that are well though they are not 0; -1: 0 or 1, for frames arrive all the while."""

INPUT: Final[Mapping[str, str]] = {r"^holistic sql$": "SELECT 1;\n"}
"""What somebody types in."""

SERVICES: Final = (
    r"^holistic (archive|analytics|serve|watch)\b",
    r"^holistic avatar(?! (monitor|export))\b",
    r"^holistic images(?! publish| --to-end)\b",
    r"^holistic (compact|iceberg sync|files) .*--every",
    r"^\S*python\S* -m (consumers|producer_service)\.",
)
"""Commands that go on until they are stopped: they are run until they are ready, and must then end well."""


def strip_comment(command: str) -> str:
    """The command without what is said about it."""
    return re.sub(r"\s+#\s.*$", "", command, flags=re.M)


def find_reason(command: str) -> str | None:
    """Why a command is not run here; None when it is."""
    bare = strip_comment(command)
    return next((one.reason for one in NOT_RUN if re.search(one.pattern, bare)), None)


def put_stand_ins(command: str) -> str:
    """The command as it is run here, with names in braces for what is only known when it runs."""
    for one in STAND_INS:
        command = re.sub(one.pattern, one.replacement, command)
    return command


def put_places(command: str, places: Mapping[str, object]) -> str:
    """The command with those names replaced."""
    return re.sub(r"\{(port\d+|bucket|python)\}", lambda found: str(places[found[1]]), command)


def find_tools(commands: Iterable[str]) -> list[str]:
    """Which of TOOLS these commands call."""
    return [tool for tool in TOOLS if any(re.search(rf"(^|[|(] ?){tool}\s", command) for command in commands)]


def is_service(command: str) -> bool:
    """Whether it goes on until it is stopped."""
    bare = re.sub(r"^(?:\w+=\S+ )+", "", strip_comment(command))
    return any(re.search(pattern, bare) for pattern in SERVICES)


def is_well_ended(command: str, code: int) -> bool:
    """Whether a command may end so."""
    allowed = next((code for pattern, code in ENDS.items() if re.search(pattern, command)), 0)
    return code == 0 or code == allowed or (allowed == -1 and code == 1)


def find_input(command: str) -> str:
    """What is typed in."""
    bare = strip_comment(command)
    return next((text for pattern, text in INPUT.items() if re.search(pattern, bare)), "")
