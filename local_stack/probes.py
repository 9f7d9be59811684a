"""Whether each part answers a client, which is more than that its process runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka_io.admin import open_admin
from kafka_io.settings import KafkaSettings
from keypoints.errors import HolisticError
from local_stack.plan import KAFKA, POSTGRES, StackPlan
from local_stack.ports import is_listening
from local_stack.postgres_server import postgres_answers
from local_stack.schema_registry import registry_answers

if TYPE_CHECKING:
    from local_stack.layout import Layout


def part_answers(name: str, plan: StackPlan, layout: Layout) -> bool:
    """Whether the part does a small piece of its work now."""
    if name == KAFKA:
        # A closed port is told at once; the admin client would go on trying for seconds.
        return is_listening(plan.ports.kafka) and kafka_answers(plan.endpoints(layout).kafka_bootstrap_servers)
    if name == POSTGRES:
        return is_listening(plan.ports.postgres) and postgres_answers(plan, layout)
    return is_listening(plan.ports.registry) and registry_answers(plan.ports.registry)


def kafka_answers(bootstrap_servers: str) -> bool:
    """Whether an admin client can list the topics of a plain cluster."""
    settings = KafkaSettings(bootstrap_servers=bootstrap_servers, security_protocol="PLAINTEXT")
    try:
        with open_admin(settings, "listing topics") as admin:
            admin.list_topics()
    except HolisticError:
        return False
    return True
