"""A frame's trace, from the header its producer wrote to the put that took it."""

from __future__ import annotations

import time

import pytest

from observability.tracing import open_tracing
from tests.connect_runtime.harness import OnMemory, Store, encode_empty_frame, running, spec_for, wait_until
from tests.observability.collector import attributes_of, collecting


def test_a_put_s_span_is_linked_to_the_producer_s(monkeypatch: pytest.MonkeyPatch) -> None:
    broker, store = OnMemory(), Store()
    topic = broker.make_topic(1)
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
        monkeypatch.setenv("HOLISTIC_TRACING", "otlp")
        producer = open_tracing("producer")
        sent = producer.begin_publish(topic)
        header = ("traceparent", str(sent.traceparent()).encode())
        now_ms = int(time.time() * 1000)
        broker.broker.append(topic, encode_empty_frame(0), partition=0, headers=(header,), timestamp_ms=now_ms)
        sent.end()
        producer.close()
        with running(broker, spec_for("traced", topic, store)):
            wait_until("committed", lambda: broker.committed("traced", topic) == {0: 1})
        (published,) = collector.named("send")
        (put,) = collector.named("process")
    assert [(link.trace_id, link.span_id) for link in put.links] == [(published.trace_id, published.span_id)]
    assert attributes_of(put)["messaging.consumer.group.name"] == "traced"
    assert collector.services == {"producer", "holistic-traced"}


def test_without_the_wish_no_span_is_made() -> None:
    broker, store = OnMemory(), Store()
    topic = broker.make_topic(1)
    broker.publish(topic, 0, [encode_empty_frame(0)])
    with collecting() as collector:
        with running(broker, spec_for("quiet", topic, store)):
            wait_until("committed", lambda: broker.committed("quiet", topic) == {0: 1})
        assert collector.spans == []
