"""What a cluster gets from deploy/kubernetes, as kubectl builds it and the API's own schemas read it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import jsonschema  # type: ignore[import-untyped]
import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml
from pydantic_settings import BaseSettings

from connect_runtime.rest.security import OPEN_PATHS, RestSettings
from connect_runtime.runtime_keys import RUNTIME_KEYS
from connect_runtime.service import JOIN_MARGIN_S, TIMEOUTS_IN_A_STOP
from consumers.analytics.feed.settings import FeedSettings
from consumers.analytics.settings import AnalyticsSettings
from consumers.archive.settings import ArchiveSettings
from consumers.avatar.settings import AvatarSettings
from deploy.build_images import TARGETS, image_name
from deploy.container.entrypoint import SECRET_VARIABLES
from kafka_io.settings import KafkaSettings
from producer_service.gateway.settings import GatewaySettings
from producer_service.image_topic.settings import ImageTopicSettings
from producer_service.rpc.settings import RpcSettings
from producer_service.settings import ProducerSettings
from tests.deploy.kubernetes_objects import (
    MANIFESTS,
    OLDEST_CLUSTER,
    REPOSITORY,
    Built,
    Pod,
    build,
    build_component,
    read_dockerfile,
    variables_of,
)
from tests.deploy.operator_schemas import SPECS

OVERLAYS: Final = ("base", "overlays/trial", "overlays/production")
COMPONENTS: Final = (
    ("images",),
    ("object-storage",),
    ("object-storage", "backup"),
    ("kafka-tls",),
    ("kafka-sasl",),
    ("postgres-tls",),
    ("schema-registry",),
    ("access",),
    ("monitoring",),
    ("monitoring", "access"),
    ("object-storage", "keda"),
    ("object-storage", "keda", "kafka-tls", "keda-tls"),
)

# Read by obstore and pyiceberg, which no settings of ours are asked for.
OBJECT_STORE_VARIABLES: Final = frozenset({"AWS_REGION", "AWS_ENDPOINT_URL"})
SETTINGS: Final[Mapping[str, tuple[type[BaseSettings], ...]]] = {
    "kafka_io.topics": (),
    "producer_service.gateway": (GatewaySettings, ProducerSettings, RpcSettings),
    "producer_service.image_topic": (ImageTopicSettings, ProducerSettings),
    "consumers.archive": (ArchiveSettings, RestSettings),
    "holistic_cli": (ArchiveSettings,),
    "consumers.analytics": (AnalyticsSettings, RestSettings),
    "consumers.analytics.feed": (FeedSettings,),
    "consumers.avatar": (AvatarSettings, RestSettings),
}
# Who needs what of the network, besides names: all there is to it.
NEEDS: Final[Mapping[str, frozenset[str]]] = {
    "topics": frozenset({"to-kafka"}),
    "producer": frozenset({"to-kafka", "from-clients"}),
    "images": frozenset({"to-kafka"}),
    "archive-postgres": frozenset({"to-kafka", "to-postgres"}),
    "archive-parquet": frozenset({"to-kafka", "to-object-storage"}),
    "compactor": frozenset({"to-object-storage"}),
    "backup": frozenset({"to-kafka", "to-object-storage"}),
    "analytics": frozenset({"to-kafka", "to-postgres"}),
    "watch": frozenset({"to-kafka", "from-clients"}),
    "avatar": frozenset({"to-kafka", "from-clients", "to-receivers"}),
}
FOR_EVERYBODY: Final = frozenset({"nothing", "names", "from-monitoring"})


@pytest.fixture(scope="module", params=OVERLAYS)
def built(kubectl: str, request: pytest.FixtureRequest) -> Built:
    return build(kubectl, request.param)


@pytest.fixture(scope="module", params=COMPONENTS, ids="+".join)
def with_components(kubectl: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build_component(kubectl, request.param, tmp_path_factory.getbasetemp() / "kustomize")


def check_objects(objects: Built, version: str) -> None:
    """Each is as the API's schemas, strictly, or the operators' documentation have it."""
    for one in objects.objects:
        check_object(json.dumps(one), version)


@cache
def check_object(text: str, version: str) -> None:
    """The same of one object, once: most are the same with and without a component."""
    one = json.loads(text)
    schema = SPECS.get((one["apiVersion"], one["kind"]))
    if schema is None:
        kubernetes_validate.validate(one, version, strict=True)
    else:
        assert set(one) <= {"apiVersion", "kind", "metadata", "spec"}
        jsonschema.validate(one["spec"], schema)


def module_of(container: Mapping[str, Any]) -> str:
    """The module a container runs."""
    if target_of(container) == "tools":
        return "holistic_cli"
    command = container.get("args") or read_dockerfile()[target_of(container)].command
    assert list(command[:2]) == ["python", "-m"]
    return str(command[2])


def target_of(container: Mapping[str, Any]) -> str:
    """The Dockerfile's target of a container's image."""
    return str(container["image"]).rpartition("/")[2].partition(":")[0]


def known_variables(module: str) -> set[str]:
    """What a service reads, and what its image's entrypoint reads for it."""
    own = variables_of(KafkaSettings, *SETTINGS[module])
    own |= OBJECT_STORE_VARIABLES if module in {"consumers.archive", "holistic_cli"} else set()
    return own | {f"{name}_FILE" for name in SECRET_VARIABLES if name in own or name.startswith("AWS_")}


def literal(container: Mapping[str, Any], name: str) -> str | None:
    """A variable that is given by its value."""
    return next((one.get("value") for one in container.get("env", ()) if one["name"] == name), None)


@pytest.mark.parametrize("version", [OLDEST_CLUSTER, kubernetes_validate.latest_version()])
def test_a_cluster_takes_every_object(kubectl: str, version: str) -> None:
    check_objects(build(kubectl, "overlays/production"), version)


def test_the_oldest_cluster_takes_every_object(built: Built) -> None:
    check_objects(built, OLDEST_CLUSTER)


def test_a_cluster_takes_what_each_component_makes(with_components: Built) -> None:
    check_objects(with_components, OLDEST_CLUSTER)


def test_no_component_takes_away_what_every_pod_must_have(with_components: Built) -> None:
    for pod in with_components.pods.values():
        check_hardened(pod)


def test_a_misspelt_field_is_found(kubectl: str) -> None:
    good = build(kubectl, "base").of_kind("Deployment")[0]
    spec = {**good["spec"], "replica": 3}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**good, "spec": spec}, OLDEST_CLUSTER, strict=True)


def test_every_file_is_part_of_something() -> None:
    """Also without kubectl: each can be read, and a kustomization beside it names it."""
    for file in MANIFESTS.rglob("*.yaml"):
        list(yaml.safe_load_all(file.read_text()))
        if file.name != "kustomization.yaml":
            assert file.name in (file.parent / "kustomization.yaml").read_text(), file


def test_every_part_of_the_suite_is_there(kubectl: str) -> None:
    assert set(build(kubectl, "overlays/production").pods) == set(NEEDS)
    assert set(build(kubectl, "base").pods) == set(NEEDS) - {"images", "compactor", "backup"}


def check_hardened(pod: Pod) -> None:
    """What every pod must be, whatever it does."""
    assert pod.spec["automountServiceAccountToken"] is False
    assert pod.spec["enableServiceLinks"] is False
    assert pod.spec["serviceAccountName"] == pod.name
    security = pod.spec["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["runAsUser"] == security["runAsGroup"] == security["fsGroup"] == 10001
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod.spec)
    for container in pod.containers:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"cpu", "memory"} <= set(container["resources"]["requests"])
        assert "memory" in container["resources"]["limits"]
        assert {"name": "tmp", "mountPath": "/tmp"} in container["volumeMounts"]


def test_pods_are_unprivileged_on_a_read_only_root_with_limits_and_no_token(built: Built) -> None:
    for pod in built.pods.values():
        check_hardened(pod)
        if not pod.is_job:
            spread = {one["topologyKey"] for one in pod.spec["topologySpreadConstraints"]}
            assert spread == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
    assert {one["metadata"]["name"] for one in built.of_kind("ServiceAccount")} == set(built.pods)
    assert all(one["automountServiceAccountToken"] is False for one in built.of_kind("ServiceAccount"))


def test_no_secret_is_in_the_manifests(built: Built) -> None:
    assert built.of_kind("Secret") == []
    for pod in built.pods.values():
        for container in pod.containers:
            for variable in container.get("env", ()):
                if re.search("PASSWORD|SECRET|TOKEN|KEY", variable["name"]):
                    is_file = variable["name"].endswith("_FILE") and variable["value"].startswith("/run/secrets/")
                    assert is_file or "secretKeyRef" in variable["valueFrom"], variable["name"]


def test_a_store_that_is_away_makes_pods_unready_and_never_kills_them(built: Built) -> None:
    for pod in built.pods.values():
        if pod.is_job or pod.name == "compactor":
            continue
        service = pod.service
        asked = {name: service[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
        assert {name: one["path"] for name, one in asked.items()} == {
            "startup": "/livez",
            "liveness": "/livez",
            "readiness": "/readyz",
        }
        assert {one["path"] for one in asked.values()} <= OPEN_PATHS
        assert {one["port"] for one in asked.values()} == {"http"}
        startup = service["startupProbe"]
        assert startup["periodSeconds"] * startup["failureThreshold"] >= 120


def test_ports_are_those_the_images_open(built: Built) -> None:
    dockerfile = read_dockerfile()
    for pod in built.pods.values():
        ports = {port["name"]: port["containerPort"] for port in pod.service.get("ports", ())}
        if pod.is_job or pod.name == "compactor":
            assert not ports
            continue
        own = literal(pod.service, "HOLISTIC_HTTP_PORT")
        exposed = dockerfile[target_of(pod.service)].ports if own is None else {int(own)}
        assert set(ports.values()) <= exposed
        assert ports["http"] == min(exposed)
        for service in built.of_kind("Service"):
            if built.selected(service["spec"]["selector"]) == {pod.name}:
                assert {one["port"] for one in service["spec"]["ports"]} == set(ports.values())


def test_images_of_the_base_are_those_the_build_script_makes(kubectl: str) -> None:
    images = {one["image"] for pod in build(kubectl, "base").pods.values() for one in pod.containers}
    assert images <= {image_name(target) for target in TARGETS}


def test_every_variable_is_one_the_service_reads(built: Built) -> None:
    everything = set[str]().union(*map(known_variables, SETTINGS))
    for config in built.of_kind("ConfigMap"):
        assert set(config["data"]) <= everything
    for pod in built.pods.values():
        for container in pod.containers:
            given = {one["name"] for one in container.get("env", ())}
            assert given <= known_variables(module_of(container)), pod.name


def test_every_variable_with_a_value_is_one_the_service_accepts(built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*os.environ]:
        if name.startswith(("HOLISTIC_", "KAFKA_", "DATABASE_URL", "SCHEMA_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DATABASE_URL", "postgresql://localhost/holistic")
    monkeypatch.setenv("KAFKA_SASL_USERNAME", "service")
    monkeypatch.setenv("KAFKA_SASL_PASSWORD", "given by a secret")
    shared = {name: value for config in built.of_kind("ConfigMap") for name, value in config["data"].items()}
    for pod in built.pods.values():
        given = {one["name"]: one["value"] for one in pod.service.get("env", ()) if "value" in one}
        with monkeypatch.context() as environment:
            for name, value in {**shared, **given}.items():
                environment.setenv(name, value)
            kinds: tuple[type[BaseSettings], ...] = (KafkaSettings, *SETTINGS[module_of(pod.service)])
            for kind in kinds:
                kind()


def test_all_that_is_referred_to_is_there_or_documented(built: Built) -> None:
    documented = (REPOSITORY / "docs" / "kubernetes.md").read_text()
    maps = {one["metadata"]["name"] for one in built.of_kind("ConfigMap")}
    claims = {one["metadata"]["name"] for one in built.of_kind("PersistentVolumeClaim")}
    secrets = set[tuple[str, str]]()
    for pod in built.pods.values():
        mounted = {volume["name"] for volume in pod.spec["volumes"]}
        for container in pod.containers:
            assert {one["name"] for one in container["volumeMounts"]} <= mounted
            assert {one["configMapRef"]["name"] for one in container.get("envFrom", ())} <= maps
            references = [
                one["valueFrom"].get("secretKeyRef") for one in container.get("env", ()) if "valueFrom" in one
            ]
            secrets |= {(one["name"], one["key"]) for one in references if one}
            check_files_are_mounted(pod, container)
        for volume in pod.spec["volumes"]:
            if "persistentVolumeClaim" in volume:
                assert volume["persistentVolumeClaim"]["claimName"] in claims
            if "secret" in volume:
                # Readable for the service's group, which is the volume's, and for nobody else.
                assert volume["secret"]["defaultMode"] == 0o440
                secrets |= {(volume["secret"]["secretName"], item["key"]) for item in volume["secret"]["items"]}
    for name, key in secrets:
        assert re.search(rf"`{re.escape(name)}`.*`{re.escape(key)}`", documented), f"{name}: {key} is not documented"


def check_files_are_mounted(pod: Pod, container: Mapping[str, Any]) -> None:
    """A file that a variable names is in a volume."""
    files = {
        f"{mount['mountPath']}/{item['path']}"
        for mount in container["volumeMounts"]
        for volume in pod.spec["volumes"]
        if volume["name"] == mount["name"] and "secret" in volume
        for item in volume["secret"]["items"]
    }
    named = {one["value"] for one in container.get("env", ()) if str(one.get("value")).startswith("/run/secrets/")}
    assert named <= files


def test_a_pod_has_the_time_its_service_takes_to_drain(built: Built) -> None:
    stop_s = (
        float(next(key.default or 0 for key in RUNTIME_KEYS if key.name == "task.shutdown.graceful.timeout.ms")) / 1000
    )
    consumer_s = TIMEOUTS_IN_A_STOP * stop_s + JOIN_MARGIN_S
    for pod in built.pods.values():
        if pod.is_job:
            continue
        needed_s = consumer_s
        if target_of(pod.service) == "producer":
            delivery_s = float(literal(pod.service, "HOLISTIC_DELIVERY_TIMEOUT_S") or 0)
            delay_s = float(literal(pod.service, "HOLISTIC_DRAIN_DELAY_S") or 0)
            drain_s: float = GatewaySettings.model_fields["drain_timeout_s"].default
            assert delivery_s > 0
            needed_s = delay_s + drain_s + delivery_s + 5
        assert pod.spec["terminationGracePeriodSeconds"] >= needed_s


def test_a_node_can_be_drained_and_takes_one_replica_at_a_time(built: Built) -> None:
    budgets = built.of_kind("PodDisruptionBudget")
    covered = [built.selected(one["spec"]["selector"]["matchLabels"]) for one in budgets]
    assert all(len(names) == 1 for names in covered)
    assert set().union(*covered) == {name for name, pod in built.pods.items() if not pod.is_job}
    assert {one["spec"]["maxUnavailable"] for one in budgets} == {1}


def test_services_select_the_pods_they_are_named_after(built: Built) -> None:
    for service in built.of_kind("Service"):
        assert built.selected(service["spec"]["selector"]) == {service["metadata"]["name"]}


def test_each_pod_reaches_what_it_needs_and_nothing_else(built: Built) -> None:
    policies = {one["metadata"]["name"]: one["spec"] for one in built.of_kind("NetworkPolicy")}
    assert policies["nothing"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    allowed: dict[str, set[str]] = {name: set() for name in built.pods}
    for name, spec in policies.items():
        selected = built.selected(spec["podSelector"].get("matchLabels", {}))
        assert selected, f"the policy {name} selects no pod"
        if name not in FOR_EVERYBODY:
            for pod in selected:
                allowed[pod].add(name)
    there = set(policies)
    assert {name: frozenset(found) for name, found in allowed.items()} == {
        name: NEEDS[name] & there for name in built.pods
    }


def test_only_the_avatar_sends_datagrams_and_nobody_reaches_the_clouds_credentials(built: Built) -> None:
    for policy in built.of_kind("NetworkPolicy"):
        for rule in policy["spec"].get("egress", ()):
            protocols = {port["protocol"] for port in rule["ports"]}
            if policy["metadata"]["name"] not in {"names", "to-receivers"}:
                assert protocols == {"TCP"}
            for to in rule.get("to", ()):
                if to.get("ipBlock", {}).get("cidr") == "0.0.0.0/0":
                    assert "169.254.0.0/16" in to["ipBlock"]["except"]


def test_a_volume_of_one_node_has_one_writer_at_a_time(built: Built) -> None:
    for pod in built.pods.values():
        if any("persistentVolumeClaim" in volume for volume in pod.spec["volumes"]):
            assert pod.owner["spec"]["replicas"] == 1
            assert pod.owner["spec"]["strategy"] == {"type": "Recreate"}
            assert "keda" not in built.folder
