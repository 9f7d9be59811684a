"""What the operators of a cluster get from deploy/kubernetes: KEDA, Prometheus, backups, Grafana's dashboards."""

from __future__ import annotations

from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import kubernetes_validate  # type: ignore[import-untyped]
import yaml

from consumers.analytics.settings import CONNECTOR_NAME as ANALYTICS
from consumers.archive.settings import PARQUET_CONNECTOR, POSTGRES_CONNECTOR
from deploy.kubernetes.make_monitoring import make_dashboards, make_rules
from handbook.commands import walk_commands
from kafka_io.settings import KafkaSettings
from keypoints.topics import SUITE_TOPICS, TRACKING_TOPIC
from tests.deploy.kubernetes_objects import OLDEST_CLUSTER, REPOSITORY, build, variables_of
from tests.deploy.operator_schemas import SPECS


def test_replicas_follow_the_lag_of_the_groups_there_are(kubectl: str) -> None:
    production = build(kubectl, "overlays/production")
    partitions = next(topic.partitions for topic in SUITE_TOPICS if topic.name == TRACKING_TOPIC)
    scaled = production.of_kind("ScaledObject")
    groups = {}
    for one in scaled:
        spec = one["spec"]
        kafka = next(trigger for trigger in spec["triggers"] if trigger["type"] == "kafka")["metadata"]
        target = production.pods[spec["scaleTargetRef"]["name"]]
        groups[target.name] = kafka["consumerGroup"]
        assert kafka["topic"] == TRACKING_TOPIC
        assert kafka["bootstrapServersFromEnv"] in variables_of(KafkaSettings)
        assert spec["maxReplicaCount"] == partitions
        assert 1 <= spec["minReplicaCount"] < partitions
        # Applied again, a number of replicas would undo what was scaled.
        assert "replicas" not in target.owner["spec"]
        down = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]
        assert down["stabilizationWindowSeconds"] >= 600
    assert groups == {
        "archive-postgres": POSTGRES_CONNECTOR,
        "archive-parquet": PARQUET_CONNECTOR,
        "analytics": ANALYTICS,
    }


def test_prometheus_finds_every_pod_that_answers(kubectl: str) -> None:
    production = build(kubectl, "overlays/production")
    found: set[str] = set()
    for monitor in production.of_kind("PodMonitor"):
        selector = monitor["spec"]["selector"]
        without = {value for one in selector.get("matchExpressions", ()) for value in one["values"]}
        found |= production.selected(selector["matchLabels"]) - without
    assert found == {name for name, pod in production.pods.items() if pod.service.get("ports")}


def test_prometheus_shows_each_service_the_key_it_asks_for(kubectl: str) -> None:
    production = build(kubectl, "overlays/production")
    shown = {}
    for monitor in production.of_kind("PodMonitor"):
        selector, [endpoint] = monitor["spec"]["selector"], monitor["spec"]["podMetricsEndpoints"]
        without = {value for one in selector.get("matchExpressions", ()) for value in one["values"]}
        for name in production.selected(selector["matchLabels"]) - without:
            shown[name] = {
                "basic": endpoint.get("basicAuth", {}).get("password", {}).get("key"),
                "bearer": endpoint.get("authorization", {}).get("credentials", {}).get("key"),
            }
    # The images' reader asks for nothing, and is shown what the others ask for.
    services = dict.fromkeys(("archive-postgres", "archive-parquet", "analytics", "avatar", "images"), "rest_password")
    assert shown == {
        **{name: {"basic": key, "bearer": None} for name, key in services.items()},
        "watch": {"basic": None, "bearer": "feed_key"},
        "producer": {"basic": None, "bearer": "metrics_key"},
    }


def test_prometheus_calls_each_service_what_rules_and_dashboards_call_it(kubectl: str) -> None:
    production = build(kubectl, "overlays/production")
    assert {one["spec"]["jobLabel"] for one in production.of_kind("PodMonitor")} == {"app.kubernetes.io/component"}
    scraped = yaml.safe_load((REPOSITORY / "deploy" / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    jobs = {one["job_name"]: one["dns_sd_configs"][0]["port"] for one in scraped if "dns_sd_configs" in one}
    answering = [pod for pod in production.pods.values() if pod.service.get("ports")]
    assert {
        pod.labels["app.kubernetes.io/component"]: pod.service["ports"][0]["containerPort"] for pod in answering
    } == jobs


def test_what_is_backed_up_is_a_command_there_is(kubectl: str) -> None:
    arguments = build(kubectl, "overlays/production").pods["backup"].service["args"]
    make = dict(walk_commands())["backup", "make"]
    assert tuple(arguments[:2]) == ("backup", "make")
    assert set(arguments[3:]) <= {name for param in make.params for name in param.opts}


def test_rules_and_dashboards_become_objects(tmp_path: Path) -> None:
    (tmp_path / "some_alerts.yml").write_text(
        "groups:\n- name: archive\n  rules:\n  - {alert: Behind, expr: up == 0, for: 5m, labels: {severity: page}}\n"
    )
    (tmp_path / "Suite.json").write_text('{"title": "Suite"}')
    (rule,) = make_rules(tmp_path, "here")
    (dashboard,) = make_dashboards(tmp_path, "here")
    assert rule["metadata"]["name"] == "holistic-some-alerts"
    assert rule["spec"]["groups"][0]["rules"][0]["alert"] == "Behind"
    kubernetes_validate.validate(dashboard, OLDEST_CLUSTER, strict=True)
    assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"


def test_the_operator_takes_the_rules_there_are() -> None:
    for rule in make_rules(REPOSITORY / "deploy" / "prometheus" / "rules", "holistic-stream"):
        jsonschema.validate(rule["spec"], SPECS[rule["apiVersion"], rule["kind"]])
        kubernetes_validate.validate(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": rule["metadata"]}, OLDEST_CLUSTER, strict=True
        )
    for dashboard in make_dashboards(REPOSITORY / "deploy" / "grafana", "holistic-stream"):
        kubernetes_validate.validate(dashboard, OLDEST_CLUSTER, strict=True)
