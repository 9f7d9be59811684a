"""What the operators' documentation says of the fields we use; anything else in an object is taken for a mistake."""

from __future__ import annotations

from typing import Any, Final

_TEXT: Final = {"type": "string", "minLength": 1}
_COUNT: Final = {"type": "integer", "minimum": 0}
_DURATION: Final = {"type": "string", "pattern": "^([0-9]+(ms|[smhd]))+$"}
_KEY_OF_SECRET: Final = {"name": _TEXT, "key": _TEXT}


def _object(fields: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": list(required), "additionalProperties": False}


def _list(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item, "minItems": 1}


_TEXTS: Final = {"type": "object", "additionalProperties": {"type": "string"}}
_SECRET: Final = _object(_KEY_OF_SECRET, "name", "key")
_SELECTOR: Final = _object(
    {
        "matchLabels": _TEXTS,
        "matchExpressions": _list(
            _object({"key": _TEXT, "operator": {"enum": ["In", "NotIn", "Exists"]}, "values": _list(_TEXT)}, "key")
        ),
    }
)
_SCALING: Final = _object(
    {
        "stabilizationWindowSeconds": {"type": "integer", "minimum": 0, "maximum": 3600},
        "policies": _list(
            _object({"type": {"enum": ["Pods", "Percent"]}, "value": _COUNT, "periodSeconds": _COUNT}, "type", "value")
        ),
    }
)
_KAFKA_TRIGGER: Final = _object(
    {
        "type": {"const": "kafka"},
        "metadata": _object(
            {
                "bootstrapServersFromEnv": _TEXT,
                "consumerGroup": _TEXT,
                "topic": _TEXT,
                # All of a trigger's metadata is text.
                "lagThreshold": {"type": "string", "pattern": "^[1-9][0-9]*$"},
                "offsetResetPolicy": {"enum": ["earliest", "latest"]},
                "sasl": {"enum": ["none", "plaintext", "scram_sha256", "scram_sha512"]},
                "tls": {"enum": ["enable", "disable"]},
            },
            "bootstrapServersFromEnv",
            "consumerGroup",
            "topic",
            "lagThreshold",
        ),
        "authenticationRef": _object({"name": _TEXT}, "name"),
    },
    "type",
    "metadata",
)
_CPU_TRIGGER: Final = _object(
    {
        "type": {"const": "cpu"},
        "metricType": {"enum": ["Utilization", "AverageValue"]},
        "metadata": _object({"value": {"type": "string", "pattern": "^[1-9][0-9]*$"}}, "value"),
    },
    "type",
    "metricType",
    "metadata",
)
_RULE: Final = {
    "type": "object",
    "properties": {
        "alert": _TEXT,
        "record": _TEXT,
        "expr": {"type": ["string", "integer"]},
        "for": _DURATION,
        "keep_firing_for": _DURATION,
        "labels": _TEXTS,
        "annotations": _TEXTS,
    },
    "required": ["expr"],
    "oneOf": [{"required": ["alert"]}, {"required": ["record"]}],
    "additionalProperties": False,
}

SPECS: Final[dict[tuple[str, str], dict[str, Any]]] = {
    ("keda.sh/v1alpha1", "ScaledObject"): _object(
        {
            "scaleTargetRef": _object({"name": _TEXT, "kind": _TEXT, "apiVersion": _TEXT}, "name"),
            "pollingInterval": _COUNT,
            "cooldownPeriod": _COUNT,
            "minReplicaCount": _COUNT,
            "maxReplicaCount": _COUNT,
            "advanced": _object(
                {
                    "horizontalPodAutoscalerConfig": _object(
                        {"behavior": _object({"scaleUp": _SCALING, "scaleDown": _SCALING})}
                    )
                }
            ),
            "triggers": _list({"oneOf": [_KAFKA_TRIGGER, _CPU_TRIGGER]}),
        },
        "scaleTargetRef",
        "triggers",
    ),
    ("keda.sh/v1alpha1", "TriggerAuthentication"): _object(
        {
            "secretTargetRef": _list(
                _object(
                    {
                        **_KEY_OF_SECRET,
                        "parameter": {"enum": ["username", "password", "ca", "cert", "key", "keyPassword"]},
                    },
                    "parameter",
                    "name",
                    "key",
                )
            )
        },
        "secretTargetRef",
    ),
    ("monitoring.coreos.com/v1", "PodMonitor"): _object(
        {
            "jobLabel": _TEXT,
            "selector": _SELECTOR,
            "podMetricsEndpoints": _list(
                _object(
                    {
                        "port": _TEXT,
                        "path": _TEXT,
                        "interval": _DURATION,
                        "basicAuth": _object({"username": _SECRET, "password": _SECRET}),
                        "authorization": _object({"type": _TEXT, "credentials": _SECRET}),
                    },
                    "port",
                )
            ),
            "podTargetLabels": _list(_TEXT),
        },
        "selector",
        "podMetricsEndpoints",
    ),
    ("monitoring.coreos.com/v1", "PrometheusRule"): _object(
        {
            "groups": _list(
                _object(
                    {"name": _TEXT, "interval": _DURATION, "rules": _list(_RULE), "labels": _TEXTS}, "name", "rules"
                )
            )
        },
        "groups",
    ),
}
"""(apiVersion, kind) → JSON schema of the object's `spec`."""
