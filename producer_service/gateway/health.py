"""Probes and metrics."""

from fastapi import APIRouter, Depends, Request
from prometheus_client import CollectorRegistry
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from observability.health import Answer, answer_livez, answer_metrics, answer_readyz
from producer_service.gateway.callers import Gateway, ask_caller
from producer_service.gateway.descriptions import describe_errors


def health_router(gateway: Gateway, registry: CollectorRegistry) -> APIRouter:
    """`/livez` and `/readyz`, which ask for no key, and `/metrics`, which does."""
    router = APIRouter(tags=["service"])

    @router.get("/livez", summary="200 while the process answers at all")
    async def read_livez() -> Response:
        return _respond(answer_livez())

    @router.get(
        "/readyz",
        summary="200 when every worker is warm and Kafka is reached, else 503 with reasons",
        responses={503: {"description": "Not ready: `reasons` says why.", "content": {"application/json": {}}}},
    )
    async def read_readyz() -> Response:
        return _respond(answer_readyz(gateway.open.readiness()))

    @router.get(
        "/metrics",
        dependencies=[Depends(ask_caller(gateway.keys))],
        summary="Prometheus metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {}, "application/openmetrics-text": {}}}, **describe_errors(401)},
    )
    async def read_metrics(request: Request) -> Response:
        accept = request.headers.get("accept")
        return _respond(await run_in_threadpool(answer_metrics, registry, accept))

    return router


def _respond(answer: Answer) -> Response:
    return Response(answer.body, answer.status, {"content-type": answer.content_type})
