"""Probes, metrics, and who answers."""

from typing import Any

from fastapi import APIRouter, Request
from prometheus_client import CollectorRegistry
from starlette.responses import JSONResponse, Response

from connect_runtime.control.herder import Herder
from connect_runtime.rest.version import CONNECT_VERSION, SUITE_VERSION
from observability.health import Answer, answer_livez, answer_metrics, answer_readyz


def health_router(herder: Herder, registry: CollectorRegistry, *, shows_traces: bool) -> APIRouter:
    """`/`, `/health`, and what probes and Prometheus ask; `shows_traces`: why tasks failed, to whoever asks."""
    router = APIRouter(tags=["service"])

    @router.get("/", summary="Versions, and the Kafka cluster")
    def read_versions() -> dict[str, Any]:
        return {
            "version": CONNECT_VERSION,
            "commit": f"holistic-stream-{SUITE_VERSION}",
            "kafka_cluster_id": herder.control_log.cluster_id(),
        }

    @router.get("/health", summary="Whether the worker has started, as Kafka Connect says it")
    def read_health() -> Response:
        problem = herder.control_log.problem()
        if problem is not None:
            return JSONResponse({"status": "starting", "message": f"Worker is still starting up: {problem}"}, 503)
        message = "Worker has completed startup and is ready to handle requests."
        return JSONResponse({"status": "healthy", "message": message})

    @router.get("/livez", summary="200 while the process answers at all")
    def read_livez() -> Response:
        return _respond(answer_livez())

    @router.get("/readyz", summary="200 when every connector here does what it is told to, else 503 with reasons")
    def read_readyz() -> Response:
        return _respond(answer_readyz(herder.readiness(shows_traces=shows_traces)))

    @router.get("/metrics", summary="Prometheus metrics under Kafka Connect's names")
    def read_metrics(request: Request) -> Response:
        return _respond(answer_metrics(registry, request.headers.get("Accept")))

    return router


def _respond(answer: Answer) -> Response:
    return Response(answer.body, answer.status, media_type=answer.content_type)
