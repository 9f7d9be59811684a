"""Traces through record headers: a span where a record is published, one where a batch is put, linked to its records'.

Off unless HOLISTIC_TRACING=otlp; then spans go to an OpenTelemetry collector, which the standard variables name
(OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_SAMPLER, OTEL_RESOURCE_ATTRIBUTES …). Attributes follow OpenTelemetry's
conventions for messaging; none says whose frames they are.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from keypoints.errors import Terminal
from keypoints.frame import FrameBatch
from keypoints.topics import TRACEPARENT_HEADER

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Link, Span, Tracer

TRACING_VARIABLE: Final = "HOLISTIC_TRACING"
# OpenTelemetry keeps no more of a span.
_MOST_LINKS: Final = 128


class PublishTrace:
    """The trace of one record on its way to Kafka; of nothing, where tracing is off."""

    def __init__(self, span: "Span | None" = None) -> None:
        self._span = span

    def traceparent(self) -> str | None:
        """What the record's header `traceparent` is to say (W3C Trace Context); None: no header."""
        if self._span is None:
            return None
        from opentelemetry import trace
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        carrier: dict[str, str] = {}
        TraceContextTextMapPropagator().inject(carrier, trace.set_span_in_context(self._span))
        return carrier.get(TRACEPARENT_HEADER)

    def end(self, error: BaseException | None = None) -> None:
        """Kafka has the record, or it never will."""
        if self._span is not None:
            if error is not None:
                _mark_failed(self._span, error)
            self._span.end()


class Tracing:
    """Makes spans, or nothing where it is off (`Tracing()`). Safe to share between threads."""

    def __init__(self, provider: "TracerProvider | None" = None) -> None:
        self._provider = provider
        self._tracer: Tracer | None = None if provider is None else provider.get_tracer("holistic")

    @property
    def is_on(self) -> bool:
        return self._tracer is not None

    def begin_publish(self, topic: str) -> PublishTrace:
        """A record is about to be handed to Kafka."""
        if self._tracer is None:
            return PublishTrace()
        from opentelemetry.trace import SpanKind

        attributes = {**_ABOUT_KAFKA, "messaging.operation.type": "send", "messaging.destination.name": topic}
        return PublishTrace(self._tracer.start_span(f"send {topic}", kind=SpanKind.PRODUCER, attributes=attributes))

    @contextmanager
    def trace_put(self, connector: str, task_id: int, batch: FrameBatch) -> Iterator[None]:
        """A sink takes a batch within the block; the span is linked to those of the first 128 traced records."""
        if self._tracer is None:
            yield
            return
        from opentelemetry.trace import SpanKind

        attributes: dict[str, str | int] = {
            **_ABOUT_KAFKA,
            "messaging.operation.type": "process",
            "messaging.destination.name": batch.topic,
            "messaging.consumer.group.name": connector,
            "messaging.batch.message_count": len(batch),
            "holistic.task": task_id,
        }
        span = self._tracer.start_span(
            f"process {batch.topic}", kind=SpanKind.CONSUMER, attributes=attributes, links=_links_of(batch)
        )
        try:
            yield
        except BaseException as error:
            _mark_failed(span, error)
            raise
        finally:
            span.end()

    def close(self) -> None:
        """Send what is left, for up to 30 s."""
        if self._provider is not None:
            self._provider.shutdown()


_ABOUT_KAFKA: Final[Mapping[str, str]] = {"messaging.system": "kafka"}


def open_tracing(service: str, environment: Mapping[str, str] | None = None) -> Tracing:
    """Tracing as the environment asks for it. `service` is this program's name unless OTEL_SERVICE_NAME is set.

    Raises Terminal when HOLISTIC_TRACING is neither `off` nor `otlp`.
    """
    variables = os.environ if environment is None else environment
    asked = variables.get(TRACING_VARIABLE, "off").strip().lower()
    if asked in {"", "off"}:
        return Tracing()
    if asked != "otlp":
        raise Terminal(f"{TRACING_VARIABLE}={asked!r}: must be one of off, otlp", key=TRACING_VARIABLE, value=asked)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    name = variables.get("OTEL_SERVICE_NAME", service)
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: name}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Tracing(provider)


def _links_of(batch: FrameBatch) -> "list[Link]":
    from opentelemetry import trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    propagator = TraceContextTextMapPropagator()
    found: dict[bytes, Link] = {}
    for headers in batch.headers:
        for name, value in headers:
            if name == TRACEPARENT_HEADER and value is not None and value not in found:
                carrier = {TRACEPARENT_HEADER: value.decode("ascii", "replace")}
                context = trace.get_current_span(propagator.extract(carrier)).get_span_context()
                if context.is_valid:
                    found[value] = trace.Link(context)
        if len(found) >= _MOST_LINKS:
            break
    return list(found.values())


def _mark_failed(span: "Span", error: BaseException) -> None:
    from opentelemetry.trace import StatusCode

    span.record_exception(error)
    span.set_status(StatusCode.ERROR, str(error))
