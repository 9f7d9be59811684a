"""What a person gets from docker-compose.yml, as docker-compose itself and the current specification read it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.build_images import TARGETS, image_name
from local_stack.artifacts import fetch_artifacts
from local_stack.kafka_broker import find_java
from local_stack.layout import default_cache_dir
from local_stack.progress import SilentProgress
from producer_service.gateway.settings import GatewaySettings

REPOSITORY = Path(__file__).resolve().parents[2]
COMPOSE_FILE = REPOSITORY / "docker-compose.yml"
CONSUMERS = ("archive", "analytics", "avatar")
KAFKA_SCRIPT_VARIABLES = ("KAFKA_HEAP_OPTS",)
SERVICES = (*CONSUMERS, "producer")
OWN = (*SERVICES, "topics", "tools")
CORE = {"kafka", "postgres", "topics", "producer", "archive", "compactor", "analytics", "watch", "avatar"}
ADDED_BY_PROFILE = {
    "images": {"images"},
    "tools": {"tools"},
    "schema-registry": {"schema-registry"},
    "observability": {"prometheus", "grafana"},
}
OTHERS = ("schema-registry", "prometheus", "grafana")


def run_compose(tool: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """docker-compose on our file, without the settings a developer may have in .env."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HOLISTIC_")}
    with tempfile.NamedTemporaryFile(prefix="holistic-env-") as empty:
        return subprocess.run(
            [tool, "--file", str(COMPOSE_FILE), "--env-file", empty.name, *arguments],
            env={**kept, **environment},
            text=True,
            capture_output=True,
            check=False,
            timeout=60,
        )


@pytest.fixture(scope="module")
def compose(require_tool: Callable[[str], str]) -> str:
    return require_tool("docker-compose")


@pytest.fixture(scope="module")
def secrets_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("compose") / "secrets"
    subprocess.run(
        [REPOSITORY / "deploy" / "make_secrets.sh", directory],
        env={**os.environ, "HOLISTIC_ENV_FILE": str(directory.parent / "env")},
        check=True,
        capture_output=True,
    )
    return directory


@pytest.fixture(scope="module")
def resolved(compose: str, secrets_directory: Path) -> str:
    """The whole file with every variable filled in, as docker-compose understands it."""
    asked = [word for profile in ADDED_BY_PROFILE for word in ("--profile", profile)]
    result = run_compose(compose, *asked, "config", HOLISTIC_SECRETS=str(secrets_directory))
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def resolve_profiles(compose: str, secrets_directory: Path) -> Callable[..., Mapping[str, Any]]:
    """The file as docker-compose reads it with these profiles asked for."""

    def resolve(*profiles: str, **environment: str) -> Mapping[str, Any]:
        asked = [word for profile in profiles for word in ("--profile", profile)]
        result = run_compose(compose, *asked, "config", HOLISTIC_SECRETS=str(secrets_directory), **environment)
        assert result.returncode == 0, result.stderr
        found: Mapping[str, Any] = yaml.safe_load(result.stdout)
        return found

    return resolve


@pytest.fixture(scope="module")
def services(resolve_profiles: Callable[..., Mapping[str, Any]]) -> Mapping[str, Any]:
    """Of every profile."""
    found: Mapping[str, Any] = resolve_profiles(*ADDED_BY_PROFILE)["services"]
    return found


def depends_on(services: Mapping[str, Any], name: str) -> set[str]:
    """The service and all it brings along when it is started alone."""
    needed = set(services[name].get("depends_on", {}))
    return {name}.union(*(depends_on(services, other) for other in needed))


def test_the_current_compose_specification_accepts_the_file() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE_FILE)],
        text=True,
        capture_output=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_without_a_profile_the_suite_starts_and_a_profile_adds_its_own(services: Mapping[str, Any]) -> None:
    asked_for: dict[str, set[str]] = {}
    for name, service in services.items():
        for profile in service.get("profiles", ["core"]):
            asked_for.setdefault(profile, set()).add(name)
    assert asked_for == {"core": CORE, **ADDED_BY_PROFILE}
    for name in CORE:
        assert depends_on(services, name) <= CORE


def test_services_know_the_schema_registry_once_its_address_is_set(
    resolve_profiles: Callable[..., Mapping[str, Any]],
) -> None:
    address = "http://schema-registry:8080/apis/ccompat/v7"
    for set_to in ("", address):
        found = resolve_profiles(*ADDED_BY_PROFILE, HOLISTIC_SCHEMA_REGISTRY_URL=set_to)["services"]
        asking = {
            name: service["environment"].get("SCHEMA_REGISTRY_URL")
            for name, service in found.items()
            if "KAFKA_BOOTSTRAP_SERVERS" in service.get("environment", {})
        }
        assert asking == dict.fromkeys({*CORE, "images", "tools"} - {"kafka", "postgres", "compactor"}, set_to)


def test_the_schema_registry_is_the_version_the_local_stack_runs(services: Mapping[str, Any]) -> None:
    listed = (REPOSITORY / "local_stack" / "artifacts.txt").read_text(encoding="utf-8")
    [version] = {line.split(":")[2] for line in listed.splitlines() if "apicurio-registry-app" in line}
    assert services["schema-registry"]["image"] == f"apicurio/apicurio-registry:{version}"


def test_prometheus_and_grafana_get_their_files_read_only_and_from_the_repository(
    services: Mapping[str, Any],
) -> None:
    mounted = [str(volume) for name in ("prometheus", "grafana") for volume in services[name]["volumes"]]
    read_only = {volume for volume in mounted if volume.endswith(":ro")}
    assert read_only == {
        f"{REPOSITORY}/deploy/prometheus:/etc/prometheus:ro",
        f"{REPOSITORY}/deploy/grafana/provisioning:/etc/grafana/provisioning:ro",
        f"{REPOSITORY}/deploy/grafana/dashboards:/var/lib/grafana/dashboards:ro",
    }
    assert {volume.split(":")[0] for volume in set(mounted) - read_only} == {"prometheus-data", "grafana-data"}
    for volume in read_only:
        assert Path(volume.split(":")[0]).is_dir(), volume
    assert (REPOSITORY / "deploy" / "prometheus" / "prometheus.yml").is_file()


def test_in_grafana_everybody_here_may_look_and_one_password_from_a_file_may_change(
    services: Mapping[str, Any],
) -> None:
    environment = services["grafana"]["environment"]
    assert environment["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert environment["GF_USERS_ALLOW_SIGN_UP"] == "false"
    assert environment["GF_SECURITY_ADMIN_PASSWORD__FILE"] == "/run/secrets/grafana_admin_password"
    assert [secret["source"] for secret in services["grafana"]["secrets"]] == ["grafana_admin_password"]


def test_without_secrets_compose_says_what_to_run(compose: str) -> None:
    result = run_compose(compose, "config")
    assert result.returncode != 0
    assert "run deploy/make_secrets.sh first" in result.stderr


def test_no_password_is_in_the_resolved_file(resolved: str, secrets_directory: Path) -> None:
    passwords = [(secrets_directory / name).read_text() for name in ("postgres_password", "grafana_admin_password")]
    for password in passwords:
        assert len(password) >= 32
        assert password not in resolved
    password = passwords[0]
    assert password in (secrets_directory / "database_url").read_text()


@pytest.mark.parametrize(
    ("name", "brought"),
    [
        ("archive", {"archive", "topics", "kafka", "postgres"}),
        ("analytics", {"analytics", "topics", "kafka", "postgres"}),
        ("avatar", {"avatar", "topics", "kafka"}),
        ("producer", {"producer", "topics", "kafka"}),
    ],
)
def test_a_service_started_alone_brings_what_it_needs_and_no_more(
    services: Mapping[str, Any], name: str, brought: set[str]
) -> None:
    assert depends_on(services, name) == brought


def test_services_wait_until_kafka_and_postgres_are_ready_and_the_topics_are_made(services: Mapping[str, Any]) -> None:
    for service in services.values():
        for needed, how in service.get("depends_on", {}).items():
            expected = "service_completed_successfully" if needed == "topics" else "service_healthy"
            assert how["condition"] == expected
    assert "healthcheck" in services["kafka"]
    assert "healthcheck" in services["postgres"]


@pytest.mark.parametrize("name", [*OWN, "compactor", "watch", "images", *OTHERS])
def test_containers_have_a_read_only_root_no_capabilities_limits_and_logs_that_end(
    services: Mapping[str, Any], name: str
) -> None:
    service = services[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {"cpus", "memory"} <= set(service["deploy"]["resources"]["limits"])
    assert {"max-size", "max-file"} <= set(service["logging"]["options"])


@pytest.mark.parametrize("name", OTHERS)
def test_what_others_make_runs_unprivileged_and_tells_whether_it_is_ready(
    services: Mapping[str, Any], name: str
) -> None:
    service = services[name]
    assert service["user"].split(":")[0] not in {"0", "root"}
    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["restart"] == "unless-stopped"
    assert ":" in service["image"]
    assert "latest" not in service["image"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_restarted_has_time_to_drain_and_tells_whether_it_is_ready(
    services: Mapping[str, Any], name: str
) -> None:
    service = services[name]
    assert service["restart"] == "unless-stopped"
    assert service["stop_grace_period"] == "60s"
    assert service["healthcheck"]["test"] == ["CMD", "python", "/opt/container/healthcheck.py"]


@pytest.mark.parametrize("name", ["producer", "images"])
def test_a_producer_that_is_stopped_without_kafka_has_time_to_count_what_it_lost(
    services: Mapping[str, Any], name: str
) -> None:
    service = services[name]
    delivery_s = int(service["environment"]["HOLISTIC_DELIVERY_TIMEOUT_S"])
    gateway = GatewaySettings.model_fields
    drain_s = gateway["drain_delay_s"].default + gateway["drain_timeout_s"].default
    assert drain_s + delivery_s + 5 <= int(service["stop_grace_period"].removesuffix("s"))


def test_every_published_port_is_on_the_loopback(services: Mapping[str, Any]) -> None:
    published = [str(port) for service in services.values() for port in service.get("ports", [])]
    assert len(published) >= 5
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []


def test_a_curl_to_port_5000_reaches_the_producer(services: Mapping[str, Any]) -> None:
    published = [str(port) for port in services["producer"]["ports"]]
    assert published == ["127.0.0.1:5000:5000/tcp", "127.0.0.1:5001:5001/tcp"]


@pytest.mark.parametrize("name", CONSUMERS)
def test_replicas_of_a_consumer_do_not_fight_for_a_port_or_a_name(services: Mapping[str, Any], name: str) -> None:
    assert "container_name" not in services[name]
    assert all(str(port).startswith("127.0.0.1::") for port in services[name]["ports"])


def test_compose_names_the_images_that_the_build_script_makes(services: Mapping[str, Any]) -> None:
    built = {name: service["build"]["target"] for name, service in services.items() if "build" in service}
    assert built == {name: name for name in OWN}
    assert set(TARGETS) == set(OWN)
    for name in OWN:
        assert services[name]["image"] == image_name(name)


def test_data_of_kafka_postgres_the_archive_and_the_producer_outlives_the_containers(
    services: Mapping[str, Any], resolved: str
) -> None:
    volumes = set(yaml.safe_load(resolved)["volumes"])
    stores = (services[name]["volumes"] for name in ("kafka", "postgres", "archive", "producer"))
    named = {str(volume).split(":")[0] for mounted in stores for volume in mounted if "/sources" not in str(volume)}
    assert named == {"kafka-data", "postgres-data", "archive-data", "producer-state"}
    assert volumes == named | {"prometheus-data", "grafana-data"}


def test_inference_over_the_topic_of_images_is_the_producers_image_and_is_scaled_by_replicas() -> None:
    images = yaml.safe_load(COMPOSE_FILE.read_text())["services"]["images"]
    assert images["image"] == image_name("producer").replace("latest", "${HOLISTIC_TAG:-latest}")
    assert images["command"] == ["python", "-m", "producer_service.image_topic"]
    assert images["profiles"] == ["images"]
    assert all(str(port).startswith("127.0.0.1::") for port in images["ports"])


def test_the_compactor_tends_the_files_the_archive_writes_and_is_not_asked_how_it_is(
    services: Mapping[str, Any],
) -> None:
    compactor = services["compactor"]
    assert compactor["image"] == services["archive"]["image"]
    assert compactor["volumes"] == services["archive"]["volumes"]
    assert compactor["healthcheck"] in ({"disable": True}, {"test": ["NONE"]})
    assert compactor["restart"] == "unless-stopped"


def test_kafka_takes_the_settings_it_is_given(services: Mapping[str, Any], tmp_path: Path) -> None:
    """As the image does: KAFKA_A_SETTING becomes a.setting, and an empty volume is formatted with them."""
    given = services["kafka"]["environment"]
    settings = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in given.items()
        if name.startswith("KAFKA_") and name not in KAFKA_SCRIPT_VARIABLES
    }
    volume = {str(mount).split(":")[1] for mount in services["kafka"]["volumes"]}
    assert {settings["log.dirs"]} == volume
    settings["log.dirs"] = str(tmp_path / "data")
    file = tmp_path / "server.properties"
    file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))

    jars = fetch_artifacts("kafka", default_cache_dir(), SilentProgress())
    formatted = subprocess.run(
        [
            *(str(find_java()), "-XX:TieredStopAtLevel=1", "-cp", ":".join(str(jar) for jar in jars)),
            *("kafka.tools.StorageTool", "format", "--cluster-id", given["CLUSTER_ID"], "--config", str(file)),
        ],
        text=True,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert formatted.returncode == 0, formatted.stdout + formatted.stderr
    assert given["CLUSTER_ID"] in (tmp_path / "data" / "meta.properties").read_text()
    assert settings["auto.create.topics.enable"] == "false"
